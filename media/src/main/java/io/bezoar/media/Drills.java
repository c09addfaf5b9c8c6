package io.bezoar.media;

/** Whether faults may be injected. */
public enum Drills {
  /** No new faults. Faults that an earlier drill left armed stay in force all the same. */
  OFF,
  /** {@link Media#injector()} is there. */
  ON
}

package io.bezoar.guard;

/** When a file with a sidecar is checked. Copies through the guard are checked in either case. */
public enum Verify {
  /** All of it when it is mapped, so that plain loads begin on verified bytes. */
  AT_MAP,
  /** Only what is copied through the guard, when it is copied: mapping returns at once. */
  ON_COPY
}

package io.bezoar.guard.sidecar;

/** What a repair does with bytes that differ because the file was changed. */
public enum Differences {
  /** They are changes: a changed file is left alone. */
  KEEP,
  /** Everything that differs is taken back to what was protected. */
  REVERT
}

package io.bezoar.guard.sidecar;

/**
 * What a file looks like from outside, beside what it was when it was protected. Changed is not
 * damaged: bytes that differ are damage only where nobody has written to the file since.
 */
public enum FileState {
  /** Size and modification time are those of the protected file: bytes that differ are damaged. */
  UNTOUCHED,
  /**
   * As {@link #UNTOUCHED}, but a repair was cut short before it could put the modification time
   * back: bytes that differ are damaged where it was at work, and else changed.
   */
  REPAIR_INTERRUPTED,
  /** The modification time is another one: bytes that differ were changed. */
  TOUCHED,
  /** The size is another one: the file was changed. */
  RESIZED
}

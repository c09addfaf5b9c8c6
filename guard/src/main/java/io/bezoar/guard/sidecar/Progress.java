package io.bezoar.guard.sidecar;

/**
 * Looks at long work, and may end it. Called by the threads that work, by several at once; must not
 * block.
 */
public interface Progress {
  /** Nobody looks. */
  Progress UNWATCHED = (done, total) -> {};

  /**
   * So much is done, in bytes read of the file and its sidecar. Later calls may bring smaller
   * numbers.
   */
  void advanced(long doneBytes, long totalBytes);

  /**
   * True when the work is to end: it then throws {@link InterruptedException} soon, as it does when
   * its thread is interrupted, and leaves nothing half done.
   */
  default boolean isCancelled() {
    return false;
  }
}

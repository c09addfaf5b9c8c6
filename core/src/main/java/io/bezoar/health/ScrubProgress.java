package io.bezoar.health;

/**
 * How far a scrub is.
 *
 * @param state what it does now
 * @param doneBytes bytes of media done, of {@code totalBytes}
 * @param totalBytes bytes of media to do
 * @param totals checked and found so far, since the scrub began, over all its interruptions
 * @param detail why it failed; empty otherwise
 */
public record ScrubProgress(
    State state, long doneBytes, long totalBytes, ScrubTotals totals, String detail) {
  /** What a scrub does. */
  public enum State {
    /** None was started since the pool was opened. */
    IDLE,
    /** Checking. */
    RUNNING,
    /** Waiting to be resumed. */
    PAUSED,
    /** Stopped before its end; the next one goes on there. */
    STOPPED,
    /** Reached its end. */
    FINISHED,
    /** The volume became unavailable. */
    FAILED;

    /** True while it occupies the scrubber. */
    public boolean active() {
      return this == RUNNING || this == PAUSED;
    }
  }
}

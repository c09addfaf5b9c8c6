package io.bezoar.target;

import java.util.concurrent.Executor;

/**
 * How a write cache behaves.
 *
 * @param background runs write-back; never called with a lock held, so it may run in the caller
 * @param highPercent with more of the blocks dirty than this, write-back begins by itself; 0 to 100
 * @param lowPercent and goes on until no more than this are
 * @param unknown what to do when both copies of an entry are gone
 */
public record WriteCacheOptions(
    Executor background, int highPercent, int lowPercent, Unknown unknown) {

  /** What to do with blocks of which nobody knows what they hold. */
  public enum Unknown {
    /**
     * Refuse to open: the origin may be older than what was acknowledged, and nobody knows where.
     */
    REFUSE,
    /** Accept that what these blocks held is gone, and serve the origin as it is. */
    ACCEPT
  }

  /** Checks the watermarks. */
  public WriteCacheOptions {
    if (lowPercent < 0 || highPercent < lowPercent || highPercent > 100) {
      throw new IllegalArgumentException(
          "watermarks " + lowPercent + "% and " + highPercent + "%: not 0 <= low <= high <= 100");
    }
  }

  /** Begins at half, ends at a third, and refuses what is unknown. */
  public static WriteCacheOptions standard(Executor background) {
    return new WriteCacheOptions(background, 50, 33, Unknown.REFUSE);
  }
}

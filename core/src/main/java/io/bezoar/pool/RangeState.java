package io.bezoar.pool;

import io.bezoar.media.ByteRange;

/**
 * What became of one run of the volume since the pool was opened.
 *
 * @param range bytes of the volume
 * @param state what became of them
 */
public record RangeState(ByteRange range, State state) {
  /** What became of them. */
  public enum State {
    /** Struck, and whole again. */
    REPAIRED,
    /** Read by reconstruction only. */
    DEGRADED,
    /** Gone. */
    LOST
  }
}

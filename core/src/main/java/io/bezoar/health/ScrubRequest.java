package io.bezoar.health;

import io.bezoar.media.ByteRange;
import org.jspecify.annotations.Nullable;

/**
 * How to scrub.
 *
 * @param start where to begin; of no meaning with {@code volume}
 * @param rateBytesPerSecond most bytes of media to read per second; 0 for no limit
 * @param volume only the rows that hold these bytes; null for everything
 */
public record ScrubRequest(Start start, long rateBytesPerSecond, @Nullable ByteRange volume) {
  /** Where to begin. */
  public enum Start {
    /** Where the last one stopped, if it did not finish. */
    CONTINUE,
    /** At the first row. */
    FROM_START
  }

  /** Everything, as fast as it goes, from where the last one stopped. */
  public static final ScrubRequest DEFAULT = new ScrubRequest(Start.CONTINUE, 0, null);
}

package io.bezoar.health;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * What is kept of scrubs across restarts.
 *
 * @param nextRow the first row that the interrupted scrub has not checked; 0 when none is open
 * @param open totals of the interrupted scrub so far
 * @param finishedAt when a scrub of everything last reached its end; null when none ever did
 * @param finished totals of that one
 */
public record ScrubRecord(
    long nextRow, ScrubTotals open, @Nullable Instant finishedAt, ScrubTotals finished) {
  /** Nothing was ever scrubbed. */
  public static final ScrubRecord NEVER =
      new ScrubRecord(0, ScrubTotals.NONE, null, ScrubTotals.NONE);
}

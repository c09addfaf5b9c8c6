package io.bezoar.health;

import java.time.Instant;
import java.time.temporal.ChronoUnit;
import org.jspecify.annotations.Nullable;

/**
 * What is kept of scrubs across restarts.
 *
 * @param nextRow the first row that the interrupted scrub has not checked; 0 when none is open
 * @param open totals of the interrupted scrub so far
 * @param finishedAt when a scrub of everything last reached its end, in whole milliseconds; null
 *     when none ever did
 * @param finished totals of that one
 */
public record ScrubRecord(
    long nextRow, ScrubTotals open, @Nullable Instant finishedAt, ScrubTotals finished) {
  /** Cuts the time to what is kept of it. */
  public ScrubRecord {
    finishedAt = finishedAt == null ? null : finishedAt.truncatedTo(ChronoUnit.MILLIS);
  }

  /** Nothing was ever scrubbed. */
  public static final ScrubRecord NEVER =
      new ScrubRecord(0, ScrubTotals.NONE, null, ScrubTotals.NONE);
}

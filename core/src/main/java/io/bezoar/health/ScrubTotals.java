package io.bezoar.health;

/**
 * What a scrub has checked and found so far.
 *
 * @param checkedBytes bytes of media whose every copy was read and compared
 * @param foundRanges ranges that were found bad
 * @param repairedBytes bytes rebuilt, rewritten and verified
 * @param degradedBytes bytes that still come by reconstruction, but could not be rewritten
 * @param lostBytes bytes of the volume found lost
 */
public record ScrubTotals(
    long checkedBytes, long foundRanges, long repairedBytes, long degradedBytes, long lostBytes) {
  /** Nothing yet. */
  public static final ScrubTotals NONE = new ScrubTotals(0, 0, 0, 0, 0);

  /** Both together. */
  public ScrubTotals plus(ScrubTotals other) {
    return new ScrubTotals(
        checkedBytes + other.checkedBytes,
        foundRanges + other.foundRanges,
        repairedBytes + other.repairedBytes,
        degradedBytes + other.degradedBytes,
        lostBytes + other.lostBytes);
  }
}

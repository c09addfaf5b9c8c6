package io.bezoar.target;

import io.bezoar.media.ByteRange;
import java.util.ArrayList;
import java.util.List;

/**
 * What one step of a scrub came to.
 *
 * @param pagesChecked pages read and compared, redundancy included
 * @param found what did not verify, page-aligned ranges of the child, ascending
 * @param repaired pages of those that were rebuilt, rewritten and verified
 * @param degraded pages of those that are served, but could not be cleared
 * @param lost pages of those that are lost since this step
 */
public record ScrubStep(
    long pagesChecked, List<ByteRange> found, long repaired, long degraded, long lost) {

  /** Nothing checked, nothing found. */
  public static final ScrubStep NONE = new ScrubStep(0, List.of(), 0, 0, 0);

  /** Copies the list. */
  public ScrubStep {
    found = List.copyOf(found);
  }

  /** Both steps as one. */
  public ScrubStep plus(ScrubStep other) {
    List<ByteRange> all = new ArrayList<>(found);
    all.addAll(other.found);
    return new ScrubStep(
        pagesChecked + other.pagesChecked,
        all,
        repaired + other.repaired,
        degraded + other.degraded,
        lost + other.lost);
  }
}

package io.bezoar.dax;

import io.bezoar.media.ByteRange;
import io.bezoar.media.Units;

/**
 * Where on a leaf device's media the two copies of its poison list lie: whole pages, at least two
 * each, equally many, far apart.
 *
 * @param first the copy that is written first
 * @param second the other
 */
public record PoisonRegion(ByteRange first, ByteRange second) {
  private static final int MIN_PAGES = 2;

  /** Checks the shape. */
  public PoisonRegion {
    boolean whole =
        first.alignOutward(Units.PAGE_BYTES).equals(first)
            && second.alignOutward(Units.PAGE_BYTES).equals(second);
    boolean equal = first.length() == second.length() && !first.overlaps(second);
    if (!whole || !equal || first.length() < (long) MIN_PAGES * Units.PAGE_BYTES) {
      throw new IllegalArgumentException(
          "not two equal, disjoint runs of at least "
              + MIN_PAGES
              + " pages: "
              + first
              + ", "
              + second);
    }
  }

  /** Pages of each copy that hold entries; one more holds the header. */
  int entryPages() {
    return Math.toIntExact(first.length() / Units.PAGE_BYTES) - 1;
  }

  void checkFits(long sizeBytes) {
    if (first.end() > sizeBytes || second.end() > sizeBytes) {
      throw new IllegalArgumentException(
          "the list's copies " + first + ", " + second + " reach out of " + sizeBytes + " bytes");
    }
  }
}

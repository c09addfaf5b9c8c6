package io.bezoar.fs;

import io.bezoar.media.Units;
import java.util.List;

/**
 * Extents of a part of a file, and its size, as they were at one moment. Immutable.
 *
 * @param size bytes
 * @param from first page that is known
 * @param to page behind the last one that is known
 * @param extents what there is between them, ascending, whole
 */
record FileWindow(long size, long from, long to, List<Extent> extents) {
  /** Most extents of a window. */
  static final int EXTENTS_MAX = 512;

  /** Behind every page that a file can have. */
  static final long END = Long.MAX_VALUE / Units.PAGE_BYTES;

  boolean knows(long page) {
    return page >= from && page < to;
  }

  /** Index of the first extent that ends behind {@code page}; their number when there is none. */
  int indexOf(long page) {
    int low = 0;
    int high = extents.size();
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (extents.get(middle).end() > page) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    return low;
  }
}

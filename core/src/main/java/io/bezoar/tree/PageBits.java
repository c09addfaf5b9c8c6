package io.bezoar.tree;

import static io.bezoar.tree.SpaceLayout.GROUP_PAGES;

/** The bits of one group of pages, as words; 1 for pages that are taken. */
final class PageBits {
  private PageBits() {}

  /** The next bit of a free page at or behind {@code from}, or {@code limit}. */
  static int nextFree(long[] bits, int from, int limit) {
    return next(bits, from, limit, 0);
  }

  /** The next bit of a page that is taken, or {@code limit}. */
  static int nextTaken(long[] bits, int from, int limit) {
    return next(bits, from, limit, -1L);
  }

  private static int next(long[] bits, int from, int limit, long flip) {
    int at = from;
    while (at < limit) {
      long wanted = ~(bits[at >>> 6] ^ flip) & -1L << at;
      if (wanted != 0) {
        return Math.min(limit, (at & ~63) + Long.numberOfTrailingZeros(wanted));
      }
      at = (at | 63) + 1;
    }
    return limit;
  }

  static boolean isTaken(long[] bits, int bit) {
    return (bits[bit >>> 6] >>> bit & 1) != 0;
  }

  /** Marks pages of one group, by their numbers. */
  static void take(long[] bits, long begin, long end) {
    for (int word = firstWord(begin); word <= lastWord(end); word++) {
      bits[word] |= SpaceLayout.maskOf(word, begin, end);
    }
  }

  /** Clears the marks of pages of one group, by their numbers. */
  static void free(long[] bits, long begin, long end) {
    for (int word = firstWord(begin); word <= lastWord(end); word++) {
      bits[word] &= ~SpaceLayout.maskOf(word, begin, end);
    }
  }

  private static int firstWord(long begin) {
    return (int) (begin % GROUP_PAGES) >>> 6;
  }

  private static int lastWord(long end) {
    return (int) ((end - 1) % GROUP_PAGES) >>> 6;
  }
}

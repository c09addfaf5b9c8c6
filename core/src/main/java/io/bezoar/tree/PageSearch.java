package io.bezoar.tree;

import static io.bezoar.media.Units.PAGE_BYTES;
import static io.bezoar.tree.SpaceLayout.GROUP_PAGES;

import io.bezoar.dax.DaxDevice;
import io.bezoar.tree.PageAllocator.Home;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * Where pages are looked for.
 *
 * <p>Nodes are handed out first fit, the first copies from the start of the device, the second ones
 * from the middle; data from the first quarter on, in one run where there is one that is long
 * enough, or where its owner says. So small things stay together, and long runs stay whole; {@link
 * Gaps} leave what grows some room. What is found is not taken yet, and not looked at for poison
 * where nothing else is said.
 *
 * <p>Guarded by the lock of {@link PageAllocator}.
 */
final class PageSearch {
  /** Where pages of one kind are looked for. */
  private static final class Area {
    final long start;

    /** From here on; everything between start and here is taken, or was passed by. */
    long from;

    Area(long start) {
      this.start = start;
      this.from = start;
    }
  }

  /** What a search for a page of another failure domain makes of it. */
  private enum Care {
    /** Passes by whole groups that seem to lie in the domain to avoid. */
    SKIPPING_GROUPS,
    /** Looks at every page for its domain. */
    EVERY_PAGE,
    /** Takes any free page. */
    WHEREVER_FREE;

    static final Care[] NONE = {WHEREVER_FREE};
  }

  /** What a search for a run leaves alone. */
  private enum Passing {
    GAPS,
    NOTHING
  }

  private final DaxDevice device;
  private final TakenPages taken;
  private final long pages;
  private final Gaps gaps;
  private final Area firstCopies;
  private final Area secondCopies;
  private long dataFrom;

  PageSearch(DaxDevice device, TakenPages taken) {
    this.device = device;
    this.taken = taken;
    this.pages = device.sizeBytes() / PAGE_BYTES;
    this.gaps = new Gaps(pages);
    this.firstCopies = new Area(0);
    this.secondCopies = new Area(pages / 2);
    this.dataFrom = pages / 4;
  }

  // What has happened.

  /** Somebody got these pages. */
  void took(long begin, long end) {
    gaps.took(begin, end);
  }

  /** Data got these pages; the next is looked for behind them. */
  void tookRun(long begin, long end) {
    took(begin, end);
    dataFrom = end < pages ? end : 0;
  }

  /** Pages can be had again. */
  void released(long begin, long end) {
    for (Area area : new Area[] {firstCopies, secondCopies}) {
      if (begin >= area.start) {
        area.from = Math.min(area.from, begin);
      }
    }
  }

  /** Everything may be other than it was. */
  void startAnew() {
    firstCopies.from = firstCopies.start;
    secondCopies.from = secondCopies.start;
  }

  /** Leaves room to grow behind a run, for one that wanted to go on at {@code goal}. */
  void leaveGap(long end, long goal) {
    gaps.leave(end, goal);
  }

  // Single pages.

  /**
   * A free page that is not known to be bad.
   *
   * @param avoid a failure domain to keep out of while a page outside of it is free, or -1
   * @return its number, or -1 when none is free
   */
  long page(Home home, int avoid) throws IOException {
    Area area =
        switch (home) {
          case FIRST_COPY -> firstCopies;
          case SECOND_COPY -> secondCopies;
        };
    for (Care care : avoid < 0 ? Care.NONE : Care.values()) {
      long page = page(area, care == Care.WHEREVER_FREE ? -1 : avoid, care);
      if (page >= 0) {
        return page;
      }
    }
    return -1;
  }

  private long page(Area area, int avoid, Care care) throws IOException {
    long begin = area.from;
    long page = pageBetween(begin, pages, avoid, care);
    if (page >= 0) {
      if (avoid < 0 || care == Care.SKIPPING_GROUPS) {
        // What was passed by in between is looked at again when the search goes round.
        area.from = page + 1;
      }
      return page;
    }
    return pageBetween(0, begin, avoid, care);
  }

  private long pageBetween(long begin, long end, int avoid, Care care) throws IOException {
    long at = begin;
    while (at < end) {
      int group = SpaceLayout.groupOf(at);
      long groupEnd = Math.min(end, (long) (group + 1) * GROUP_PAGES);
      boolean skip =
          taken.isKnownToBeFull(group)
              || (care == Care.SKIPPING_GROUPS && liesIn(avoid, at, groupEnd));
      if (!skip) {
        long page = pageInGroup(group, at, groupEnd, avoid);
        if (page >= 0) {
          return page;
        }
        if (avoid < 0 && at == (long) group * GROUP_PAGES && groupEnd == taken.groupEnd(group)) {
          taken.longestRunIs(group, 0);
        }
      }
      at = groupEnd;
    }
    return -1;
  }

  private boolean liesIn(int domain, long begin, long end) {
    return domain(begin) == domain
        && domain((begin + end) / 2) == domain
        && domain(end - 1) == domain;
  }

  private int domain(long page) {
    return device.failureDomain(page * PAGE_BYTES);
  }

  private long pageInGroup(int group, long begin, long end, int avoid) throws IOException {
    long[] bits = taken.group(group);
    long base = (long) group * GROUP_PAGES;
    int limit = (int) (end - base);
    int at = PageBits.nextFree(bits, (int) (begin - base), limit);
    while (at < limit) {
      long page = base + at;
      if ((avoid < 0 || domain(page) != avoid) && !taken.quarantine(page, page + 1)) {
        return page;
      }
      at = PageBits.nextFree(bits, at + 1, limit);
    }
    return -1;
  }

  // Runs.

  /**
   * The first run of {@code length} pages, at most a group, or the longest that there is: its first
   * page and its pages; null when nothing is free. Gaps are passed by while it is as long without.
   */
  long @Nullable [] run(int length) throws IOException {
    if (!gaps.isEmpty()) {
      long[] run = run(length, Passing.GAPS);
      if (run != null && run[1] == length) {
        return run;
      }
    }
    return run(length, Passing.NOTHING);
  }

  private long @Nullable [] run(int length, Passing passing) throws IOException {
    int first = SpaceLayout.groupOf(dataFrom);
    int count = taken.groupCount();
    long[] best = null;
    for (int i = 0; i < count; i++) {
      int group = (first + i) % count;
      int needed = best == null ? 1 : (int) best[1] + 1;
      if (taken.isKnownToLack(group, needed)) {
        continue;
      }
      boolean masked = passing == Passing.GAPS && hasGaps(group);
      long[] run = longestIn(group, masked ? withGaps(group) : taken.group(group), length);
      if (run[1] >= length) {
        return run;
      }
      if (!masked) {
        taken.longestRunIs(group, run[1]);
      }
      if (run[1] >= needed) {
        best = run;
      }
    }
    return best;
  }

  private boolean hasGaps(int group) {
    long begin = (long) group * GROUP_PAGES;
    return gaps.overlap(begin, begin + GROUP_PAGES);
  }

  /** The bits of a group, 1 for gaps too. */
  private long[] withGaps(int group) throws IOException {
    long[] masked = taken.group(group).clone();
    long begin = (long) group * GROUP_PAGES;
    gaps.within(begin, begin + GROUP_PAGES, (from, to) -> PageBits.take(masked, from, to));
    return masked;
  }

  /** The first run of {@code enough} pages of a group, cut there, or its longest one. */
  private long[] longestIn(int group, long[] bits, int enough) {
    long base = (long) group * GROUP_PAGES;
    int limit = (int) (taken.groupEnd(group) - base);
    int bestAt = 0;
    int best = 0;
    int at = 0;
    while (at < limit && best < enough) {
      int begin = PageBits.nextFree(bits, at, limit);
      int end = PageBits.nextTaken(bits, begin, limit);
      if (end - begin > best) {
        bestAt = begin;
        best = Math.min(enough, end - begin);
      }
      at = end;
    }
    return new long[] {base + bestAt, best};
  }

  /**
   * Where the free pages end that begin with a certain one, within its group.
   *
   * @return {@code page} when it is not free
   */
  long freeUpTo(long page, long end) throws IOException {
    int group = SpaceLayout.groupOf(page);
    long base = (long) group * GROUP_PAGES;
    int limit = (int) (Math.min(end, taken.groupEnd(group)) - base);
    return base + PageBits.nextTaken(taken.group(group), (int) (page - base), limit);
  }
}

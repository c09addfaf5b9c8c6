package io.bezoar.tree;

import static io.bezoar.media.Units.PAGE_BYTES;
import static io.bezoar.tree.SpaceLayout.GROUP_PAGES;

import io.bezoar.dax.DaxDevice;
import io.bezoar.media.ByteRange;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Hands out pages.
 *
 * <p><b>Invariant.</b> A page is handed out only when the newest durable commit says that it is
 * free, nobody got it since, no older state that can still be reached has it, and the device knows
 * of no poison in it.
 *
 * <p><b>Protocol.</b> What the durable commit says is read from its space tree, a group of 4,096
 * pages at a time, when somebody looks for pages there; a bounded number of groups is kept. On top
 * of that lie three sets: <em>fresh</em> pages (handed out since), <em>resting</em> pages (freed by
 * a commit M, and in reach of commit M - 1 or of a reader until {@link #reuse}), and
 * <em>quarantined</em> ones. Only the sets grow with what is going on; for the rest memory holds a
 * byte for each group (16 MiB): how long its longest free run is at most.
 *
 * <p>Nodes are handed out first fit, the first copies from the start of the device, the second ones
 * from the middle; data from the first quarter on, in one run where there is one that is long
 * enough, or where its owner says. So small things stay together, and long runs stay whole; {@link
 * Gaps} leave what grows some room.
 *
 * <p>One lock, taken before those of the device; nobody is called with it held.
 */
final class PageAllocator {
  private static final int GROUPS_KEPT_MAX = 1024;
  private static final byte UNKNOWN = Byte.MAX_VALUE;

  /** What a page is for. */
  enum Home {
    FIRST_COPY,
    SECOND_COPY
  }

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

  /** What the durable commit says of a group: its bits, 1 for pages in use. */
  interface Committed {
    long[] group(int group) throws IOException;
  }

  private record Resting(long commit, Extents freed) {}

  private final ReentrantLock lock = new ReentrantLock();
  private final DaxDevice device;
  private final Committed committed;
  private final long pages;

  // All guarded by lock.
  private final ExtentSet fresh = new ExtentSet();
  private final ExtentSet resting = new ExtentSet();
  private final ExtentSet quarantined = new ExtentSet();
  private final ArrayDeque<Resting> restingByCommit = new ArrayDeque<>();
  private final Map<Integer, long[]> groups = new LinkedHashMap<>(64, 0.75f, true);
  private final Gaps gaps;
  private final byte[] longestRun;
  private final Area firstCopies;
  private final Area secondCopies;
  private final Area data;
  private long available;

  PageAllocator(DaxDevice device, Committed committed, long freePages) {
    this.device = device;
    this.committed = committed;
    this.pages = device.sizeBytes() / PAGE_BYTES;
    this.available = freePages;
    this.gaps = new Gaps(pages);
    this.longestRun = new byte[SpaceLayout.groupOf(pages - 1) + 1];
    Arrays.fill(longestRun, UNKNOWN);
    this.firstCopies = new Area(0);
    this.secondCopies = new Area(pages / 2);
    this.data = new Area(pages / 4);
  }

  private Area area(Home home) {
    return switch (home) {
      case FIRST_COPY -> firstCopies;
      case SECOND_COPY -> secondCopies;
    };
  }

  int groupCount() {
    return longestRun.length;
  }

  /** Pages that can be handed out now, as far as is known. */
  long available() {
    lock.lock();
    try {
      return available;
    } finally {
      lock.unlock();
    }
  }

  /** Pages that were freed and cannot be used again yet. */
  long restingPages() {
    lock.lock();
    try {
      return resting.pages();
    } finally {
      lock.unlock();
    }
  }

  /**
   * Takes one page.
   *
   * @param avoid a failure domain to keep out of while a page outside of it is free, or -1
   * @return its number, or -1 when none is free
   */
  long takePage(Home home, int avoid) throws IOException {
    lock.lock();
    try {
      for (Search search : avoid < 0 ? Search.ANYWHERE : Search.values()) {
        long page = find(area(home), search == Search.WHEREVER_FREE ? -1 : avoid, search);
        if (page >= 0) {
          take(page, page + 1);
          return page;
        }
      }
      return -1;
    } finally {
      lock.unlock();
    }
  }

  /** Takes a certain page, which must be free: for what has its place by rule. */
  void takeAt(long page) throws IOException {
    lock.lock();
    try {
      take(page, page + 1);
    } finally {
      lock.unlock();
    }
  }

  private enum Search {
    /** Passes by whole groups that seem to lie in the domain to avoid. */
    SKIPPING_GROUPS,
    /** Looks at every page for its domain. */
    EVERY_PAGE,
    /** Takes any free page. */
    WHEREVER_FREE;

    static final Search[] ANYWHERE = {WHEREVER_FREE};
  }

  private long find(Area area, int avoid, Search search) throws IOException {
    long begin = area.from;
    long page = findBetween(begin, pages, avoid, search);
    if (page >= 0) {
      if (avoid < 0 || search == Search.SKIPPING_GROUPS) {
        // What was passed by in between is looked at again when the search goes round.
        area.from = page + 1;
      }
      return page;
    }
    return findBetween(0, begin, avoid, search);
  }

  private long findBetween(long begin, long end, int avoid, Search search) throws IOException {
    long at = begin;
    while (at < end) {
      int group = SpaceLayout.groupOf(at);
      long groupEnd = Math.min(end, (long) (group + 1) * GROUP_PAGES);
      boolean skip =
          longestRun[group] == 0
              || (search == Search.SKIPPING_GROUPS && liesIn(avoid, at, groupEnd));
      if (!skip) {
        long page = findInGroup(group, at, groupEnd, avoid);
        if (page >= 0) {
          return page;
        }
        if (avoid < 0 && at == (long) group * GROUP_PAGES && groupEnd == groupEnd(group)) {
          longestRun[group] = 0;
        }
      }
      at = groupEnd;
    }
    return -1;
  }

  private long groupEnd(int group) {
    return Math.min(pages, (long) (group + 1) * GROUP_PAGES);
  }

  private boolean liesIn(int domain, long begin, long end) {
    return domain(begin) == domain
        && domain((begin + end) / 2) == domain
        && domain(end - 1) == domain;
  }

  private int domain(long page) {
    return device.failureDomain(page * PAGE_BYTES);
  }

  private long findInGroup(int group, long begin, long end, int avoid) throws IOException {
    long[] taken = group(group);
    long base = (long) group * GROUP_PAGES;
    int at = (int) (begin - base);
    int limit = (int) (end - base);
    while (at < limit) {
      long free = ~taken[at >>> 6] & -1L << at;
      if (free == 0) {
        at = (at | 63) + 1;
        continue;
      }
      at = (at & ~63) + Long.numberOfTrailingZeros(free);
      if (at < limit) {
        long page = base + at;
        if ((avoid < 0 || domain(page) != avoid) && !quarantine(page, page + 1)) {
          return page;
        }
        at++;
      }
    }
    return -1;
  }

  /**
   * Takes a run of pages for data.
   *
   * @param wanted pages, at least 1
   * @return first page and number of pages of the longest run found, no longer than wanted, or null
   *     when nothing is free
   */
  long @Nullable [] takeRun(long wanted) throws IOException {
    lock.lock();
    try {
      int length = (int) Math.min(wanted, GROUP_PAGES);
      while (true) {
        long[] run = findRun(length);
        if (run == null) {
          return null;
        }
        if (!quarantine(run[0], run[0] + run[1])) {
          take(run[0], run[0] + run[1]);
          data.from = run[0] + run[1] < pages ? run[0] + run[1] : 0;
          return run;
        }
      }
    } finally {
      lock.unlock();
    }
  }

  /**
   * Takes the free pages from a certain one on.
   *
   * @param wanted pages, at least 1
   * @return how many of them were free, and are taken
   */
  long takeFrom(long page, long wanted) throws IOException {
    lock.lock();
    try {
      long end = Math.min(pages, page + wanted);
      long at = page;
      while (at < end) {
        int group = SpaceLayout.groupOf(at);
        long base = (long) group * GROUP_PAGES;
        int limit = (int) (Math.min(end, groupEnd(group)) - base);
        long to = base + next(group(group), (int) (at - base), limit, -1L);
        if (to == at) {
          break;
        }
        if (!quarantine(at, to)) {
          take(at, to);
          at = to;
        }
      }
      return at - page;
    } finally {
      lock.unlock();
    }
  }

  /** Leaves room to grow behind a run, for one that wanted to go on at {@code goal}. */
  void leaveGap(long end, long goal) {
    lock.lock();
    try {
      gaps.leave(end, goal);
    } finally {
      lock.unlock();
    }
  }

  private long @Nullable [] findRun(int length) throws IOException {
    if (!gaps.isEmpty()) {
      long[] run = findRun(length, Passing.GAPS);
      if (run != null && run[1] == length) {
        return run;
      }
    }
    return findRun(length, Passing.NOTHING);
  }

  /** What a search for a run leaves alone. */
  private enum Passing {
    GAPS,
    NOTHING
  }

  /** The first run of {@code length} pages, or the longest that there is. */
  private long @Nullable [] findRun(int length, Passing passing) throws IOException {
    int first = SpaceLayout.groupOf(data.from);
    long[] best = null;
    for (int i = 0; i < longestRun.length; i++) {
      int group = (first + i) % longestRun.length;
      int needed = best == null ? 1 : (int) best[1] + 1;
      if (1L << longestRun[group] <= needed && longestRun[group] != UNKNOWN) {
        continue;
      }
      boolean masked = passing == Passing.GAPS && hasGaps(group);
      long[] run = longestIn(group, masked ? withGaps(group) : group(group), length);
      if (run[1] >= length) {
        return run;
      }
      if (!masked) {
        // Known to be below the next power of two.
        longestRun[group] = (byte) (Long.SIZE - Long.numberOfLeadingZeros(run[1]));
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
    long[] masked = group(group).clone();
    long begin = (long) group * GROUP_PAGES;
    gaps.within(begin, begin + GROUP_PAGES, (from, to) -> set(masked, from, to, -1));
    return masked;
  }

  /** The first run of {@code enough} pages of a group, cut there, or its longest one. */
  private long[] longestIn(int group, long[] taken, int enough) {
    long base = (long) group * GROUP_PAGES;
    int limit = (int) (groupEnd(group) - base);
    int bestAt = 0;
    int best = 0;
    int at = 0;
    while (at < limit && best < enough) {
      int begin = next(taken, at, limit, 0);
      int end = next(taken, begin, limit, -1L);
      if (end - begin > best) {
        bestAt = begin;
        best = Math.min(enough, end - begin);
      }
      at = end;
    }
    return new long[] {base + bestAt, best};
  }

  /** The next bit that is clear ({@code flip} 0) or set (-1), or {@code limit}. */
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

  private void take(long begin, long end) throws IOException {
    fresh.add(begin, end);
    mark(begin, end);
    gaps.took(begin, end);
    available -= end - begin;
  }

  /** Sets pages aside that the device knows to be bad; true when there are such. */
  private boolean quarantine(long begin, long end) throws IOException {
    var bad = device.poison(new ByteRange(begin * PAGE_BYTES, end * PAGE_BYTES));
    bad.forEach(
        entry -> {
          ByteRange range = entry.range().alignOutward(PAGE_BYTES);
          for (long page = range.start() / PAGE_BYTES; page < range.end() / PAGE_BYTES; page++) {
            if (!quarantined.overlaps(page, page + 1)) {
              quarantined.add(page, page + 1);
              available--;
            }
          }
        });
    if (!bad.isEmpty()) {
      mark(begin, end, quarantined);
    }
    return !bad.isEmpty();
  }

  /** Pages of quarantine that have been cleared meanwhile can be handed out again. */
  void releaseCleared() {
    lock.lock();
    try {
      Extents cleared = new Extents();
      quarantined.within(
          0,
          pages,
          (begin, end) -> {
            for (long page = begin; page < end; page++) {
              if (device.poison(PageIo.pageAt(page * PAGE_BYTES)).isEmpty()) {
                cleared.add(page, 1, 0);
              }
            }
          });
      cleared.forEach(
          (start, count, born) -> {
            quarantined.remove(start, start + count);
            released(start, start + count);
          });
    } finally {
      lock.unlock();
    }
  }

  /** Pages set aside because the device knows them to be bad, as far as anybody came across. */
  long quarantinedPages() {
    lock.lock();
    try {
      return quarantined.pages();
    } finally {
      lock.unlock();
    }
  }

  /**
   * What the durable commit says was wrong or lost, and can be had now.
   *
   * @param freePages that it leaves free
   */
  void readAnew(long freePages) {
    lock.lock();
    try {
      groups.clear();
      Arrays.fill(longestRun, UNKNOWN);
      available = freePages - fresh.pages() - resting.pages() - quarantined.pages();
      for (Area area : new Area[] {firstCopies, secondCopies}) {
        area.from = area.start;
      }
    } finally {
      lock.unlock();
    }
  }

  /** Gives back pages that nobody has seen: those of a transaction that aborted. */
  void giveBack(Extents unseen) {
    lock.lock();
    try {
      unseen.forEach(
          (start, count, born) -> {
            fresh.remove(start, start + count);
            released(start, start + count);
          });
    } finally {
      lock.unlock();
    }
  }

  /**
   * A commit is durable.
   *
   * @param allocated pages that are in use since it
   * @param freed pages that are free since it; they rest
   * @param publish makes the commit the durable one
   */
  void committed(long commit, Extents allocated, Extents freed, Runnable publish) {
    lock.lock();
    try {
      publish.run();
      allocated.forEach((start, count, born) -> fresh.remove(start, start + count));
      freed.forEach((start, count, born) -> resting.add(start, start + count));
      if (!freed.isEmpty()) {
        restingByCommit.add(new Resting(commit, freed));
      }
    } finally {
      lock.unlock();
    }
  }

  /** Pages freed by commits before {@code limit}, exclusive, can be used again. */
  void reuse(long limit) {
    lock.lock();
    try {
      Resting oldest = restingByCommit.peekFirst();
      while (oldest != null && oldest.commit() < limit) {
        oldest
            .freed()
            .forEach(
                (start, count, born) -> {
                  resting.remove(start, start + count);
                  released(start, start + count);
                });
        restingByCommit.removeFirst();
        oldest = restingByCommit.peekFirst();
      }
    } finally {
      lock.unlock();
    }
  }

  /** True when all these pages belong to somebody: in the durable commit, or since. */
  boolean inUse(long begin, long end) throws IOException {
    lock.lock();
    try {
      if (begin < 0 || end > pages) {
        return false;
      }
      // Fresh pages have their bit, too.
      if (resting.overlaps(begin, end) || quarantined.overlaps(begin, end)) {
        return false;
      }
      for (long at = begin; at < end; ) {
        int group = SpaceLayout.groupOf(at);
        long base = (long) group * GROUP_PAGES;
        int limit = (int) (Math.min(end, groupEnd(group)) - base);
        if (next(group(group), (int) (at - base), limit, 0) < limit) {
          return false;
        }
        at = base + limit;
      }
      return true;
    } finally {
      lock.unlock();
    }
  }

  /** How it stands with a page. */
  enum Standing {
    /** Can be handed out, or could if it were not bad. */
    FREE,
    /** Handed out since the durable commit. */
    FRESH,
    /** Freed by the durable commit or an earlier one, and not to be used yet. */
    RESTING,
    /** In use in the durable commit. */
    COMMITTED
  }

  /** How it stands with pages of one group. */
  Standing[] standing(long begin, long end) throws IOException {
    lock.lock();
    try {
      Standing[] standings = new Standing[(int) (end - begin)];
      for (long page = begin; page < end; page++) {
        Standing standing;
        if (fresh.contains(page, page + 1)) {
          standing = Standing.FRESH;
        } else if (resting.overlaps(page, page + 1)) {
          standing = Standing.RESTING;
        } else {
          standing = committedBit(page) ? Standing.COMMITTED : Standing.FREE;
        }
        standings[(int) (page - begin)] = standing;
      }
      return standings;
    } finally {
      lock.unlock();
    }
  }

  private boolean committedBit(long page) throws IOException {
    long[] taken = group(SpaceLayout.groupOf(page));
    int bit = (int) (page % GROUP_PAGES);
    return (taken[bit >>> 6] >>> bit & 1) != 0 && !quarantined.overlaps(page, page + 1);
  }

  private void released(long begin, long end) {
    available += end - begin;
    for (long at = begin; at < end; ) {
      int group = SpaceLayout.groupOf(at);
      long to = Math.min(end, groupEnd(group));
      long[] taken = groups.get(group);
      if (taken != null) {
        set(taken, at, to, 0);
      }
      longestRun[group] = UNKNOWN;
      at = to;
    }
    for (Area area : new Area[] {firstCopies, secondCopies}) {
      if (begin >= area.start) {
        area.from = Math.min(area.from, begin);
      }
    }
  }

  /** The bits of a group: 1 for everything that cannot be handed out. */
  private long[] group(int group) throws IOException {
    long[] kept = groups.get(group);
    if (kept != null) {
      return kept;
    }
    long[] taken = committed.group(group);
    long begin = (long) group * GROUP_PAGES;
    long end = begin + GROUP_PAGES;
    ExtentSet.Visitor mark = (from, to) -> set(taken, from, to, -1);
    fresh.within(begin, end, mark);
    resting.within(begin, end, mark);
    quarantined.within(begin, end, mark);
    if (end > pages) {
      set(taken, pages, end, -1);
    }
    if (groups.size() >= GROUPS_KEPT_MAX) {
      groups.remove(groups.keySet().iterator().next());
    }
    groups.put(group, taken);
    return taken;
  }

  private void mark(long begin, long end) throws IOException {
    for (long at = begin; at < end; ) {
      int group = SpaceLayout.groupOf(at);
      long to = Math.min(end, groupEnd(group));
      set(group(group), at, to, -1);
      at = to;
    }
  }

  private void mark(long begin, long end, ExtentSet set) throws IOException {
    long[] taken = group(SpaceLayout.groupOf(begin));
    set.within(begin, end, (from, to) -> set(taken, from, to, -1));
  }

  /** Sets (-1) or clears (0) the bits of pages of one group. */
  private static void set(long[] bits, long begin, long end, long value) {
    int last = (int) ((end - 1) % GROUP_PAGES) >>> 6;
    for (int word = (int) (begin % GROUP_PAGES) >>> 6; word <= last; word++) {
      long mask = SpaceLayout.maskOf(word, begin, end);
      bits[word] = value == 0 ? bits[word] & ~mask : bits[word] | mask;
    }
  }
}

package io.bezoar.tree;

import static io.bezoar.media.Units.PAGE_BYTES;
import static io.bezoar.tree.SpaceLayout.GROUP_PAGES;

import io.bezoar.dax.DaxDevice;
import io.bezoar.media.ByteRange;
import io.bezoar.tree.PageAllocator.Committed;
import io.bezoar.tree.PageAllocator.Standing;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Which pages cannot be handed out, and why.
 *
 * <p>What the durable commit says is read from its space tree, a group of 4,096 pages at a time,
 * when somebody looks for pages there; a bounded number of groups is kept. On top of that lie three
 * sets: <em>fresh</em> pages (handed out since), <em>resting</em> pages (freed by a commit M, and
 * in reach of commit M - 1 or of a reader until {@link #reuse}), and <em>quarantined</em> ones.
 * Only the sets grow with what is going on; for the rest memory holds a byte for each group (16
 * MiB): how long its longest free run is at most.
 *
 * <p>Guarded by the lock of {@link PageAllocator}.
 */
final class TakenPages {
  private static final int GROUPS_KEPT_MAX = 1024;
  private static final byte UNKNOWN = Byte.MAX_VALUE;

  private record Resting(long commit, Extents freed) {}

  private final DaxDevice device;
  private final Committed committed;
  private final long pages;
  private final ExtentSet fresh = new ExtentSet();
  private final ExtentSet resting = new ExtentSet();
  private final ExtentSet quarantined = new ExtentSet();
  private final ArrayDeque<Resting> restingByCommit = new ArrayDeque<>();
  private final Map<Integer, long[]> groups = new LinkedHashMap<>(64, 0.75f, true);

  /** The power of two above the longest free run of each group, as its exponent. */
  private final byte[] longestRun;

  private long available;

  TakenPages(DaxDevice device, Committed committed, long freePages) {
    this.device = device;
    this.committed = committed;
    this.pages = device.sizeBytes() / PAGE_BYTES;
    this.available = freePages;
    this.longestRun = new byte[SpaceLayout.groupOf(pages - 1) + 1];
    Arrays.fill(longestRun, UNKNOWN);
  }

  int groupCount() {
    return longestRun.length;
  }

  long groupEnd(int group) {
    return Math.min(pages, (long) (group + 1) * GROUP_PAGES);
  }

  /** Pages that can be handed out now, as far as is known. */
  long available() {
    return available;
  }

  long restingPages() {
    return resting.pages();
  }

  long quarantinedPages() {
    return quarantined.pages();
  }

  // Groups.

  /** The bits of a group: 1 for everything that cannot be handed out. To be read only. */
  long[] group(int group) throws IOException {
    long[] kept = groups.get(group);
    if (kept != null) {
      return kept;
    }
    long[] taken = committed.group(group);
    long begin = (long) group * GROUP_PAGES;
    long end = begin + GROUP_PAGES;
    ExtentSet.Visitor mark = (from, to) -> PageBits.take(taken, from, to);
    fresh.within(begin, end, mark);
    resting.within(begin, end, mark);
    quarantined.within(begin, end, mark);
    if (end > pages) {
      PageBits.take(taken, pages, end);
    }
    if (groups.size() >= GROUPS_KEPT_MAX) {
      groups.remove(groups.keySet().iterator().next());
    }
    groups.put(group, taken);
    return taken;
  }

  /** True when a group is known to have no free run of so many pages. */
  boolean isKnownToLack(int group, int run) {
    return longestRun[group] != UNKNOWN && 1L << longestRun[group] <= run;
  }

  /** True when nothing of a group is free, as far as is known. */
  boolean isKnownToBeFull(int group) {
    return longestRun[group] == 0;
  }

  /** Somebody looked at the whole group: no free run of it is longer. */
  void longestRunIs(int group, long run) {
    longestRun[group] = (byte) (Long.SIZE - Long.numberOfLeadingZeros(run));
  }

  // Taking.

  void take(long begin, long end) throws IOException {
    fresh.add(begin, end);
    mark(begin, end);
    available -= end - begin;
  }

  private void mark(long begin, long end) throws IOException {
    for (long at = begin; at < end; ) {
      int group = SpaceLayout.groupOf(at);
      long to = Math.min(end, groupEnd(group));
      PageBits.take(group(group), at, to);
      at = to;
    }
  }

  /** Sets pages of one group aside that the device knows to be bad; true when there are such. */
  boolean quarantine(long begin, long end) throws IOException {
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
      long[] taken = group(SpaceLayout.groupOf(begin));
      quarantined.within(begin, end, (from, to) -> PageBits.take(taken, from, to));
    }
    return !bad.isEmpty();
  }

  // Giving back. Each tells what can be handed out again.

  /** Pages of quarantine that have been cleared meanwhile. */
  void releaseCleared(ExtentSet.Visitor told) {
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
    release(cleared, quarantined, told);
  }

  /** Pages that nobody has seen: those of a transaction that aborted. */
  void giveBack(Extents unseen, ExtentSet.Visitor told) {
    release(unseen, fresh, told);
  }

  /** Pages freed by commits before {@code limit}, exclusive. */
  void reuse(long limit, ExtentSet.Visitor told) {
    Resting oldest = restingByCommit.peekFirst();
    while (oldest != null && oldest.commit() < limit) {
      release(oldest.freed(), resting, told);
      restingByCommit.removeFirst();
      oldest = restingByCommit.peekFirst();
    }
  }

  private void release(Extents what, ExtentSet from, ExtentSet.Visitor told) {
    what.forEach(
        (start, count, born) -> {
          from.remove(start, start + count);
          released(start, start + count);
          told.range(start, start + count);
        });
  }

  private void released(long begin, long end) {
    available += end - begin;
    for (long at = begin; at < end; ) {
      int group = SpaceLayout.groupOf(at);
      long to = Math.min(end, groupEnd(group));
      long[] taken = groups.get(group);
      if (taken != null) {
        PageBits.free(taken, at, to);
      }
      longestRun[group] = UNKNOWN;
      at = to;
    }
  }

  // Commits.

  /** As {@link PageAllocator#committed}. */
  void committed(long commit, Extents allocated, Extents freed) {
    allocated.forEach((start, count, born) -> fresh.remove(start, start + count));
    freed.forEach((start, count, born) -> resting.add(start, start + count));
    if (!freed.isEmpty()) {
      restingByCommit.add(new Resting(commit, freed));
    }
  }

  /** As {@link PageAllocator#readAnew}. */
  void readAnew(long freePages) {
    groups.clear();
    Arrays.fill(longestRun, UNKNOWN);
    available = freePages - fresh.pages() - resting.pages() - quarantined.pages();
  }

  // Asking.

  /** As {@link PageAllocator#inUse}. */
  boolean inUse(long begin, long end) throws IOException {
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
      if (PageBits.nextFree(group(group), (int) (at - base), limit) < limit) {
        return false;
      }
      at = base + limit;
    }
    return true;
  }

  Standing standing(long page) throws IOException {
    if (fresh.contains(page, page + 1)) {
      return Standing.FRESH;
    }
    if (resting.overlaps(page, page + 1)) {
      return Standing.RESTING;
    }
    boolean taken = PageBits.isTaken(group(SpaceLayout.groupOf(page)), (int) (page % GROUP_PAGES));
    return taken && !quarantined.overlaps(page, page + 1) ? Standing.COMMITTED : Standing.FREE;
  }
}

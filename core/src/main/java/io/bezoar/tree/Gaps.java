package io.bezoar.tree;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Free pages behind runs that will probably grow, which are passed by while there are others. So
 * files that grow in turns do not lie page by page between each other.
 *
 * <p>A nudge, and nothing else: who names a page gets it, nodes are placed without asking, nothing
 * is kept on media, and when no run is long enough the gaps are used up. Who outgrew a gap gets a
 * larger one the next time. Bounded: when gaps are an eighth of the device, all are forgotten.
 * Guarded by the lock of {@link PageAllocator}.
 */
final class Gaps {
  private static final int OUTGROWN_MAX = 256;
  private static final long FIRST_PAGES_MAX = 64;
  private static final long PAGES_MAX = 4096;

  private final long devicePages;
  private final long firstPages;
  private final long pagesMax;
  private final ExtentSet spared = new ExtentSet();

  /** Ends of gaps to how long they were; the oldest are forgotten. */
  private final Map<Long, Long> lengths =
      new LinkedHashMap<>() {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Long, Long> eldest) {
          return size() > OUTGROWN_MAX;
        }
      };

  Gaps(long devicePages) {
    this.devicePages = devicePages;
    this.firstPages = Math.clamp(devicePages / 256, 1, FIRST_PAGES_MAX);
    this.pagesMax = Math.clamp(devicePages / 64, firstPages, PAGES_MAX);
  }

  boolean isEmpty() {
    return spared.isEmpty();
  }

  boolean overlap(long begin, long end) {
    return spared.overlaps(begin, end);
  }

  /** Visits the gaps in {@code [begin, end)}, clipped to it. */
  void within(long begin, long end, ExtentSet.Visitor visitor) {
    spared.within(begin, end, visitor);
  }

  /** Somebody got these pages. */
  void took(long begin, long end) {
    if (!spared.isEmpty()) {
      spared.clear(begin, end);
    }
  }

  /**
   * Leaves a gap from {@code end} on, for one that wanted to go on at {@code goal} and could not.
   */
  void leave(long end, long goal) {
    Long outgrown = lengths.remove(goal);
    long room = devicePages / 8 - spared.pages();
    if (room < firstPages) {
      spared.clear(0, devicePages);
    }
    long most = Math.clamp(room / 4, firstPages, pagesMax);
    long length = outgrown == null ? firstPages : Math.min(most, 4 * outgrown);
    long to = Math.min(devicePages, end + length);
    if (to == end) {
      return;
    }
    spared.clear(end, to);
    spared.add(end, to);
    lengths.put(to, length);
  }
}

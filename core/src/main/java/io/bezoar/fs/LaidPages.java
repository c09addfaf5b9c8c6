package io.bezoar.fs;

import io.bezoar.media.ByteRange;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Which pages of the device a mapping shows, and where: looked at from both sides. Not thread-safe.
 */
final class LaidPages {
  /** Longest run, so that whoever looks for a page of the device knows where to begin. */
  static final long RUN_PAGES_MAX = 1024;

  /**
   * Pages of a file that lie in one run on the device. Everything in pages.
   *
   * @param page the first one in the file
   * @param count how many, {@link #RUN_PAGES_MAX} at most
   * @param start the first one on the device
   */
  record Run(long page, long count, long start) {
    long end() {
      return page + count;
    }
  }

  private static final Comparator<Run> BY_DEVICE =
      Comparator.comparingLong(Run::start).thenComparingLong(Run::page);

  private final TreeMap<Long, Run> byPage = new TreeMap<>();
  private final TreeSet<Run> byDevice = new TreeSet<>(BY_DEVICE);

  /** Pages of the file are shown from here now, and from where they were no more. */
  void put(Run run) {
    remove(run.page(), run.end());
    add(run);
  }

  /** Pages {@code [from, to)} of the file are shown no more. */
  void remove(long from, long to) {
    Map.Entry<Long, Run> at = byPage.floorEntry(from);
    if (at == null) {
      at = byPage.ceilingEntry(from);
    }
    while (at != null && at.getKey() < to) {
      Run run = at.getValue();
      if (run.end() > from) {
        byPage.remove(run.page());
        byDevice.remove(run);
        if (run.page() < from) {
          add(new Run(run.page(), from - run.page(), run.start()));
        }
        if (run.end() > to) {
          add(new Run(to, run.end() - to, run.start() + to - run.page()));
        }
      }
      at = byPage.higherEntry(run.page());
    }
  }

  private void add(Run run) {
    byPage.put(run.page(), run);
    byDevice.add(run);
  }

  /**
   * Where pages {@code [from, to)} of the device are shown.
   *
   * @return ranges of pages of the file, in no order
   */
  List<ByteRange> showing(long from, long to) {
    List<ByteRange> found = new ArrayList<>();
    Run first = new Run(0, 0, from - RUN_PAGES_MAX);
    for (Run run : byDevice.tailSet(first)) {
      if (run.start() >= to) {
        break;
      }
      long begin = Math.max(from, run.start());
      long end = Math.min(to, run.start() + run.count());
      if (begin < end) {
        long shift = run.page() - run.start();
        found.add(new ByteRange(begin + shift, end + shift));
      }
    }
    return found;
  }
}

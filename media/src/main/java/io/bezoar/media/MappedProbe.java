package io.bezoar.media;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/**
 * Finds the pages of a mapping that cannot be loaded, without loading from any.
 *
 * <p>A page that stands in the page table as present can be loaded: the kernel takes a page that
 * went bad out of every table. So one PAGEMAP_SCAN (Linux 6.7, under a millisecond per GiB) leaves
 * only the pages that are <em>not</em> present: bad ones and ones that were never touched. Those
 * are confirmed by faulting them in without reading them (MADV_POPULATE_READ, Linux 5.14), halving
 * the range until every bad page is named. Where the kernel has no scan everything is confirmed;
 * where it has no populate either, the kernel copies one byte of each page. Holes of a sparse file
 * are left out, because confirming would fill them: what has no memory has none that is bad.
 *
 * <p>Called under the lock that guards the mapping.
 */
final class MappedProbe {
  private static final long PAGEMAP_SCAN = 0xc0606610L;
  private static final long PAGE_IS_PRESENT = 1 << 3;
  private static final int SCAN_BYTES = 96;
  private static final int REGION_BYTES = 24;
  private static final int REGIONS_MAX = 1024;
  private static final int PAGE = Units.PAGE_BYTES;
  private static final long FEW_BYTES = 64L * PAGE;

  /** Not worth a scan: it has to be opened and closed, and what it finds to be confirmed. */
  private static final long SO_FEW_BYTES = 4L * PAGE;

  private final MemorySegment segment;
  private final Descriptor file;
  private final List<ByteRange> bad = new ArrayList<>();

  /** A part of the file that has data throughout. */
  private ByteRange knownData = new ByteRange(0, 0);

  private long badStart;
  private long badEnd;

  /** What the kernel may be asked; each falls back to the next by itself. */
  enum Means {
    SCAN,
    POPULATE,
    COPY
  }

  private final Means means;

  private MappedProbe(MemorySegment segment, Descriptor file, Means means) {
    this.segment = segment;
    this.file = file;
    this.means = means;
  }

  /**
   * The bad pages within {@code range}, which is in whole pages.
   *
   * @param known ranges that are bad for certain, ascending and disjoint, in whole pages
   */
  static List<ByteRange> unreadable(
      MemorySegment segment, Descriptor file, ByteRange range, List<ByteRange> known) {
    return unreadable(segment, file, range, known, Means.SCAN);
  }

  /** As above, by the given means where the kernel has better ones. */
  static List<ByteRange> unreadable(
      MemorySegment segment, Descriptor file, ByteRange range, List<ByteRange> known, Means means) {
    MappedProbe probe = new MappedProbe(segment, file, means);
    long from = range.start();
    for (ByteRange certain : known) {
      ByteRange inside = certain.intersect(range);
      if (!inside.isEmpty()) {
        probe.suspects(from, inside.start());
        probe.found(inside.start(), inside.end());
        from = inside.end();
      }
    }
    probe.suspects(from, range.end());
    probe.flush();
    return List.copyOf(probe.bad);
  }

  /** Narrows [from, to) to what is not present, then confirms it. */
  private void suspects(long from, long to) {
    if (from >= to) {
      return;
    }
    if (to - from <= SO_FEW_BYTES) {
      withoutHoles(from, to);
      return;
    }
    long pagemap =
        means == Means.SCAN ? Posix.open("/proc/self/pagemap", Posix.O_RDONLY, 0) : -Posix.ENOENT;
    if (pagemap < 0) {
      withoutHoles(from, to);
      return;
    }
    try (Arena arena = Arena.ofConfined()) {
      scan((int) pagemap, arena, from, to);
    } finally {
      Posix.close((int) pagemap);
    }
  }

  /** Whether this kernel knows the scan. */
  static boolean canScan(MemorySegment page) {
    long pagemap = Posix.open("/proc/self/pagemap", Posix.O_RDONLY, 0);
    if (pagemap < 0) {
      return false;
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment regions = arena.allocate((long) REGIONS_MAX * REGION_BYTES, 8);
      MemorySegment scan = arena.allocate(SCAN_BYTES, 8);
      return scanOnce((int) pagemap, scan, regions, page.address(), page.address() + PAGE) >= 0;
    } finally {
      Posix.close((int) pagemap);
    }
  }

  private static long scanOnce(
      int pagemap, MemorySegment scan, MemorySegment regions, long start, long end) {
    scan.fill((byte) 0);
    scan.setAtIndex(JAVA_LONG, 0, SCAN_BYTES);
    scan.setAtIndex(JAVA_LONG, 2, start);
    scan.setAtIndex(JAVA_LONG, 3, end);
    scan.setAtIndex(JAVA_LONG, 5, regions.address());
    scan.setAtIndex(JAVA_LONG, 6, REGIONS_MAX);
    scan.setAtIndex(JAVA_LONG, 8, PAGE_IS_PRESENT); // inverted: wanted are those without it
    scan.setAtIndex(JAVA_LONG, 9, PAGE_IS_PRESENT);
    scan.setAtIndex(JAVA_LONG, 11, PAGE_IS_PRESENT);
    return Posix.ioctl(pagemap, PAGEMAP_SCAN, scan);
  }

  private void scan(int pagemap, Arena arena, long from, long to) {
    MemorySegment regions = arena.allocate((long) REGIONS_MAX * REGION_BYTES, 8);
    MemorySegment scan = arena.allocate(SCAN_BYTES, 8);
    long base = segment.address();
    long at = from;
    while (at < to) {
      long count = scanOnce(pagemap, scan, regions, base + at, base + to);
      if (count < 0) {
        withoutHoles(at, to);
        return;
      }
      for (int i = 0; i < count; i++) {
        long start = regions.get(JAVA_LONG, (long) i * REGION_BYTES) - base;
        long end = regions.get(JAVA_LONG, (long) i * REGION_BYTES + 8) - base;
        withoutHoles(start, end);
      }
      long walked = scan.getAtIndex(JAVA_LONG, 4) - base;
      at = Math.max(walked, at + PAGE);
    }
  }

  /** Confirms the parts of [from, to) that have memory or blocks behind them. */
  private void withoutHoles(long from, long to) {
    long at = from;
    while (at < to) {
      if (at < knownData.start() || at >= knownData.end()) {
        long start = at;
        long data = file.call(fd -> Posix.lseek(fd, start, Posix.SEEK_DATA));
        if (data == -Posix.ENXIO) {
          return; // a hole up to the end of the file
        }
        if (data < 0) {
          confirm(at, to); // this file system does not tell
          return;
        }
        at = Math.max(at, data / PAGE * PAGE);
        knownData = new ByteRange(at, dataEnd(at, to));
      }
      long end = Math.min(to, knownData.end());
      confirm(at, end);
      at = Math.max(at, end);
    }
  }

  /**
   * Where the data that begins at {@code start} ends. The kernel looks at every page up to the
   * hole, milliseconds per GiB: worth it for many pages, once, and not for a few.
   */
  private long dataEnd(long start, long to) {
    if (to - start <= FEW_BYTES) {
      return start + PAGE;
    }
    long hole = file.call(fd -> Posix.lseek(fd, start, Posix.SEEK_HOLE));
    return hole <= start ? start + PAGE : Math.ceilDiv(hole, PAGE) * PAGE;
  }

  private void confirm(long from, long to) {
    if (from >= to) {
      return;
    }
    long result =
        means == Means.COPY
            ? -Posix.EINVAL
            : Posix.madvise(segment.address() + from, to - from, Posix.MADV_POPULATE_READ);
    if (result == 0) {
      return;
    }
    if (result == -Posix.EINVAL) {
      confirmByCopy(from, to);
    } else if (to - from <= PAGE) {
      found(from, to);
    } else {
      long middle = from + (to - from) / PAGE / 2 * PAGE;
      confirm(from, middle);
      confirm(middle, to);
    }
  }

  private void confirmByCopy(long from, long to) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment oneByte = arena.allocate(ValueLayout.JAVA_BYTE);
      for (long at = from; at < to; at += PAGE) {
        if (GuardedCopy.salvage(segment, at, oneByte) == 0) {
          found(at, at + PAGE);
        }
      }
    }
  }

  private void found(long start, long end) {
    if (start == badEnd && badEnd > badStart) {
      badEnd = end;
    } else {
      flush();
      badStart = start;
      badEnd = end;
    }
  }

  private void flush() {
    if (badEnd > badStart) {
      bad.add(new ByteRange(badStart, badEnd));
    }
    badStart = badEnd;
  }
}

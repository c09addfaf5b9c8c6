package io.bezoar.media;

import static io.bezoar.media.Units.LINE_BYTES;
import static io.bezoar.media.Units.PAGE_BYTES;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.BitSet;
import java.util.function.LongPredicate;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * The bytes of a {@link SimMedia} and how far each line of them has come.
 *
 * <p>Invariant: a line is <em>clean</em> (what reads see is on media), <em>dirty</em> (it may or
 * may not be) or <em>lost</em> (it never will be, though the cache still shows it). For each page
 * with a line that is not clean, the content on media is kept aside, so a crash costs one copy of
 * the image and a write costs nothing that grows with it. A line that is written twice between two
 * persists may have gone to media in between: the seed decides.
 *
 * <p>Reads take no lock and see torn lines as on real memory. Everything else is called with the
 * lock of the media held.
 */
final class SimImage {
  private static final int LINES_PER_PAGE = PAGE_BYTES / LINE_BYTES;

  private final MemorySegment bytes;
  private final byte[] @Nullable [] onMedia;
  private final byte[] @Nullable [] beforeLastWrite;
  private final long[] dirtyLines;
  private final long[] lostLines;
  private final BitSet pagesAside = new BitSet();
  private volatile boolean anyLost;

  SimImage(long sizeBytes) {
    bytes = Arena.ofAuto().allocate(sizeBytes, PAGE_BYTES);
    int pages = Math.toIntExact(sizeBytes / PAGE_BYTES);
    onMedia = new byte[pages][];
    beforeLastWrite = new byte[pages][];
    dirtyLines = new long[pages];
    lostLines = new long[pages];
  }

  /** What reads see; shares memory. */
  MemorySegment slice(ByteRange range) {
    return bytes.asSlice(range.start(), range.length());
  }

  void read(long offset, MemorySegment dst) {
    MemorySegment.copy(bytes, offset, dst, 0, dst.byteSize());
  }

  /** True when reads may show bytes that the media will never hold. */
  boolean anyLost() {
    return anyLost;
  }

  /** As reads would see it once the cache had been dropped. */
  void readBehindCache(long offset, MemorySegment dst) {
    read(offset, dst);
    ByteRange range = ByteRange.ofLength(offset, dst.byteSize());
    int lastPage = pageOf(range.end() - 1);
    for (int page = pagesAside.nextSetBit(pageOf(offset));
        page >= 0 && page <= lastPage;
        page = pagesAside.nextSetBit(page + 1)) {
      for (long left = lostLines[page]; left != 0; left &= left - 1) {
        int line = Long.numberOfTrailingZeros(left);
        ByteRange struck = lineRange(page, line).intersect(range);
        if (!struck.isEmpty()) {
          int inPage = (int) (struck.start() - pageStart(page));
          MemorySegment.copy(
              aside(page), inPage, dst, JAVA_BYTE, struck.start() - offset, (int) struck.length());
        }
      }
    }
  }

  void write(long offset, MemorySegment src, RandomGenerator random) {
    long end = offset + src.byteSize();
    for (long at = offset; at < end; ) {
      int page = pageOf(at);
      long chunkEnd = Math.min(end, pageStart(page) + PAGE_BYTES);
      int inPage = (int) (at - pageStart(page));
      int length = (int) (chunkEnd - at);
      long mask = lineMask(inPage, inPage + length);
      byte[] media = aside(page);
      for (long again = dirtyLines[page] & mask; again != 0; again &= again - 1) {
        if (random.nextInt(4) == 0) {
          lineToMedia(page, Long.numberOfTrailingZeros(again), media);
        }
      }
      MemorySegment.copy(bytes, JAVA_BYTE, at, before(page), inPage, length);
      MemorySegment.copy(src, at - offset, bytes, at, length);
      dirtyLines[page] |= mask;
      lostLines[page] &= ~mask;
      at = chunkEnd;
    }
  }

  /** Makes the lines of {@code range} clean, holding {@code src}: the media itself changed. */
  void strike(long offset, MemorySegment src) {
    MemorySegment.copy(src, 0, bytes, offset, src.byteSize());
    ByteRange range = ByteRange.ofLength(offset, src.byteSize());
    forEachPage(
        range,
        (page, mask) -> {
          if (onMedia[page] != null) {
            for (long left = mask; left != 0; left &= left - 1) {
              lineToMedia(page, Long.numberOfTrailingZeros(left), aside(page));
            }
            dirtyLines[page] &= ~mask;
            lostLines[page] &= ~mask;
            settle(page);
          }
        });
  }

  /**
   * What the media holds under {@code range} until the bytes just written reach it becomes noise;
   * where nothing was written, the noise is there now.
   */
  void scrambleOnMedia(ByteRange range, RandomGenerator random) {
    forEachPage(
        range,
        (page, mask) -> {
          byte[] noise = new byte[LINE_BYTES];
          for (long left = mask; left != 0; left &= left - 1) {
            int line = Long.numberOfTrailingZeros(left);
            random.nextBytes(noise);
            System.arraycopy(noise, 0, aside(page), line * LINE_BYTES, LINE_BYTES);
            if (((dirtyLines[page] | lostLines[page]) >>> line & 1) == 0) {
              long at = pageStart(page) + (long) line * LINE_BYTES;
              MemorySegment.copy(noise, 0, bytes, JAVA_BYTE, at, LINE_BYTES);
            }
          }
          settle(page);
        });
  }

  /** Dirty lines of {@code range} will never reach the media, though reads go on to show them. */
  void loseBehindCache(ByteRange range) {
    forEachPage(
        range,
        (page, mask) -> {
          lostLines[page] |= dirtyLines[page] & mask;
          dirtyLines[page] &= ~mask;
        });
    anyLost = true;
  }

  void persist() {
    for (int page = pagesAside.nextSetBit(0); page >= 0; page = pagesAside.nextSetBit(page + 1)) {
      for (long left = lostLines[page] == 0 ? 0 : dirtyLines[page]; left != 0; left &= left - 1) {
        lineToMedia(page, Long.numberOfTrailingZeros(left), aside(page));
      }
      dirtyLines[page] = 0;
      settle(page);
    }
  }

  /** Half of the dirty lines reach the media, the others never will. */
  void failPersist(RandomGenerator random) {
    for (int page = pagesAside.nextSetBit(0); page >= 0; page = pagesAside.nextSetBit(page + 1)) {
      long reached = dirtyLines[page] & random.nextLong();
      for (long left = reached; left != 0; left &= left - 1) {
        lineToMedia(page, Long.numberOfTrailingZeros(left), aside(page));
      }
      lostLines[page] |= dirtyLines[page] & ~reached;
      dirtyLines[page] = 0;
      settle(page);
    }
    anyLost = true;
  }

  /** Lost lines show what the media holds. */
  void dropCache() {
    for (int page = pagesAside.nextSetBit(0); page >= 0; page = pagesAside.nextSetBit(page + 1)) {
      for (long left = lostLines[page]; left != 0; left &= left - 1) {
        int inPage = Long.numberOfTrailingZeros(left) * LINE_BYTES;
        MemorySegment.copy(
            aside(page), inPage, bytes, JAVA_BYTE, pageStart(page) + inPage, LINE_BYTES);
      }
      lostLines[page] = 0;
      settle(page);
    }
    anyLost = false;
  }

  /** The image after a power cut; {@code survives} is asked once for each dirty line's offset. */
  SimImage crash(LongPredicate survives) {
    SimImage next = new SimImage(bytes.byteSize());
    next.bytes.copyFrom(bytes);
    for (int page = pagesAside.nextSetBit(0); page >= 0; page = pagesAside.nextSetBit(page + 1)) {
      for (long left = dirtyLines[page] | lostLines[page]; left != 0; left &= left - 1) {
        int line = Long.numberOfTrailingZeros(left);
        long at = pageStart(page) + (long) line * LINE_BYTES;
        boolean lost = (lostLines[page] >>> line & 1) != 0;
        if (lost || !survives.test(at)) {
          MemorySegment.copy(aside(page), line * LINE_BYTES, next.bytes, JAVA_BYTE, at, LINE_BYTES);
        }
      }
    }
    return next;
  }

  /** What {@code range} held before it was last written. */
  byte[] previous(ByteRange range) {
    byte[] old = new byte[Math.toIntExact(range.length())];
    for (long at = range.start(); at < range.end(); at++) {
      byte[] page = beforeLastWrite[pageOf(at)];
      old[(int) (at - range.start())] = page == null ? 0 : page[(int) (at - pageStart(pageOf(at)))];
    }
    return old;
  }

  /** Number of lines that a crash may lose. */
  int dirtyLineCount() {
    int count = 0;
    for (int page = pagesAside.nextSetBit(0); page >= 0; page = pagesAside.nextSetBit(page + 1)) {
      count += Long.bitCount(dirtyLines[page]);
    }
    return count;
  }

  private interface PageLines {
    void visit(int page, long lineMask);
  }

  private void forEachPage(ByteRange range, PageLines visitor) {
    for (long at = range.start(); at < range.end(); ) {
      int page = pageOf(at);
      long chunkEnd = Math.min(range.end(), pageStart(page) + PAGE_BYTES);
      int inPage = (int) (at - pageStart(page));
      visitor.visit(page, lineMask(inPage, (int) (inPage + chunkEnd - at)));
      at = chunkEnd;
    }
  }

  /** The page as it is on media, kept aside from now on. */
  private byte[] aside(int page) {
    byte[] media = onMedia[page];
    if (media == null) {
      media = new byte[PAGE_BYTES];
      MemorySegment.copy(bytes, JAVA_BYTE, pageStart(page), media, 0, PAGE_BYTES);
      onMedia[page] = media;
      pagesAside.set(page);
    }
    return media;
  }

  private byte[] before(int page) {
    byte[] before = beforeLastWrite[page];
    if (before == null) {
      before = new byte[PAGE_BYTES];
      beforeLastWrite[page] = before;
    }
    return before;
  }

  private void settle(int page) {
    if ((dirtyLines[page] | lostLines[page]) == 0) {
      onMedia[page] = null;
      pagesAside.clear(page);
    }
  }

  private void lineToMedia(int page, int line, byte[] media) {
    int inPage = line * LINE_BYTES;
    MemorySegment.copy(bytes, JAVA_BYTE, pageStart(page) + inPage, media, inPage, LINE_BYTES);
  }

  private static int pageOf(long offset) {
    return (int) (offset / PAGE_BYTES);
  }

  private static long pageStart(int page) {
    return (long) page * PAGE_BYTES;
  }

  private static ByteRange lineRange(int page, int line) {
    return ByteRange.ofLength(pageStart(page) + (long) line * LINE_BYTES, LINE_BYTES);
  }

  /** One bit for each line touched by bytes {@code [from, to)} of a page. */
  private static long lineMask(int from, int to) {
    int first = from / LINE_BYTES;
    int count = (to - 1) / LINE_BYTES - first + 1;
    return (count == LINES_PER_PAGE ? -1L : (1L << count) - 1) << first;
  }
}

package io.bezoar.media;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Finds the granules of a file that cannot be read, by reading it: chunk by chunk while all is
 * well, halving a chunk that fails down to pages, and then sector by sector past the page cache,
 * which knows nothing smaller than a page. Where the cache cannot be passed the page is the answer.
 */
final class ChannelProbe {
  private static final int CHUNK_BYTES = 1 << 20;
  private static final int PAGE = Units.PAGE_BYTES;

  private final Descriptor file;
  private final @Nullable PastCache pastCache;
  private final int granuleBytes;
  private final List<ByteRange> bad = new ArrayList<>();

  ChannelProbe(Descriptor file, @Nullable PastCache pastCache, int granuleBytes) {
    this.file = file;
    this.pastCache = pastCache;
    this.granuleBytes = granuleBytes;
  }

  /**
   * The bad granules within {@code range}, which is in whole granules (the last may end with the
   * file); to be called once.
   *
   * @param known ranges that are bad for certain, ascending and disjoint, within {@code range}
   */
  List<ByteRange> unreadable(ByteRange range, List<ByteRange> known) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment buffer = arena.allocate(Math.clamp(range.length(), 1, CHUNK_BYTES), PAGE);
      long from = range.start();
      for (ByteRange certain : known) {
        chunks(from, certain.start(), buffer);
        add(certain);
        from = certain.end();
      }
      chunks(from, range.end(), buffer);
    }
    return List.copyOf(bad);
  }

  private void chunks(long from, long to, MemorySegment buffer) {
    for (long at = from; at < to; ) {
      long next = Math.min(to, at + buffer.byteSize());
      collect(at, next, buffer);
      at = next;
    }
  }

  /** Adds what cannot be read of [from, to), which fits the buffer. */
  private void collect(long from, long to, MemorySegment buffer) {
    if (file.pread(from, buffer.asSlice(0, to - from)) == to - from) {
      return;
    }
    long firstPageEnd = from / PAGE * PAGE + PAGE;
    if (to > firstPageEnd) {
      long middle = Math.max(firstPageEnd, (from + to) / 2 / PAGE * PAGE);
      collect(from, middle, buffer);
      collect(middle, to, buffer);
    } else if (pastCache == null) {
      add(new ByteRange(from, to));
    } else {
      granules(pastCache, from, to, buffer);
    }
  }

  private void granules(PastCache past, long from, long to, MemorySegment buffer) {
    for (long at = from; at < to; at += granuleBytes) {
      long length = Math.min(granuleBytes, to - at); // shorter only where the file ends
      if (past.read(at, buffer.asSlice(0, length)) != length) {
        add(ByteRange.ofLength(at, length));
      }
    }
  }

  private void add(ByteRange range) {
    if (!bad.isEmpty() && bad.getLast().end() == range.start()) {
      bad.add(bad.removeLast().span(range));
    } else {
      bad.add(range);
    }
  }
}

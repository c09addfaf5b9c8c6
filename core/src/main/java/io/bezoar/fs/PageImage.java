package io.bezoar.fs;

import static io.bezoar.media.Units.PAGE_BYTES;

import io.bezoar.dax.DaxDevice;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * What is to stand on whole pages of a file after a write: the bytes written, and at both ends what
 * stood there before. Two pages of memory, used over and over by whoever has the right to write.
 */
final class PageImage {
  private final MemorySegment ends = Arena.ofAuto().allocate(2L * PAGE_BYTES, PAGE_BYTES);
  private final MemorySegment head = ends.asSlice(0, PAGE_BYTES);
  private final MemorySegment tail = ends.asSlice(PAGE_BYTES, PAGE_BYTES);
  private MemorySegment source = MemorySegment.NULL;
  private long offset;
  private long end;
  private boolean ownHead;
  private boolean ownTail;

  /** Gives the bytes that stand on a page now, up to the end of the file; zeroes behind. */
  interface Before {
    void read(long page, MemorySegment dst) throws IOException;
  }

  /** Takes bytes for {@code [offset, offset + src)} of the file. */
  void set(long newOffset, MemorySegment src, Before before) throws IOException {
    source = src;
    offset = newOffset;
    end = newOffset + src.byteSize();
    long first = firstPage();
    long last = endPage() - 1;
    ownHead = offset % PAGE_BYTES != 0 || (first == last && end % PAGE_BYTES != 0);
    ownTail = first != last && end % PAGE_BYTES != 0;
    if (ownHead) {
      before.read(first, head);
      lay(first, head);
    }
    if (ownTail) {
      before.read(last, tail);
      lay(last, tail);
    }
  }

  /** Lays the new bytes of a page over the old ones. */
  private void lay(long page, MemorySegment dst) {
    long from = Math.max(offset, page * PAGE_BYTES);
    long to = Math.min(end, (page + 1) * PAGE_BYTES);
    MemorySegment.copy(source, from - offset, dst, from - page * PAGE_BYTES, to - from);
  }

  long firstPage() {
    return offset / PAGE_BYTES;
  }

  long endPage() {
    return Math.ceilDiv(end, PAGE_BYTES);
  }

  /** Stores pages {@code [from, to)} of the file at a byte of the device. */
  void store(DaxDevice device, long from, long to, long at) throws IOException {
    long page = from;
    if (page == firstPage() && ownHead) {
      device.write(at, head);
      page++;
    }
    long whole = to == endPage() && ownTail ? to - 1 : to;
    if (page < whole) {
      device.write(
          at + (page - from) * PAGE_BYTES,
          source.asSlice(page * PAGE_BYTES - offset, (whole - page) * PAGE_BYTES));
      page = whole;
    }
    if (page < to) {
      device.write(at + (page - from) * PAGE_BYTES, tail);
    }
  }

  /** Lets go of the caller's memory. */
  void clear() {
    source = MemorySegment.NULL;
  }
}

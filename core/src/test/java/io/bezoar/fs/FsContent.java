package io.bezoar.fs;

import io.bezoar.media.ByteRange;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;

/** Bytes of a file in the model, immutable: a size, and the pages that are not all zeroes. */
final class FsContent {
  private static final int PAGE = FsRig.PAGE;
  private static final byte[] ZEROES = new byte[PAGE];
  static final FsContent EMPTY = new FsContent(0, new TreeMap<>());

  private final long size;
  private final NavigableMap<Long, byte[]> pages;

  private FsContent(long size, NavigableMap<Long, byte[]> pages) {
    this.size = size;
    this.pages = pages;
  }

  long size() {
    return size;
  }

  /** Pages that are not all zeroes. */
  int pageCount() {
    return pages.size();
  }

  FsContent write(long offset, byte[] bytes) {
    NavigableMap<Long, byte[]> next = new TreeMap<>(pages);
    for (int done = 0; done < bytes.length; ) {
      long at = offset + done;
      int in = (int) (at % PAGE);
      int count = Math.min(PAGE - in, bytes.length - done);
      byte[] page = next.getOrDefault(at / PAGE, ZEROES).clone();
      System.arraycopy(bytes, done, page, in, count);
      put(next, at / PAGE, page);
      done += count;
    }
    long end = bytes.length == 0 ? 0 : offset + bytes.length;
    return new FsContent(Math.max(size, end), next);
  }

  FsContent truncate(long newSize) {
    if (newSize >= size) {
      return new FsContent(newSize, pages);
    }
    return new FsContent(newSize, zeroed(newSize, size));
  }

  FsContent zero(ByteRange range) {
    long end = Math.min(range.end(), size);
    return range.start() >= end ? this : new FsContent(size, zeroed(range.start(), end));
  }

  private NavigableMap<Long, byte[]> zeroed(long from, long to) {
    NavigableMap<Long, byte[]> next = new TreeMap<>(pages);
    for (Map.Entry<Long, byte[]> entry :
        pages.subMap(from / PAGE, true, (to - 1) / PAGE, true).entrySet()) {
      long start = entry.getKey() * PAGE;
      byte[] page = entry.getValue().clone();
      Arrays.fill(
          page,
          (int) (Math.max(from, start) - start),
          (int) (Math.min(to, start + PAGE) - start),
          (byte) 0);
      put(next, entry.getKey(), page);
    }
    return next;
  }

  /** Whole pages of {@code from}, but for its end. */
  FsContent share(FsContent from, ByteRange range, long offset) {
    if (range.isEmpty()) {
      return this;
    }
    long end = offset + range.length();
    NavigableMap<Long, byte[]> next = zeroed(offset, end);
    long shift = (offset - range.start()) / PAGE;
    from.pages
        .subMap(range.start() / PAGE, true, (range.end() - 1) / PAGE, true)
        .forEach((page, bytes) -> next.put(page + shift, bytes));
    return new FsContent(Math.max(size, end), next);
  }

  private static void put(NavigableMap<Long, byte[]> pages, long page, byte[] bytes) {
    if (Arrays.equals(bytes, ZEROES)) {
      pages.remove(page);
    } else {
      pages.put(page, bytes);
    }
  }

  /** Up to the end of the file. */
  byte[] read(long offset, int length) {
    byte[] bytes = new byte[Math.clamp(size - offset, 0, length)];
    for (int done = 0; done < bytes.length; ) {
      long at = offset + done;
      int in = (int) (at % PAGE);
      int count = Math.min(PAGE - in, bytes.length - done);
      System.arraycopy(pages.getOrDefault(at / PAGE, ZEROES), in, bytes, done, count);
      done += count;
    }
    return bytes;
  }

  /** Where the first difference is; -1 for none. */
  long mismatch(FsContent other) {
    long first = size == other.size ? Long.MAX_VALUE : Math.min(size, other.size);
    for (NavigableMap<Long, byte[]> some : List.of(pages, other.pages)) {
      for (Long page : some.keySet()) {
        int at =
            Arrays.mismatch(
                pages.getOrDefault(page, ZEROES), other.pages.getOrDefault(page, ZEROES));
        if (at >= 0) {
          first = Math.min(first, page * PAGE + at);
        }
      }
    }
    return first == Long.MAX_VALUE ? -1 : first;
  }
}

package io.bezoar.guard.sidecar;

import static io.bezoar.media.Units.PAGE_BYTES;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * Gathers pages that come row by row, so that they can be stored in runs. Not thread-safe.
 *
 * @see #flush
 */
final class PageBatch implements AutoCloseable {
  private static final int PAGES = 2048;

  private final Arena arena = Arena.ofConfined();
  private final MemorySegment contents = arena.allocate((long) PAGES * PAGE_BYTES, PAGE_BYTES);
  private final MemorySegment run = arena.allocate((long) PAGES * PAGE_BYTES, PAGE_BYTES);
  private final long[] pages = new long[PAGES];
  private final Run store;
  private int count;

  PageBatch(Run store) {
    this.store = store;
  }

  /** Takes a run of neighbouring pages. */
  @FunctionalInterface
  interface Run {
    /** Pages {@code [first, first + content / page size)}. */
    void store(long first, MemorySegment content) throws IOException;
  }

  void add(long page, MemorySegment content) throws IOException {
    if (count == PAGES) {
      flush();
    }
    MemorySegment.copy(content, 0, contents, (long) count * PAGE_BYTES, PAGE_BYTES);
    pages[count++] = page;
  }

  /** Gives everything gathered away, in ascending order. */
  void flush() throws IOException {
    long[] order = new long[count];
    for (int i = 0; i < count; i++) {
      order[i] = pages[i] * PAGES + i; // pages are numbered with 44 bits
    }
    Arrays.sort(order);
    for (int from = 0; from < count; ) {
      long first = order[from] / PAGES;
      int length = 0;
      while (from + length < count && order[from + length] / PAGES == first + length) {
        long at = order[from + length] % PAGES * PAGE_BYTES;
        MemorySegment.copy(contents, at, run, (long) length * PAGE_BYTES, PAGE_BYTES);
        length++;
      }
      store.store(first, run.asSlice(0, (long) length * PAGE_BYTES));
      from += length;
    }
    count = 0;
  }

  @Override
  public void close() {
    arena.close();
  }
}

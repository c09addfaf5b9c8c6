package io.bezoar.guard.sidecar;

import static io.bezoar.media.Units.PAGE_BYTES;

import io.bezoar.media.Media;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Gathers pages that come row by row, so that they can be stored in runs. Not thread-safe.
 *
 * @see #flush
 */
final class PageBatch implements AutoCloseable {
  private static final int PAGES = 2048;

  private final Arena arena = Arena.ofConfined();
  private final MemorySegment contents = arena.allocate((long) PAGES * PAGE_BYTES, PAGE_BYTES);
  private final MemorySegment sorted = arena.allocate((long) PAGES * PAGE_BYTES, PAGE_BYTES);
  private final long[] pages = new long[PAGES];
  private final Runs store;
  private int count;

  PageBatch(Runs store) {
    this.store = store;
  }

  /** Takes runs of neighbouring pages, in ascending order. */
  @FunctionalInterface
  interface Runs {
    /** Stores them; valid during the call. */
    void store(List<Media.Piece> runs) throws IOException;
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
    List<Media.Piece> runs = new ArrayList<>();
    for (int from = 0; from < count; ) {
      long first = order[from] / PAGES;
      int to = from;
      while (to < count && order[to] / PAGES == first + to - from) {
        long at = order[to] % PAGES * PAGE_BYTES;
        MemorySegment.copy(contents, at, sorted, (long) to * PAGE_BYTES, PAGE_BYTES);
        to++;
      }
      long start = (long) from * PAGE_BYTES;
      runs.add(
          new Media.Piece(
              first * PAGE_BYTES, sorted.asSlice(start, (long) to * PAGE_BYTES - start)));
      from = to;
    }
    count = 0;
    if (!runs.isEmpty()) {
      store.store(runs);
    }
  }

  @Override
  public void close() {
    arena.close();
  }
}

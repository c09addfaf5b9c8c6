package io.bezoar.target;

import io.bezoar.media.Units;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.ConcurrentLinkedDeque;

/**
 * Private memory that operations borrow and give back. Kept outside of threads, since front ends
 * run on virtual ones; grows to the number of operations that ever ran at once.
 */
final class Workspaces {
  private final int columns;
  private final int maxRun;
  private final ConcurrentLinkedDeque<RowBuffer> rows = new ConcurrentLinkedDeque<>();
  private final ConcurrentLinkedDeque<Run> small = new ConcurrentLinkedDeque<>();
  private final ConcurrentLinkedDeque<Run> large = new ConcurrentLinkedDeque<>();

  Workspaces(int columns, int maxRun) {
    this.columns = columns;
    this.maxRun = maxRun;
  }

  RowBuffer takeRow() {
    RowBuffer buffer = rows.pollFirst();
    return buffer != null ? buffer : new RowBuffer(columns);
  }

  void give(RowBuffer buffer) {
    rows.addFirst(buffer);
  }

  /** Memory for a run of at most {@code pages} pages. */
  Run takeRun(int pages) {
    Run run = (pages <= Run.SMALL ? small : large).pollFirst();
    return run != null ? run : new Run(pages <= Run.SMALL ? Run.SMALL : maxRun);
  }

  void give(Run run) {
    (run.capacity <= Run.SMALL ? small : large).addFirst(run);
  }

  /** Memory to store a run of pages: what was there, its parity, and edges to merge. */
  static final class Run {
    private static final int SMALL = 4;

    final int capacity;
    final MemorySegment old;
    final MemorySegment parity;
    final MemorySegment data;

    private Run(int pages) {
      capacity = pages;
      long bytes = (long) pages * Units.PAGE_BYTES;
      MemorySegment all = Arena.ofAuto().allocate(3 * bytes, Units.PAGE_BYTES);
      old = all.asSlice(0, bytes);
      parity = all.asSlice(bytes, bytes);
      data = all.asSlice(2 * bytes, bytes);
    }
  }
}

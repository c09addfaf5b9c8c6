package io.bezoar.target;

import io.bezoar.media.Units;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Applies staged pages in batches: all records of a batch, one persist, then everything in place.
 *
 * <p>What a flush acknowledges is durable in the journal; in place it is written but not persisted
 * until the next checkpoint. One batch runs at a time. A page stays visible in the stage until it
 * stands in place; after a failure it stays there, so that the next flush takes it up again.
 */
final class WriteBack {
  private static final int PAGE = Units.PAGE_BYTES;

  private final Geometry geometry;
  private final Stage stage;
  private final Journal journal;
  private final RowLocks rows;
  private final RowWriter writer;
  private final Committer committer;
  private final int batchPages;
  private final int maxRun;
  private final ReentrantLock flushing = new ReentrantLock();
  private @Nullable Buffers buffers;

  /** The steps of a write that the target itself guards. */
  interface Committer {
    /** Persists the records of prepared runs and stores them in place. */
    void commit(List<RowWriter.Run> runs) throws IOException;

    /** Heals a row outside of any epoch. */
    void healRow(long row, java.util.function.LongPredicate replaced) throws IOException;
  }

  private record Buffers(MemorySegment data, MemorySegment parity, MemorySegment old) {}

  WriteBack(
      Geometry geometry,
      Stage stage,
      Journal journal,
      RowLocks rows,
      RowWriter writer,
      Committer committer) {
    this.geometry = geometry;
    this.stage = stage;
    this.journal = journal;
    this.rows = rows;
    this.writer = writer;
    this.committer = committer;
    this.batchPages = Journal.batchPages(geometry);
    this.maxRun = Journal.maxRun(geometry);
  }

  /** True when so much is staged that the next writer should apply it. */
  boolean full() {
    return stage.size() >= batchPages;
  }

  /**
   * Makes everything that was staged before this call durable.
   *
   * @return false when nothing was staged
   */
  boolean flush() throws IOException {
    flushing.lock();
    try {
      NavigableMap<Long, byte[]> todo = stage.take();
      if (todo.isEmpty()) {
        return false;
      }
      while (!todo.isEmpty()) {
        long rowToHeal = applySome(todo);
        if (rowToHeal != RowWriter.PREPARED) {
          committer.healRow(rowToHeal, todo::containsKey);
        }
      }
      return true;
    } finally {
      flushing.unlock();
    }
  }

  /** Applies up to a batch of {@code todo} and removes it; returns the row that stopped it. */
  private long applySome(NavigableMap<Long, byte[]> todo) throws IOException {
    Buffers memory = buffers();
    List<long[]> spans = spans(todo);
    BitSet locks = new BitSet();
    long pages = 0;
    for (long[] span : spans) {
      RowLocks.addTo(locks, geometry.rowOf(span[0]), span[1]);
      pages += span[1];
    }
    List<RowWriter.Run> runs = new ArrayList<>(spans.size());
    long stopped = RowWriter.PREPARED;
    try (Journal.Share _ = journal.enter(spans.size(), pages);
        RowLocks.Held _ = rows.lockAll(locks)) {
      Map<Long, MemorySegment> pending = new HashMap<>();
      long at = 0;
      for (long[] span : spans) {
        RowWriter.Run run = load(todo, span, at, memory);
        stopped = writer.prepare(run, memory.old, pending);
        if (stopped != RowWriter.PREPARED) {
          break;
        }
        for (int i = 0; i < run.count(); i++) {
          pending.put(
              geometry.rowOf(run.firstPage() + i), run.parity().asSlice((long) i * PAGE, PAGE));
        }
        runs.add(run);
        at += span[1] * PAGE;
      }
      if (!runs.isEmpty()) {
        committer.commit(runs);
      }
    }
    for (RowWriter.Run run : runs) {
      for (long page = run.firstPage(); page < run.end(); page++) {
        stage.applied(page);
        todo.remove(page);
      }
    }
    return stopped;
  }

  /** The first runs of {@code todo}, a batch at most: {first page, count} each. */
  private List<long[]> spans(NavigableMap<Long, byte[]> todo) {
    List<long[]> spans = new ArrayList<>();
    long[] open = null;
    long taken = 0;
    for (long page : todo.keySet()) {
      if (taken++ == batchPages) {
        break;
      }
      if (open != null
          && page == open[0] + open[1]
          && open[1] < maxRun
          && geometry.columnOf(page) == geometry.columnOf(open[0])) {
        open[1]++;
      } else {
        open = new long[] {page, 1};
        spans.add(open);
      }
    }
    return spans;
  }

  private RowWriter.Run load(
      NavigableMap<Long, byte[]> todo, long[] span, long at, Buffers memory) {
    int count = (int) span[1];
    MemorySegment data = memory.data.asSlice(at, (long) count * PAGE);
    int i = 0;
    for (byte[] image : todo.subMap(span[0], span[0] + count).values()) {
      MemorySegment.copy(
          image, 0, data, java.lang.foreign.ValueLayout.JAVA_BYTE, (long) i++ * PAGE, PAGE);
    }
    return RowWriter.Run.of(span[0], count, data, memory.parity.asSlice(at, (long) count * PAGE));
  }

  private Buffers buffers() {
    Buffers known = buffers;
    if (known == null) {
      Arena arena = Arena.ofAuto();
      known =
          new Buffers(
              arena.allocate((long) batchPages * PAGE, PAGE),
              arena.allocate((long) batchPages * PAGE, PAGE),
              arena.allocate((long) maxRun * PAGE, PAGE));
      buffers = known;
    }
    return known;
  }
}

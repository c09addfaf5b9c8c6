package io.bezoar.target;

import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.DeviceState;
import io.bezoar.media.Units;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Map;
import java.util.function.LongPredicate;
import org.jspecify.annotations.Nullable;

/**
 * Takes writes of any alignment apart into runs and merged pages, and stores them: at once where a
 * persist costs nothing, else into the stage, from which a flush or the watermark takes them.
 *
 * <p><b>Invariant.</b> Between a record and its place in the rows nothing may fail silently: when
 * the child fails there, the target refuses every further write, repair and checkpoint until it is
 * reopened and the journal replayed.
 */
final class WritePath implements WriteBack.Committer {
  private static final int PAGE = Units.PAGE_BYTES;

  private final Geometry geometry;
  private final DaxDevice child;
  private final Stage stage;
  private final Journal journal;
  private final RowLocks rows;
  private final PageReader reader;
  private final RowWriter writer;
  private final RowRepair repair;
  private final Workspaces workspaces;
  private final WriteBack writeBack;
  private final boolean direct;
  private final int maxRun;

  WritePath(
      Geometry geometry,
      DaxDevice child,
      Stage stage,
      Journal journal,
      RowLocks rows,
      PageReader reader,
      RowWriter writer,
      RowRepair repair,
      Workspaces workspaces,
      WriteMode mode) {
    this.geometry = geometry;
    this.child = child;
    this.stage = stage;
    this.journal = journal;
    this.rows = rows;
    this.reader = reader;
    this.writer = writer;
    this.repair = repair;
    this.workspaces = workspaces;
    this.direct = mode == WriteMode.DIRECT;
    this.maxRun = Journal.maxRun(geometry);
    this.writeBack = new WriteBack(geometry, stage, journal, rows, writer, this);
  }

  /** When a write goes through the journal. */
  enum WriteMode {
    /** At once. */
    DIRECT,
    /** With the next flush, or when enough has gathered. */
    STAGED
  }

  /** The failure after which the rows may be half written, or null. */
  @Nullable IOException interrupted() {
    return journal.interrupted();
  }

  /**
   * Stores bytes.
   *
   * @return the first page that is lost and only partly replaced, so that it cannot be merged, or
   *     -1; whole pages before it are stored
   */
  long store(long offset, MemorySegment src) throws IOException {
    long done = 0;
    long length = src.byteSize();
    while (done < length) {
      long at = offset + done;
      long page = at / PAGE;
      int within = (int) (at % PAGE);
      long rest = length - done;
      if (within != 0 || rest < PAGE) {
        long part = Math.min(rest, PAGE - within);
        if (!storePart(page, within, src.asSlice(done, part))) {
          return page;
        }
        done += part;
      } else {
        long columnRest = geometry.rows() - page % geometry.rows();
        int count = (int) Math.min(Math.min(rest / PAGE, maxRun), columnRest);
        storeWhole(page, count, src.asSlice(done, (long) count * PAGE));
        done += (long) count * PAGE;
      }
    }
    if (!direct && writeBack.full()) {
      writeBack.flush();
    }
    return -1;
  }

  /** Makes everything stored before durable. */
  void persist() throws IOException {
    journal.checkUninterrupted();
    // A failed persist is sticky: the child says so itself, before anything is tried.
    if (child.state() != DeviceState.ONLINE || !writeBack.flush()) {
      child.persist();
    }
  }

  private void storeWhole(long page, int count, MemorySegment data) throws IOException {
    if (direct) {
      storeDirect(page, count, data);
      return;
    }
    for (int i = 0; i < count; i++) {
      byte[] image = new byte[PAGE];
      MemorySegment.copy(data, ValueLayout.JAVA_BYTE, (long) i * PAGE, image, 0, PAGE);
      try (RowLocks.Held _ = rows.lock(geometry.rowOf(page + i), 1)) {
        stage.put(page + i, image);
      }
    }
  }

  private void storeDirect(long page, int count, MemorySegment data) throws IOException {
    Workspaces.Run memory = workspaces.takeRun(count);
    try {
      while (true) {
        long stopped;
        try (Journal.Share _ = journal.enter(1, count);
            RowLocks.Held _ = rows.lock(geometry.rowOf(page), count)) {
          stopped = prepareAndCommit(page, count, data, memory);
        }
        if (stopped == RowWriter.PREPARED) {
          return;
        }
        healRow(stopped, lost -> lost >= page && lost < page + count);
      }
    } finally {
      workspaces.give(memory);
    }
  }

  private long prepareAndCommit(long page, int count, MemorySegment data, Workspaces.Run memory)
      throws IOException {
    RowWriter.Run run = RowWriter.Run.of(page, count, data, memory.parity);
    long stopped = writer.prepare(run, memory.old, Map.of());
    if (stopped == RowWriter.PREPARED) {
      commit(List.of(run));
    }
    return stopped;
  }

  /** Merges part of a page with what is there; false when that is lost. */
  private boolean storePart(long page, int within, MemorySegment part) throws IOException {
    Workspaces.Run memory = workspaces.takeRun(1);
    MemorySegment merged = memory.data.asSlice(0, PAGE);
    long row = geometry.rowOf(page);
    try {
      while (true) {
        long stopped = RowWriter.PREPARED;
        try (Journal.Share _ = journal.enter(1 + RowRepair.RUNS, 1 + RowRepair.PAGES);
            RowLocks.Held _ = rows.lock(row, 1)) {
          journal.checkUninterrupted();
          if (!reader.readForUpdate(page, merged)) {
            return false;
          }
          MemorySegment.copy(part, 0, merged, within, part.byteSize());
          if (direct) {
            stopped = prepareAndCommit(page, 1, merged, memory);
          } else {
            stage.put(page, merged.toArray(ValueLayout.JAVA_BYTE));
          }
        }
        if (stopped == RowWriter.PREPARED) {
          return true;
        }
        healRow(stopped, _ -> false);
      }
    } finally {
      workspaces.give(memory);
    }
  }

  @Override
  public void commit(List<RowWriter.Run> runs) throws IOException {
    journal.checkUninterrupted();
    int recorded = 0;
    try {
      for (RowWriter.Run run : runs) {
        writer.record(run);
        recorded++;
      }
      child.persist();
      for (RowWriter.Run run : runs) {
        writer.place(run);
      }
    } catch (IOException | RuntimeException | Error half) {
      if (recorded > 0) {
        journal.interrupt(half);
      }
      throw half;
    }
  }

  @Override
  public void healRow(long row, LongPredicate replaced) throws IOException {
    RowBuffer buffer = workspaces.takeRow();
    try (Journal.Share _ = journal.enter(RowRepair.RUNS, RowRepair.PAGES);
        RowLocks.Held _ = rows.lock(row, 1)) {
      journal.checkUninterrupted();
      repair.heal(row, buffer, RowLoader.Look.CACHED, replaced);
    } finally {
      workspaces.give(buffer);
    }
  }

  /** Heals a row as it stands on the media, and says what it came to. */
  RowRepair.Verdict healRow(long row) throws IOException {
    RowBuffer buffer = workspaces.takeRow();
    try (Journal.Share _ = journal.enter(RowRepair.RUNS, RowRepair.PAGES);
        RowLocks.Held _ = rows.lock(row, 1)) {
      journal.checkUninterrupted();
      return repair.heal(row, buffer, RowLoader.Look.MEDIA, _ -> false);
    } finally {
      workspaces.give(buffer);
    }
  }

  /** Takes pages of a row out of use. */
  void retireRow(long row, int[] columns) throws IOException {
    RowBuffer buffer = workspaces.takeRow();
    try (Journal.Share _ = journal.enter(2L * RowRepair.RUNS, 2L * RowRepair.PAGES);
        RowLocks.Held _ = rows.lock(row, 1)) {
      journal.checkUninterrupted();
      repair.retire(row, columns, buffer);
    } finally {
      workspaces.give(buffer);
    }
  }
}

package io.bezoar.target;

import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.DeviceState;
import io.bezoar.dax.PoisonedRangeException;
import io.bezoar.media.ByteRange;
import io.bezoar.media.Units;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;

/**
 * Verified reads of whole pages.
 *
 * <p><b>Fast path.</b> Copy from the child, hash the private copy, compare: no lock, and nothing
 * that grows with what is known to be bad. A reader that races with a writer of the same page sees
 * a mismatch at worst.
 *
 * <p><b>Slow path.</b> On a mismatch or a refusal: row lock, look again, and only then repair
 * (rule: no repair on the word of one unlocked read).
 */
final class PageReader {
  private static final int PAGE = Units.PAGE_BYTES;

  /** So much is copied and hashed at a time that it is still in the CPU's cache when hashed. */
  private static final int CHUNK_PAGES = 64;

  private final Geometry geometry;
  private final DaxDevice child;
  private final ChecksumTable table;
  private final Stage stage;
  private final Journal journal;
  private final RowLocks rows;
  private final RowLoader loader;
  private final RowRepair repair;
  private final LostPages lost;
  private final Workspaces workspaces;

  PageReader(
      Geometry geometry,
      DaxDevice child,
      ChecksumTable table,
      Stage stage,
      Journal journal,
      RowLocks rows,
      RowLoader loader,
      RowRepair repair,
      LostPages lost,
      Workspaces workspaces) {
    this.geometry = geometry;
    this.child = child;
    this.table = table;
    this.stage = stage;
    this.journal = journal;
    this.rows = rows;
    this.loader = loader;
    this.repair = repair;
    this.lost = lost;
    this.workspaces = workspaces;
  }

  /**
   * Fills {@code dst} with {@code pages} pages from {@code first}.
   *
   * @return pages read before the first lost one; {@code pages} when none is
   */
  long read(long first, long pages, MemorySegment dst) throws IOException {
    long done = 0;
    while (done < pages) {
      long page = first + done;
      long columnEnd = (page / geometry.rows() + 1) * geometry.rows();
      int n = (int) Math.min(Math.min(pages - done, CHUNK_PAGES), columnEnd - page);
      MemorySegment into = dst.asSlice(done * PAGE, (long) n * PAGE);
      int good = stage.isEmpty() ? readRun(page, n, into) : readStaged(page, n, into);
      done += good;
      if (good < n) {
        return done;
      }
    }
    return done;
  }

  /**
   * True when the child itself holds what a read of {@code pages} gives.
   *
   * @param scratch whole pages, at least one
   */
  boolean standsInPlace(ByteRange pages, MemorySegment scratch) throws IOException {
    MemorySegment one = scratch.asSlice(0, PAGE);
    for (long page = pages.start() / PAGE; page * PAGE < pages.end(); page++) {
      if (stage.get(page) != null) {
        return false;
      }
      try {
        child.read(geometry.childOffsetOfPage(page), one);
      } catch (PoisonedRangeException refused) {
        return false;
      }
      if (PageCrc.of(one) != table.expected(page)) {
        return false;
      }
    }
    return true;
  }

  private int readStaged(long page, int n, MemorySegment into) throws IOException {
    for (int i = 0; i < n; i++) {
      MemorySegment one = into.asSlice((long) i * PAGE, PAGE);
      byte[] staged = stage.get(page + i);
      if (staged != null) {
        MemorySegment.copy(staged, 0, one, java.lang.foreign.ValueLayout.JAVA_BYTE, 0, PAGE);
      } else if (readRun(page + i, 1, one) == 0) {
        return i;
      }
    }
    return n;
  }

  /** Pages of one column. */
  private int readRun(long page, int n, MemorySegment into) throws IOException {
    int done = 0;
    while (done < n) {
      int arrived = n - done;
      try {
        child.read(
            geometry.childOffsetOfPage(page + done),
            done == 0 ? into : into.asSlice((long) done * PAGE));
      } catch (PoisonedRangeException poisoned) {
        loader.readFaults.increment();
        arrived = (int) (poisoned.goodPrefixBytes() / PAGE);
      }
      ByteBuffer view = into.asByteBuffer();
      for (int end = done + arrived; done < end; done++) {
        if (PageCrc.of(view, done * PAGE) != table.expected(page + done)
            && !readSlowly(page + done, into.asSlice((long) done * PAGE, PAGE))) {
          return done;
        }
      }
      if (done < n) {
        if (!readSlowly(page + done, into.asSlice((long) done * PAGE, PAGE))) {
          return done;
        }
        done++;
      }
    }
    return n;
  }

  /** Settles one page under its row lock; false when it is lost. */
  private boolean readSlowly(long page, MemorySegment into) throws IOException {
    if (child.state() != DeviceState.ONLINE || journal.interrupted() != null) {
      try (RowLocks.Held _ = rows.lock(geometry.rowOf(page), 1)) {
        return readLocked(page, into, false);
      }
    }
    try (Journal.Share _ = journal.enter(RowRepair.RUNS, RowRepair.PAGES);
        RowLocks.Held _ = rows.lock(geometry.rowOf(page), 1)) {
      // What a failed child left half written is the replay's to settle, not a repair's.
      return readLocked(page, into, journal.interrupted() == null);
    }
  }

  /**
   * Reads one page with its row lock held, and an epoch open that has room for a repair.
   *
   * @return false when the page is lost
   */
  boolean readForUpdate(long page, MemorySegment into) throws IOException {
    return readLocked(page, into, true);
  }

  /** A child that stops taking writes in the middle of a repair still has what it has. */
  private void healOrReconstruct(long row, RowBuffer buffer) throws IOException {
    try {
      repair.heal(row, buffer, RowLoader.Look.CACHED, _ -> false);
    } catch (IOException cannotStore) {
      if (child.state() != DeviceState.READ_ONLY) {
        throw cannotStore;
      }
      loader.reconstruct(row, buffer);
    }
  }

  private boolean readLocked(long page, MemorySegment into, boolean mayRepair) throws IOException {
    byte[] staged = stage.get(page);
    if (staged != null) {
      MemorySegment.copy(staged, 0, into, java.lang.foreign.ValueLayout.JAVA_BYTE, 0, PAGE);
      return true;
    }
    if (lost.contains(page)) {
      return false;
    }
    try {
      child.read(geometry.childOffsetOfPage(page), into);
      if (PageCrc.of(into) == table.expected(page)) {
        return true;
      }
    } catch (PoisonedRangeException poisoned) {
      loader.readFaults.increment();
    }
    RowBuffer buffer = workspaces.takeRow();
    try {
      long row = geometry.rowOf(page);
      int column = geometry.columnOf(page);
      if (mayRepair) {
        healOrReconstruct(row, buffer);
      } else {
        loader.reconstruct(row, buffer);
      }
      if (buffer.state(column) != RowBuffer.State.GOOD) {
        return false;
      }
      into.copyFrom(buffer.page(column));
      return true;
    } finally {
      workspaces.give(buffer);
    }
  }
}

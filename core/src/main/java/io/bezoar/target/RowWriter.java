package io.bezoar.target;

import io.bezoar.dax.PoisonedRangeException;
import io.bezoar.dax.Role;
import io.bezoar.dax.Severity;
import io.bezoar.media.ByteRange;
import io.bezoar.media.Cause;
import io.bezoar.media.Units;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Stores runs of whole pages: parity, record, persist, place.
 *
 * <p>A <em>run</em> is pages of one column, so it touches each of its rows once, and everything is
 * done range-wise: one read of what was there, one of parity, one XOR, one record. Old bytes are
 * verified before they go into parity; where they do not verify, parity is summed up from the rest
 * of the row instead. The caller holds the rows' locks and an open epoch.
 */
final class RowWriter {
  private static final int PAGE = Units.PAGE_BYTES;

  private final Geometry geometry;
  private final ChildIo child;
  private final ChecksumTable table;
  private final Journal journal;
  private final LostPages lost;
  private final RowRepair repair;
  private final Incident.Sink sink;

  RowWriter(
      Geometry geometry,
      ChildIo child,
      ChecksumTable table,
      Journal journal,
      LostPages lost,
      RowRepair repair,
      Incident.Sink sink) {
    this.geometry = geometry;
    this.child = child;
    this.table = table;
    this.journal = journal;
    this.lost = lost;
    this.repair = repair;
    this.sink = sink;
  }

  /**
   * A run with everything needed to store it.
   *
   * @param firstPage first volume page
   * @param count pages
   * @param data new bytes, native
   * @param parity room for the new parity pages, native
   * @param dataSums room for the checksums of the data
   * @param paritySums room for the checksums of the parity
   * @param replaced what was found bad and is cured by this run; told once it is in place
   */
  @SuppressWarnings("ArrayRecordComponent") // Never compared; filled by prepare.
  record Run(
      long firstPage,
      int count,
      MemorySegment data,
      MemorySegment parity,
      int[] dataSums,
      int[] paritySums,
      List<Incident> replaced) {

    static Run of(long firstPage, int count, MemorySegment data, MemorySegment parity) {
      return new Run(
          firstPage, count, data, parity, new int[count], new int[count], new ArrayList<>(0));
    }

    long end() {
      return firstPage + count;
    }
  }

  /** {@link #prepare} went well. */
  static final long PREPARED = -1;

  /**
   * Works out checksums and parity.
   *
   * @param old scratch of the run's size
   * @param pending parity that rows have through runs prepared before and not placed yet
   * @return {@link #PREPARED}, or a row of which another page must be healed or declared lost
   *     first, or which must wait until what is pending for it is in place
   */
  long prepare(Run run, MemorySegment old, Map<Long, MemorySegment> pending) throws IOException {
    long row = geometry.rowOf(run.firstPage);
    int bytes = run.count * PAGE;
    boolean usable = readOld(run, old, bytes);
    try {
      child.device().read(geometry.parityOffset(row), run.parity.asSlice(0, bytes));
    } catch (PoisonedRangeException unreadable) {
      usable = false;
    }
    if (!pending.isEmpty()) {
      for (int i = 0; i < run.count; i++) {
        MemorySegment newer = pending.get(row + i);
        if (newer != null && !usable) {
          return row + i;
        }
        if (newer != null) {
          run.parity.asSlice((long) i * PAGE, PAGE).copyFrom(newer);
        }
      }
    }
    if (usable) {
      Xor.update(run.parity, old, run.data, bytes);
    } else {
      int column = geometry.columnOf(run.firstPage);
      for (int i = 0; i < run.count; i++) {
        long at = (long) i * PAGE;
        if (!repair.parityWith(
            row + i,
            column,
            run.data.asSlice(at, PAGE),
            run.parity.asSlice(at, PAGE),
            run.replaced)) {
          return row + i;
        }
      }
    }
    sums(run.data.asByteBuffer(), run.dataSums);
    sums(run.parity.asByteBuffer(), run.paritySums);
    return PREPARED;
  }

  private static void sums(ByteBuffer pages, int[] into) {
    for (int i = 0; i < into.length; i++) {
      into[i] = PageCrc.of(pages, i * PAGE);
    }
  }

  /** Reads what is in place; lost pages as the zeroes they count for. False if unverified. */
  private boolean readOld(Run run, MemorySegment old, int bytes) throws IOException {
    boolean anyLost = lost.firstIn(ByteRange.ofLength(run.firstPage * PAGE, bytes)) != null;
    if (anyLost && run.count > 1) {
      return false;
    }
    if (anyLost) {
      old.asSlice(0, bytes).fill((byte) 0);
      return true;
    }
    try {
      child.device().read(geometry.childOffsetOfPage(run.firstPage), old.asSlice(0, bytes));
    } catch (PoisonedRangeException unreadable) {
      return false;
    }
    ByteBuffer view = old.asByteBuffer();
    for (int i = 0; i < run.count; i++) {
      if (PageCrc.of(view, i * PAGE) != table.expected(run.firstPage + i)) {
        return false;
      }
    }
    return true;
  }

  /** Writes the record; durable after the child's next persist. */
  void record(Run run) throws IOException {
    journal.appendStore(
        run.firstPage, run.count, run.dataSums, run.paritySums, run.data, run.parity);
  }

  /** Stores a run whose record is durable. */
  void place(Run run) throws IOException {
    storePages(geometry.childOffsetOfPage(run.firstPage), run.data, run.count, Role.DATA);
    storePages(
        geometry.parityOffset(geometry.rowOf(run.firstPage)), run.parity, run.count, Role.PARITY);
    run.replaced.forEach(sink::raise);
    boolean someLost =
        lost.firstIn(ByteRange.ofLength(run.firstPage * PAGE, (long) run.count * PAGE)) != null;
    for (int i = 0; i < run.count; i++) {
      table.set(run.firstPage + i, run.dataSums[i]);
      if (someLost && lost.remove(run.firstPage + i)) {
        long at = geometry.childOffsetOfPage(run.firstPage + i);
        ByteRange volume = ByteRange.ofLength((run.firstPage + i) * PAGE, PAGE);
        sink.raise(
            new Incident(
                Severity.HEALED,
                Cause.INTERRUPTED,
                Role.DATA,
                volume,
                ByteRange.ofLength(at, PAGE)));
      }
    }
  }

  private void storePages(long offset, MemorySegment pages, int count, Role role)
      throws IOException {
    try {
      child.device().write(offset, pages.asSlice(0, (long) count * PAGE));
      return;
    } catch (PoisonedRangeException inTheWay) {
      // Page by page below: each is stored, cleared on the way, or lives in parity alone.
    }
    for (int i = 0; i < count; i++) {
      long at = offset + (long) i * PAGE;
      if (child.store(at, pages.asSlice((long) i * PAGE, PAGE))) {
        repair.restored(at);
      } else {
        ByteRange volume =
            role == Role.DATA
                ? geometry.toVolume(ByteRange.ofLength(at, PAGE))
                : new ByteRange(0, 0);
        repair.degrade(at, Cause.IO_ERROR, role, volume);
      }
    }
  }
}

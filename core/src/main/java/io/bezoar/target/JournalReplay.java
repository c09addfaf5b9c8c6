package io.bezoar.target;

import io.bezoar.dax.PoisonedRangeException;
import io.bezoar.media.ByteRange;
import io.bezoar.media.Cause;
import io.bezoar.media.Units;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Brings the rows that the journal speaks of to their final state after an open.
 *
 * <p>Only the last image of each page and row matters, so the records are folded into one final
 * state per row first. Where both journals are whole that state is simply stored. Where an image is
 * missing, the rest of the row supplies it. When that fails for some row, a record that only one
 * journal holds was not hit by a fault but torn by the crash (the one fault is in the row): then
 * nothing of it was in place yet, and it and all later ones are left out.
 *
 * <p>Idempotent: a crash during replay finds the same journal again.
 */
final class JournalReplay {
  private static final int PAGE = Units.PAGE_BYTES;

  private final Geometry geometry;
  private final ChildIo child;
  private final ChecksumTable table;
  private final RowBuffer buffer;

  JournalReplay(Geometry geometry, ChildIo child, ChecksumTable table) {
    this.geometry = geometry;
    this.child = child;
    this.table = table;
    this.buffer = new RowBuffer(geometry.columns());
  }

  /** Final state of one touched page. */
  private record Target(int sum, boolean lost, @Nullable MemorySegment image) {}

  /** Final state of one row. */
  private static final class Row {
    final Map<Integer, Target> columns = new TreeMap<>();
    @Nullable MemorySegment parity;
    boolean whole = true;
  }

  /**
   * Replays; afterwards the caller persists everything and moves the heads past the records.
   *
   * @return sequence number that the next record must exceed
   */
  long run(JournalScan scan) throws IOException {
    List<JournalScan.Found> records = scan.records();
    int limit = records.size();
    Map<Long, Row> rows = fold(records, limit);
    int half = firstHalf(records);
    if (half < limit && !allResolve(rows)) {
      limit = half;
      rows = fold(records, limit);
    }
    for (Map.Entry<Long, Row> entry : rows.entrySet()) {
      apply(entry.getKey(), entry.getValue());
    }
    return scan.head().firstSequence() + records.size();
  }

  private static int firstHalf(List<JournalScan.Found> records) {
    int i = 0;
    while (i < records.size() && records.get(i).inBoth()) {
      i++;
    }
    return i;
  }

  private Map<Long, Row> fold(List<JournalScan.Found> records, int limit) {
    Map<Long, Row> rows = new HashMap<>();
    for (JournalScan.Found found : records.subList(0, limit)) {
      JournalLayout.Header header = found.header();
      for (int i = 0; i < header.count(); i++) {
        boolean store = header.kind() == JournalLayout.Kind.STORE;
        long page = header.first() + i;
        long rowIndex = store ? geometry.rowOf(page) : header.first();
        Row row = rows.computeIfAbsent(rowIndex, _ -> new Row());
        int sum = header.dataSums()[i];
        row.parity = found.parity()[store ? i : 0];
        row.columns.put(
            store ? geometry.columnOf(page) : sum,
            store ? new Target(sum, false, found.data()[i]) : new Target(0, true, null));
      }
    }
    for (Row row : rows.values()) {
      row.whole =
          row.parity != null
              && row.columns.values().stream().allMatch(t -> t.lost || t.image != null);
    }
    return rows;
  }

  private boolean allResolve(Map<Long, Row> rows) throws IOException {
    for (Map.Entry<Long, Row> entry : rows.entrySet()) {
      if (!entry.getValue().whole && !resolve(entry.getKey(), entry.getValue())) {
        return false;
      }
    }
    return true;
  }

  private void apply(long rowIndex, Row row) throws IOException {
    if (row.whole) {
      for (Map.Entry<Integer, Target> entry : row.columns.entrySet()) {
        store(rowIndex, entry.getKey(), entry.getValue(), entry.getValue().image());
      }
      child.store(geometry.parityOffset(rowIndex), requireParity(row));
      return;
    }
    boolean resolved = resolve(rowIndex, row);
    if (!resolved) {
      loseUnknown(rowIndex);
    }
    for (int column = 0; column < geometry.dataColumns(); column++) {
      Target target = row.columns.get(column);
      if (target != null) {
        boolean lost = buffer.state(column) == RowBuffer.State.LOST;
        store(
            rowIndex,
            column,
            lost ? new Target(0, true, null) : target,
            lost ? null : buffer.page(column));
      }
    }
    child.store(geometry.parityOffset(rowIndex), buffer.parity().copyFrom(buffer.sum));
  }

  private static MemorySegment requireParity(Row row) {
    MemorySegment parity = row.parity;
    if (parity == null) {
      throw new IllegalStateException("row without parity taken as whole");
    }
    return parity;
  }

  private void store(long row, int column, Target target, @Nullable MemorySegment image)
      throws IOException {
    long page = geometry.pageAt(row, column);
    if (target.lost()) {
      table.setLost(page);
      return;
    }
    if (image == null) {
      throw new IllegalStateException("page " + page + " taken as known has no image");
    }
    child.store(geometry.childOffsetOfPage(page), image);
    table.set(page, target.sum());
  }

  /**
   * Fills the buffer with the row's final state: every page GOOD or LOST, and their sum.
   *
   * @return false when more is missing than the row can supply; what is missing is then bad in the
   *     buffer
   */
  private boolean resolve(long rowIndex, Row row) throws IOException {
    buffer.sum.fill((byte) 0);
    int unknown = -1;
    int unknowns = 0;
    for (int column = 0; column < geometry.dataColumns(); column++) {
      loadFinal(rowIndex, column, row.columns.get(column));
      if (buffer.state(column) == RowBuffer.State.GOOD) {
        buffer.addToSum(column);
      } else if (buffer.bad(column)) {
        unknown = column;
        unknowns++;
      }
    }
    MemorySegment parity = row.parity;
    if (unknowns == 0) {
      return true;
    }
    if (unknowns > 1 || parity == null) {
      return false;
    }
    MemorySegment rebuilt = buffer.page(unknown).copyFrom(buffer.sum);
    MemorySegment heap = MemorySegment.ofArray(new long[PAGE / Long.BYTES]).copyFrom(rebuilt);
    Xor.into(heap, parity, 0, PAGE);
    rebuilt.copyFrom(heap);
    Target target = row.columns.get(unknown);
    int wanted = target != null ? target.sum() : table.expected(geometry.pageAt(rowIndex, unknown));
    if (PageCrc.of(rebuilt) != wanted) {
      return false;
    }
    buffer.set(unknown, RowBuffer.State.GOOD, null);
    buffer.addToSum(unknown);
    return true;
  }

  private void loadFinal(long rowIndex, int column, @Nullable Target target) throws IOException {
    long page = geometry.pageAt(rowIndex, column);
    MemorySegment into = buffer.page(column);
    if (target != null ? target.lost() : table.lost(page)) {
      into.fill((byte) 0);
      buffer.set(column, RowBuffer.State.LOST, null);
      return;
    }
    MemorySegment image = target == null ? null : target.image();
    if (image != null) {
      into.copyFrom(image);
      buffer.set(column, RowBuffer.State.GOOD, null);
      return;
    }
    int wanted = target != null ? target.sum() : table.expected(page);
    try {
      child.device().read(geometry.childOffsetOfPage(page), into);
      boolean good = PageCrc.of(into) == wanted;
      buffer.set(column, good ? RowBuffer.State.GOOD : RowBuffer.State.MISMATCH, Cause.CHECKSUM);
    } catch (PoisonedRangeException unreadable) {
      buffer.set(column, RowBuffer.State.UNREADABLE, unreadable.poisonCause());
    }
  }

  private void loseUnknown(long rowIndex) throws IOException {
    for (int column = 0; column < geometry.dataColumns(); column++) {
      if (buffer.bad(column)) {
        long page = geometry.pageAt(rowIndex, column);
        if (buffer.state(column) == RowBuffer.State.MISMATCH) {
          // What cannot be read is on the child's list already, to the line.
          child.report(ByteRange.ofLength(geometry.childOffsetOfPage(page), PAGE), Cause.CHECKSUM);
        }
        table.setLost(page);
        buffer.set(column, RowBuffer.State.LOST, null);
      }
    }
  }
}

package io.bezoar.guard.sidecar;

import static io.bezoar.media.Units.PAGE_BYTES;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.bezoar.guard.sidecar.Sidecar.PageReader;
import io.bezoar.guard.sidecar.Sidecar.PageSink;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.BitSet;

/**
 * Computes bad pages of a row from the rest of it.
 *
 * <p><b>Invariant.</b> A page that is given out has the checksum that it had when the file was
 * protected, whatever it was computed from.
 *
 * <p><b>Protocol.</b> Parity that cannot be read, or does not verify, is not used. A data page that
 * turns out to be bad while it is used becomes one more page to compute, and the row is started
 * over. A page without a checksum (its part of the table is bad in both copies) is used as it is;
 * when the result does not verify, the row is computed once more without those pages.
 *
 * <p>Not thread-safe.
 */
final class RowRebuilder implements AutoCloseable {
  private static final int WORDS = PAGE_BYTES / Long.BYTES;

  private final SidecarGeometry geometry;
  private final SidecarLayout layout;
  private final ErasureCode code;
  private final ChecksumTable table;
  private final SidecarBytes sidecar;
  private final PageReader reader;

  private final Arena arena = Arena.ofConfined();
  private final MemorySegment page = arena.allocate(PAGE_BYTES, PAGE_BYTES);
  private final PageChecksum pageChecksum = new PageChecksum(page);
  private final PageMath math = new PageMath();
  private final MemorySegment parity;
  private final long[][] syndromes;
  private final int[] factors;
  private final long[] result = new long[WORDS];

  RowRebuilder(SidecarLayout layout, ChecksumTable table, SidecarBytes sidecar, PageReader reader) {
    this.geometry = layout.geometry();
    this.layout = layout;
    this.code = geometry.code();
    this.table = table;
    this.sidecar = sidecar;
    this.reader = reader;
    int most = geometry.parityColumns();
    this.parity = arena.allocate((long) most * PAGE_BYTES, PAGE_BYTES);
    this.syndromes = new long[most][WORDS];
    this.factors = new int[most];
  }

  /**
   * Computes the pages of {@code row} in columns {@code bad}, and others that turn out to be bad on
   * the way, and gives each of them that verifies to {@code sink}, once.
   *
   * @return the columns of bad pages that are lost
   */
  BitSet rebuild(long row, BitSet bad, PageSink sink) throws IOException {
    BitSet missing = (BitSet) bad.clone();
    BitSet given = new BitSet();
    boolean trusting = true;
    while (true) {
      int[] rows = readParity(row, missing.cardinality());
      if (rows.length < missing.cardinality()) {
        break;
      }
      BitSet unverified = new BitSet();
      int struck = sum(row, missing, rows, unverified);
      if (struck >= 0) {
        missing.set(struck);
        continue;
      }
      for (int r = 0; r < rows.length; r++) {
        PageMath.add(parity.asSlice((long) r * PAGE_BYTES, PAGE_BYTES), syndromes[r], WORDS);
      }
      give(row, missing, rows, given, sink);
      if (given.cardinality() == missing.cardinality() || unverified.isEmpty() || !trusting) {
        break;
      }
      trusting = false;
      missing.or(unverified);
    }
    BitSet lost = (BitSet) missing.clone();
    lost.andNot(given);
    if (!trusting) {
      lost.and(bad); // the others are only doubted, not known to be bad
    }
    return lost;
  }

  /** Reads up to {@code count} parity pages that verify, one behind the other; which they are. */
  private int[] readParity(long row, int count) throws IOException {
    int[] found = new int[geometry.parityColumns()];
    int n = 0;
    for (int column = 0; column < found.length && n < count; column++) {
      if (!sidecar.read(layout.parityOffset(column, row), page)) {
        continue;
      }
      long expected = table.get(layout.parityEntry(column, row));
      if (expected == ChecksumTable.UNKNOWN || expected == pageChecksum.of(0)) {
        MemorySegment.copy(page, 0, parity, (long) n * PAGE_BYTES, PAGE_BYTES);
        found[n++] = column;
      }
    }
    return Arrays.copyOf(found, n);
  }

  /**
   * Makes what the parity rows are without the missing pages.
   *
   * @param unverified is given the columns of pages that were used without a checksum
   * @return the column of a page that is bad after all, or -1
   */
  private int sum(long row, BitSet missing, int[] rows, BitSet unverified) throws IOException {
    for (int r = 0; r < rows.length; r++) {
      Arrays.fill(syndromes[r], 0);
    }
    for (int column = geometry.columnsOf(row) - 1; column >= 0; column--) {
      if (missing.get(column)) {
        skip(rows);
        continue;
      }
      long wanted = geometry.page(row, column);
      if (!reader.read(wanted, page)) {
        return column;
      }
      long expected = table.get(wanted);
      if (expected == ChecksumTable.UNKNOWN) {
        unverified.set(column);
      } else if (expected != pageChecksum.of(0)) {
        return column;
      }
      use(column, rows);
    }
    return -1;
  }

  /**
   * Makes a parity page anew from the data pages of its row; false when one of those is bad, or the
   * result does not verify.
   */
  boolean makeParity(long row, int parityColumn, MemorySegment dst) throws IOException {
    int[] rows = {parityColumn};
    if (sum(row, new BitSet(), rows, new BitSet()) >= 0) {
      return false;
    }
    MemorySegment.copy(syndromes[0], 0, page, JAVA_LONG, 0, WORDS);
    dst.copyFrom(page);
    return table.get(layout.parityEntry(parityColumn, row)) == pageChecksum.of(0);
  }

  /** A page that is missing counts as zeroes; Horner's rule goes on over it. */
  private void skip(int[] rows) {
    for (int r = 0; r < rows.length; r++) {
      if (rows[r] == 1) {
        PageMath.timesTwo(syndromes[r], WORDS);
      }
    }
  }

  private void use(int column, int[] rows) {
    int general = 0;
    if (rows.length >= 2 && rows[0] == 0 && rows[1] == 1) {
      PageMath.addToBoth(page, syndromes[0], syndromes[1], WORDS);
      general = 2;
    } else if (rows[0] == 0) {
      PageMath.add(page, syndromes[0], WORDS);
      general = 1;
    } else if (rows[0] == 1) {
      PageMath.timesTwoPlus(page, syndromes[0], WORDS);
      general = 1;
    }
    if (general < rows.length) {
      for (int r = general; r < rows.length; r++) {
        factors[r] = code.coefficient(rows[r], column);
      }
      math.addProducts(page, factors, syndromes, general, rows.length, WORDS);
    }
  }

  /** Solves for the missing pages and gives away those that verify. */
  private void give(long row, BitSet missing, int[] rows, BitSet given, PageSink sink)
      throws IOException {
    int[] columns = missing.stream().toArray();
    int[][] inverse = code.solve(columns, rows);
    for (int m = 0; m < columns.length; m++) {
      long wanted = geometry.page(row, columns[m]);
      long expected = table.get(wanted);
      if (expected == ChecksumTable.UNKNOWN || given.get(columns[m])) {
        continue;
      }
      Arrays.fill(result, 0);
      for (int r = 0; r < rows.length; r++) {
        math.addProduct(syndromes[r], inverse[m][r], result, WORDS);
      }
      MemorySegment.copy(result, 0, page, JAVA_LONG, 0, WORDS);
      if (pageChecksum.of(0) == expected) {
        sink.page(wanted, page);
        given.set(columns[m]);
      }
    }
  }

  @Override
  public void close() {
    arena.close();
  }
}

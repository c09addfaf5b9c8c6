package io.bezoar.guard.sidecar;

import static io.bezoar.media.Units.PAGE_BYTES;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.bezoar.media.Media;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * Reads a file once and makes checksums and parity of it, {@value #ROWS} rows at a time: from each
 * column so many pages in one read, the last column first, as Horner's rule wants it. What is read
 * and the sums of the first two parity columns stay in the second-level cache.
 */
final class ParityMaker implements Workers.Hand {
  static final int ROWS = 32;

  private static final int PAGE_WORDS = PAGE_BYTES / Long.BYTES;

  /** Is told of each page before its checksum is taken down. */
  @FunctionalInterface
  interface PageCheck {
    PageCheck NONE = (page, crc) -> {};

    void page(long page, long crc) throws IOException;
  }

  private final Media file;
  private final Media sidecar;
  private final SidecarLayout layout;
  private final SidecarGeometry geometry;
  private final ErasureCode code;
  private final TableBuilder table;
  private final PageCheck check;

  private final Arena arena = Arena.ofConfined();
  private final MemorySegment buffer = arena.allocate((long) ROWS * PAGE_BYTES, PAGE_BYTES);
  private final PageChecksum checksum = new PageChecksum(buffer);
  private final PageMath math = new PageMath();
  private final long[][] sums;
  private final int[] factors;

  ParityMaker(
      Media file, Media sidecar, SidecarLayout layout, TableBuilder table, PageCheck check) {
    this.file = file;
    this.sidecar = sidecar;
    this.layout = layout;
    this.geometry = layout.geometry();
    this.code = geometry.code();
    this.table = table;
    this.check = check;
    this.sums = new long[geometry.parityColumns()][ROWS * PAGE_WORDS];
    this.factors = new int[geometry.parityColumns()];
  }

  static long pieces(SidecarGeometry geometry) {
    return Math.ceilDiv(geometry.rows(), ROWS);
  }

  @Override
  public long piece(long index) throws IOException {
    long row = index * ROWS;
    int rows = (int) Math.min(ROWS, geometry.rows() - row);
    for (long[] sum : sums) {
      Arrays.fill(sum, 0);
    }
    long done = 0;
    for (int column = geometry.dataColumns() - 1; column >= 0; column--) {
      done += readColumn(geometry.page(row, column), rows);
      addColumn(column, rows * PAGE_WORDS);
    }
    for (int parity = 0; parity < sums.length; parity++) {
      store(parity, row, rows);
    }
    return done;
  }

  /** Reads so many pages, takes their checksums down, and counts what is not there as zeroes. */
  private long readColumn(long page, int rows) throws IOException {
    long offset = page * PAGE_BYTES;
    long bytes = Math.clamp(geometry.fileSizeBytes() - offset, 0, (long) rows * PAGE_BYTES);
    if (bytes > 0) {
      file.read(offset, buffer.asSlice(0, bytes));
    }
    buffer.asSlice(bytes, (long) rows * PAGE_BYTES - bytes).fill((byte) 0);
    for (int at = 0; at < bytes; at += PAGE_BYTES) {
      long crc = checksum.of(at);
      check.page(page + at / PAGE_BYTES, crc);
      table.set(page + at / PAGE_BYTES, crc);
    }
    return bytes;
  }

  private void addColumn(int column, int words) {
    if (sums.length == 1) {
      PageMath.add(buffer, sums[0], words);
      return;
    }
    PageMath.addToBoth(buffer, sums[0], sums[1], words);
    if (sums.length > 2) {
      for (int parity = 2; parity < sums.length; parity++) {
        factors[parity] = code.coefficient(parity, column);
      }
      math.addProducts(buffer, factors, sums, 2, sums.length, words);
    }
  }

  private void store(int parity, long row, int rows) throws IOException {
    MemorySegment.copy(sums[parity], 0, buffer, JAVA_LONG, 0, rows * PAGE_WORDS);
    for (int i = 0; i < rows; i++) {
      table.set(layout.parityEntry(parity, row + i), checksum.of(i * PAGE_BYTES));
    }
    sidecar.write(layout.parityOffset(parity, row), buffer.asSlice(0, (long) rows * PAGE_BYTES));
  }

  @Override
  public void close() {
    arena.close();
  }
}

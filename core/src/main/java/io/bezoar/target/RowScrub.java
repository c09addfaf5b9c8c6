package io.bezoar.target;

import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.PoisonEntry;
import io.bezoar.dax.RecoveryRead;
import io.bezoar.media.ByteRange;
import io.bezoar.media.Units;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;

/**
 * Reads a chunk of rows column by column, hashes every page, and compares the data pages with the
 * checksum table and the parity page with the data: sequential I/O and bounded memory whatever the
 * size of the device. Takes no lock; what looks wrong is settled row by row under the lock by the
 * caller, byte by byte. Not thread-safe.
 *
 * <p>Parity is compared by hash as well: {@link PageCrc} is linear, so the hash of the XOR of pages
 * is the XOR of their hashes, which are there already. Adding up the bytes themselves took a sixth
 * of a scrub and would find nothing that a wrong data page could not hide likewise.
 */
final class RowScrub {
  private static final int PAGE = Units.PAGE_BYTES;

  /** Rows that one chunk may hold: 64 KiB of each column. */
  static final int CHUNK_ROWS = 16;

  private final Geometry geometry;
  private final DaxDevice child;
  private final ChecksumTable table;
  private final MemorySegment column = Arena.ofAuto().allocate((long) CHUNK_ROWS * PAGE, PAGE);
  private final ByteBuffer view = column.asByteBuffer();

  /** Hash of what the parity page of each row must be, as far as the columns have been read. */
  private final int[] sums = new int[CHUNK_ROWS];

  RowScrub(Geometry geometry, DaxDevice child, ChecksumTable table) {
    this.geometry = geometry;
    this.child = child;
    this.table = table;
  }

  /**
   * What looks wrong in a chunk.
   *
   * @param rows rows to settle, relative to the first
   * @param unreadable those of them of which something is refused to reads; what merely does not
   *     verify may be a write in progress
   * @param found the pages of the child that did not verify
   */
  record Suspicion(BitSet rows, BitSet unreadable, List<ByteRange> found) {}

  Suspicion check(long firstRow, int count) throws IOException {
    Suspicion suspicion = new Suspicion(new BitSet(count), new BitSet(count), new ArrayList<>());
    Arrays.fill(sums, 0);
    for (int c = 0; c < geometry.dataColumns(); c++) {
      boolean[] readable = readColumn(firstRow, c, count);
      for (int i = 0; i < count; i++) {
        checkPage(firstRow + i, c, i, readable[i], suspicion);
      }
    }
    boolean[] readable = readColumn(firstRow, geometry.dataColumns(), count);
    for (int i = 0; i < count; i++) {
      boolean differs = !readable[i] || PageCrc.of(view, i * PAGE) != sums[i];
      if (!readable[i] || (differs && !suspicion.rows.get(i))) {
        suspect(suspicion, i, readable[i], geometry.parityOffset(firstRow + i));
      }
    }
    return suspicion;
  }

  private void checkPage(long row, int columnIndex, int i, boolean readable, Suspicion suspicion)
      throws IOException {
    long page = geometry.pageAt(row, columnIndex);
    if (table.lost(page)) {
      return; // counts as zeroes, and the hash of zeroes is zero
    }
    int sum = readable ? PageCrc.of(view, i * PAGE) : 0;
    if (readable && sum == table.expected(page)) {
      sums[i] ^= sum;
    } else {
      suspect(suspicion, i, readable, geometry.childOffsetOfPage(page));
    }
  }

  private static void suspect(Suspicion suspicion, int i, boolean readable, long childOffset) {
    suspicion.rows.set(i);
    if (!readable) {
      suspicion.unreadable.set(i);
    }
    suspicion.found.add(ByteRange.ofLength(childOffset, PAGE));
  }

  /**
   * Reads a column's part of the chunk; says for each page whether all of it arrived, and is given
   * to ordinary reads, too.
   */
  private boolean[] readColumn(long firstRow, int columnIndex, int count) throws IOException {
    boolean[] readable = new boolean[count];
    Arrays.fill(readable, true);
    long start = geometry.childOffset(firstRow, columnIndex);
    // Past caches: a page that has rotted under its cached copy would look well.
    for (RecoveryRead.Hole hole :
        child.recoveryRead(start, column.asSlice(0, (long) count * PAGE)).holes()) {
      ByteRange pages = hole.range().shift(-start).alignOutward(PAGE);
      Arrays.fill(readable, (int) (pages.start() / PAGE), (int) (pages.end() / PAGE), false);
    }
    // What the child withholds from reads is no better than what has rotted, until it is stored
    // again: a copy in conflict with another may be the right one, and a repair that a crash cut
    // short leaves right bytes on the list.
    ByteRange all = ByteRange.ofLength(start, (long) count * PAGE);
    for (ByteRange withheld : PoisonEntry.exact(child.poison(all)).asList()) {
      ByteRange pages = withheld.shift(-start).alignOutward(PAGE);
      Arrays.fill(readable, (int) (pages.start() / PAGE), (int) (pages.end() / PAGE), false);
    }
    return readable;
  }
}

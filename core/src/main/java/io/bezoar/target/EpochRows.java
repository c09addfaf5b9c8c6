package io.bezoar.target;

import java.util.Arrays;

/**
 * Which column of each row was stored first since the last checkpoint: an open-addressed table of
 * at most as many rows as a journal has pages. Guarded by the journal's append lock.
 */
final class EpochRows {
  private static final long FREE = -1;

  private final long[] rows;
  private final int[] columns;
  private final int mask;
  private int used;

  EpochRows(long maxRows) {
    int size = Integer.highestOneBit(Math.toIntExact(Math.max(8, maxRows)) * 2 - 1) << 1;
    rows = new long[size];
    columns = new int[size];
    mask = size - 1;
    Arrays.fill(rows, FREE);
  }

  /** Notes a store; true when another column of the row was stored before it. */
  boolean note(long row, int column) {
    int slot = (int) ((row * 0x9E3779B97F4A7C15L) >>> 40) & mask;
    while (rows[slot] != FREE) {
      if (rows[slot] == row) {
        return columns[slot] != column;
      }
      slot = (slot + 1) & mask;
    }
    rows[slot] = row;
    columns[slot] = column;
    used++;
    return false;
  }

  void clear() {
    if (used > 0) {
      Arrays.fill(rows, FREE);
      used = 0;
    }
  }
}

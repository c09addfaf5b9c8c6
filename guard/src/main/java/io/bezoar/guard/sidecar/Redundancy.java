package io.bezoar.guard.sidecar;

/**
 * How much a sidecar is asked to survive: {@code parityColumns} parity columns to every {@code
 * columns} columns, data and parity together.
 *
 * <p>A file is laid out as columns of equal length, far apart; the pages at one index of all
 * columns are a row, and any {@code parityColumns} bad pages of a row can be repaired. Space:
 * {@code parityColumns / (columns - parityColumns)} of the file for parity, and 0.2% for checksums.
 * At the same space, many columns with several parity columns survive scattered damage far better
 * than few with one: of 4 GiB with 100 bad pages, two of 64 lose something in one case of 1,800,
 * one of 32 in one of seven.
 *
 * <p>A file of few pages gets fewer parity columns, at least one, so that its sidecar takes no more
 * of it than that of a large one, or stays under two pages; see {@link SidecarGeometry}.
 *
 * @param parityColumns from 1 to {@value #PARITY_MAX}
 * @param columns from {@code parityColumns + 1} to {@value #COLUMNS_MAX}
 */
public record Redundancy(int parityColumns, int columns) {
  /** Most parity columns. */
  public static final int PARITY_MAX = 32;

  /** Most columns in all. */
  public static final int COLUMNS_MAX = 128;

  /** 2 of 64: 3.5% of space. */
  public static final Redundancy DEFAULT = new Redundancy(2, 64);

  /**
   * Checks the numbers.
   *
   * @throws IllegalArgumentException when they are out of their ranges
   */
  public Redundancy {
    if (parityColumns < 1 || parityColumns > PARITY_MAX) {
      throw new IllegalArgumentException(
          parityColumns + " parity columns: choose from 1 to " + PARITY_MAX);
    }
    if (columns <= parityColumns || columns > COLUMNS_MAX) {
      throw new IllegalArgumentException(
          columns
              + " columns in all, "
              + parityColumns
              + " of them parity: choose from "
              + (parityColumns + 1)
              + " to "
              + COLUMNS_MAX);
    }
  }

  /** Whether the constructor takes these numbers. */
  static boolean isPossible(int parityColumns, int columns) {
    return parityColumns >= 1
        && parityColumns <= PARITY_MAX
        && columns > parityColumns
        && columns <= COLUMNS_MAX;
  }

  /** Data columns, of which a file of very few pages may have up to twice as many. */
  int dataColumns() {
    return columns - parityColumns;
  }

  /** As on the command line: {@code 2/64}. */
  @Override
  public String toString() {
    return parityColumns + "/" + columns;
  }
}

package io.bezoar.pool;

/**
 * How a payload is protected: {@code dataColumns} columns and {@code parityColumns} more from which
 * a lost one is rebuilt; no parity columns for a bare volume without checksums.
 *
 * @param dataColumns 1 for a bare volume
 * @param parityColumns 0 or 1; the format counts them so that a second one can follow
 */
public record Redundancy(int dataColumns, int parityColumns) {
  /** A bare volume: nothing is checked and nothing can be rebuilt. */
  public static final Redundancy NONE = new Redundancy(1, 0);

  /** What is chosen when nobody chooses: 31 + 1. */
  public static final Redundancy DEFAULT = ofColumns(32);

  /** Fewest columns, parity included. */
  public static final int MIN_COLUMNS = 2;

  /** Most columns, parity included. */
  public static final int MAX_COLUMNS = 256;

  /** Checks the counts. */
  public Redundancy {
    boolean bare = dataColumns == 1 && parityColumns == 0;
    boolean parity =
        parityColumns == 1 && dataColumns >= MIN_COLUMNS - 1 && dataColumns <= MAX_COLUMNS - 1;
    if (!bare && !parity) {
      throw new IllegalArgumentException(
          "no such redundancy: " + dataColumns + " + " + parityColumns + " columns");
    }
  }

  /** In-device parity over {@code columns} columns, the parity column included. */
  public static Redundancy ofColumns(int columns) {
    return new Redundancy(columns - 1, 1);
  }

  /** True when there are checksums and parity. */
  public boolean isProtected() {
    return parityColumns > 0;
  }

  /** Columns in all. */
  public int columns() {
    return dataColumns + parityColumns;
  }

  @Override
  public String toString() {
    return isProtected() ? dataColumns + "+" + parityColumns : "none";
  }
}

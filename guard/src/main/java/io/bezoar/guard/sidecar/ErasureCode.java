package io.bezoar.guard.sidecar;

/**
 * The Reed-Solomon code over the pages of one row: which multiple of each data page goes into which
 * parity page, and how missing data pages come back.
 *
 * <p><b>Invariant.</b> With {@code k} parity pages, any {@code k} missing pages of a row, data or
 * parity, can be computed from the others (the code is MDS). That holds when no square part of the
 * matrix is singular. This matrix is a Cauchy matrix whose columns are scaled: with {@code x(i) =
 * 2^-i}, parity row {@code j} has
 *
 * <ul>
 *   <li>0: {@code 1} for every column, plain XOR ({@code y} at infinity);
 *   <li>1: {@code 1 / (x(i) + 0) = 2^i}, which with row 0 is exactly RAID-6;
 *   <li>2 and on: {@code 1 / (x(i) + y(j))} with {@code y(j) = 2^(j - 1)}.
 * </ul>
 *
 * <p>Every square part of such a matrix is regular as long as no {@code x} equals a {@code y}. The
 * {@code x} are the powers 0, -1, -2 ... of 2, the {@code y} the powers 1, 2, 3 ..., and powers
 * repeat after 255: so both fit while {@code dataColumns + parityColumns - 2 <= 255}. (The first
 * two rows are cheap by Horner's rule; Vandermonde rows that would go on from there are not MDS.)
 *
 * <p>Immutable and thread-safe.
 *
 * @param dataColumns data pages of a row
 * @param parityColumns parity pages of a row
 */
record ErasureCode(int dataColumns, int parityColumns) {
  ErasureCode {
    if (!isPossible(dataColumns, parityColumns)) {
      throw new IllegalArgumentException(
          "no code of " + dataColumns + " data and " + parityColumns + " parity columns");
    }
  }

  /** Whether there is such a code. */
  static boolean isPossible(int dataColumns, int parityColumns) {
    return dataColumns >= 1
        && parityColumns >= 0
        && dataColumns + Math.max(0, parityColumns - 2) <= GaloisField.ORDER;
  }

  /** What data page {@code column} is multiplied by in parity page {@code row}. */
  int coefficient(int row, int column) {
    return switch (row) {
      case 0 -> 1;
      case 1 -> GaloisField.power(column);
      default -> GaloisField.inverse(GaloisField.power(-column) ^ GaloisField.power(row - 1));
    };
  }

  /**
   * How to compute missing data pages. For each parity row used, let its <em>syndrome</em> be the
   * XOR of the parity page and of all data pages that are there, each times its coefficient.
   * Missing page {@code m} is then the XOR over {@code r} of {@code result[m][r]} times the
   * syndrome of {@code rows[r]}.
   *
   * @param columns the missing data pages
   * @param rows as many parity pages that are there
   */
  int[][] solve(int[] columns, int[] rows) {
    int n = columns.length;
    int[][] work = new int[n][2 * n];
    for (int r = 0; r < n; r++) {
      for (int m = 0; m < n; m++) {
        work[r][m] = coefficient(rows[r], columns[m]);
      }
      work[r][n + r] = 1;
    }
    for (int pivot = 0; pivot < n; pivot++) {
      bringUp(work, pivot);
      scale(work[pivot], GaloisField.inverse(work[pivot][pivot]));
      for (int r = 0; r < n; r++) {
        if (r != pivot) {
          addMultiple(work[r], work[pivot], work[r][pivot]);
        }
      }
    }
    int[][] inverse = new int[n][n];
    for (int m = 0; m < n; m++) {
      System.arraycopy(work[m], n, inverse[m], 0, n);
    }
    return inverse;
  }

  private static void bringUp(int[][] work, int pivot) {
    int from = pivot;
    while (from < work.length && work[from][pivot] == 0) {
      from++;
    }
    if (from == work.length) {
      throw new ArithmeticException(
          "a singular part of the matrix: the code is not what it claims");
    }
    int[] found = work[from];
    work[from] = work[pivot];
    work[pivot] = found;
  }

  private static void scale(int[] row, int factor) {
    for (int i = 0; i < row.length; i++) {
      row[i] = GaloisField.multiply(row[i], factor);
    }
  }

  private static void addMultiple(int[] row, int[] other, int factor) {
    for (int i = 0; i < row.length; i++) {
      row[i] ^= GaloisField.multiply(other[i], factor);
    }
  }
}

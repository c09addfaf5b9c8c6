package io.bezoar.guard.sidecar;

/**
 * How likely scattered damage is to be repairable, exactly (as far as {@code double} goes), not by
 * simulation and not by the birthday rule of thumb.
 *
 * <p>{@code n} bad pages can fall in {@code C(total, n)} ways. Those in which no row has more than
 * {@code k} of them are counted by the coefficient of {@code x^n} in the product, over all rows, of
 * {@code sum over j <= k of C(width, j) x^j}. Rows have one of two widths, so this is a product of
 * two powers of polynomials, cut off after {@code x^n}. All terms are positive: nothing cancels.
 */
final class Odds {
  private Odds() {}

  static double allRepairable(SidecarGeometry geometry, int badPages) {
    long rows = geometry.rows();
    int parity = geometry.parityColumns();
    if (badPages <= parity) {
      return 1;
    }
    if (badPages > rows * parity) {
      return 0;
    }
    long total = geometry.pages() + geometry.parityPages();
    int columns = geometry.dataColumns();
    long shortRows = columns * rows - geometry.pages();
    // Scaling x by n / total brings the wanted coefficient near the largest one.
    double scale = badPages / (double) total;
    Series all =
        Series.ofRow(columns + parity, parity, scale, badPages)
            .power(rows - shortRows)
            .times(Series.ofRow(columns - 1 + parity, parity, scale, badPages).power(shortRows));
    double logOfWays = all.logOf(badPages) - badPages * Math.log(scale);
    return Math.clamp(Math.exp(logOfWays - logOfChoices(total, badPages)), 0, 1);
  }

  /** Logarithm of the number of ways to choose {@code n} of {@code total}. */
  private static double logOfChoices(long total, int n) {
    double sum = 0;
    for (int i = 0; i < n; i++) {
      sum += Math.log((total - i) / (double) (i + 1));
    }
    return sum;
  }

  /** A polynomial without negative coefficients, cut off, kept in range. */
  private static final class Series {
    /** Divided by e to the power of {@link #log}. */
    private final double[] coefficients;

    private final double log;

    Series(double[] coefficients, double log) {
      this.coefficients = coefficients;
      this.log = log;
    }

    static Series ofRow(int width, int most, double scale, int degree) {
      double[] row = new double[degree + 1];
      double ways = 1;
      for (int j = 0; j <= Math.min(most, Math.min(width, degree)); j++) {
        row[j] = ways;
        ways = ways * scale * (width - j) / (j + 1);
      }
      return new Series(row, 0);
    }

    static Series one(int degree) {
      double[] one = new double[degree + 1];
      one[0] = 1;
      return new Series(one, 0);
    }

    Series power(long exponent) {
      Series result = one(coefficients.length - 1);
      Series square = this;
      for (long rest = exponent; rest > 0; rest >>= 1) {
        if ((rest & 1) != 0) {
          result = result.times(square);
        }
        if (rest > 1) {
          square = square.times(square);
        }
      }
      return result;
    }

    Series times(Series other) {
      int length = coefficients.length;
      double[] product = new double[length];
      double largest = 0;
      for (int i = 0; i < length; i++) {
        if (coefficients[i] == 0) {
          continue;
        }
        for (int j = 0; i + j < length; j++) {
          product[i + j] += coefficients[i] * other.coefficients[j];
        }
      }
      for (double value : product) {
        largest = Math.max(largest, value);
      }
      for (int i = 0; i < length; i++) {
        product[i] /= largest;
      }
      return new Series(product, log + other.log + Math.log(largest));
    }

    double logOf(int exponent) {
      return Math.log(coefficients[exponent]) + log;
    }
  }
}

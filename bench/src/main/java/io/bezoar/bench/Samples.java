package io.bezoar.bench;

import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * What one contender took, round by round.
 *
 * <p>Two contenders are compared round by round, and the median of those ratios is quoted: what
 * slows the machine down for a while slows both, and does not show.
 */
final class Samples {
  private final double[] values;

  private Samples(double[] values) {
    this.values = values;
  }

  static Samples of(double... values) {
    if (values.length == 0) {
      throw new IllegalArgumentException("no samples");
    }
    return new Samples(values.clone());
  }

  int count() {
    return values.length;
  }

  double median() {
    return quantile(0.5);
  }

  /** Linear between the two samples that it falls between. */
  double quantile(double fraction) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    double place = fraction * (sorted.length - 1);
    int below = (int) place;
    int above = Math.min(below + 1, sorted.length - 1);
    return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
  }

  /** This divided by {@code peer}, round by round. */
  Ratio over(Samples peer) {
    if (peer.values.length != values.length) {
      throw new IllegalArgumentException(
          values.length + " samples beside " + peer.values.length + ": not the same rounds");
    }
    Samples ratios =
        new Samples(
            IntStream.range(0, values.length)
                .mapToDouble(i -> values[i] / peer.values[i])
                .toArray());
    return new Ratio(ratios.median(), ratios.quantile(0.25), ratios.quantile(0.75));
  }

  /** This minus {@code other}, round by round. */
  Samples minus(Samples other) {
    if (other.values.length != values.length) {
      throw new IllegalArgumentException(
          values.length + " samples less " + other.values.length + ": not the same rounds");
    }
    return new Samples(
        IntStream.range(0, values.length).mapToDouble(i -> values[i] - other.values[i]).toArray());
  }

  /** Each sample turned into {@code amount} of it in a unit of time, or back. */
  Samples per(double amount) {
    return new Samples(Arrays.stream(values).map(value -> amount / value).toArray());
  }
}

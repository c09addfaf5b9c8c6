package io.bezoar.bench;

import java.util.Locale;

/**
 * How much of a peer's number ours is.
 *
 * @param median over all rounds
 * @param low a quarter of the rounds was below
 * @param high a quarter of the rounds was above
 */
record Ratio(double median, double low, double high) {
  @Override
  public String toString() {
    return String.format(Locale.ROOT, "%.2fx (%.2f-%.2f)", median, low, high);
  }
}

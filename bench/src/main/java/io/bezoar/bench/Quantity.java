package io.bezoar.bench;

/**
 * One number as it is shown.
 *
 * @param value in the unit
 * @param unit what it counts
 */
record Quantity(double value, Unit unit) {
  @Override
  public String toString() {
    return unit.format(value);
  }
}

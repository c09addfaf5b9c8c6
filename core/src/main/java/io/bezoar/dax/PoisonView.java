package io.bezoar.dax;

import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * What an access must know of a poison list, in one immutable object behind one volatile field.
 *
 * <p>Protocol: an access takes the view, asks {@link #mayConcern}, touches media, and takes the
 * view again. The same object: nothing happened in between. Another: {@link #changedUnder} says
 * whether a repair began within its range, and then it starts over, since it may have met, or
 * spoilt, half of the repair.
 *
 * <p>Equal only to itself.
 */
final class PoisonView {
  private static final int REMEMBERED = 16;

  /** Where entries are; null when there is none. */
  private final @Nullable PoisonFilter filter;

  /** Clear units that are being reinitialised now. */
  private final ByteRanges underRepair;

  /** Of the latest repair that began. */
  private final long repairNumber;

  /** What the latest repairs reinitialise; number n at index n modulo length. */
  private final ByteRanges[] recent;

  private PoisonView(
      @Nullable PoisonFilter filter,
      ByteRanges underRepair,
      long repairNumber,
      ByteRanges[] recent) {
    this.filter = filter;
    this.underRepair = underRepair;
    this.repairNumber = repairNumber;
    this.recent = recent;
  }

  /** Nothing known, nothing under repair. */
  static PoisonView healthy() {
    ByteRanges[] none = new ByteRanges[REMEMBERED];
    Arrays.fill(none, ByteRanges.EMPTY);
    return new PoisonView(null, ByteRanges.EMPTY, 0, none);
  }

  @Nullable PoisonFilter filter() {
    return filter;
  }

  ByteRanges underRepair() {
    return underRepair;
  }

  /** True when the access to {@code [start, end)}, not empty, must look closer. */
  boolean mayConcern(long start, long end) {
    PoisonFilter entries = filter;
    return entries != null && entries.mayTouch(start, end);
  }

  /** True when a repair within {@code range} began after {@code before} was taken. */
  boolean changedUnder(ByteRange range, PoisonView before) {
    if (repairNumber - before.repairNumber > REMEMBERED) {
      return true;
    }
    for (long n = before.repairNumber + 1; n <= repairNumber; n++) {
      if (recent[(int) (n % REMEMBERED)].overlaps(range)) {
        return true;
      }
    }
    return false;
  }

  PoisonView withFilter(@Nullable PoisonFilter next) {
    return new PoisonView(next, underRepair, repairNumber, recent);
  }

  PoisonView withRepair(ByteRanges units) {
    ByteRanges[] next = recent.clone();
    next[(int) ((repairNumber + 1) % REMEMBERED)] = units;
    return new PoisonView(filter, underRepair.union(units), repairNumber + 1, next);
  }

  PoisonView withoutRepair(ByteRanges units) {
    return new PoisonView(filter, underRepair.minus(units), repairNumber, recent);
  }
}

package io.bezoar.pool;

import io.bezoar.media.FaultKind;
import io.bezoar.media.Units;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a drill is to do.
 *
 * @param kinds dealt in turn, at least one
 * @param at offset in the volume; null for places chosen by the seed
 * @param lengthBytes bytes struck at each place
 * @param count how many places; 1 when {@code at} is given
 * @param seed decides places and wrong bytes
 * @param rows whether each strike gets rows of its own
 * @param device the number of the only device to strike; null for all of the pool's
 */
public record StrikeOrder(
    List<FaultKind> kinds,
    @Nullable Long at,
    long lengthBytes,
    int count,
    long seed,
    Rows rows,
    @Nullable Integer device) {

  /** Whether two strikes may share a row of the parity. */
  public enum Rows {
    /** Every strike in rows of its own, so that each can be repaired. */
    DISTINCT,
    /** Anywhere, except twice on one page: two flips of one bit would heal each other. */
    ANY
  }

  /** Copies the list and checks the numbers. */
  public StrikeOrder {
    kinds = List.copyOf(kinds);
    if (kinds.isEmpty() || count < 1 || lengthBytes < 1) {
      throw new IllegalArgumentException(
          kinds.size() + " kinds, " + count + " places of " + lengthBytes + " bytes");
    }
    if (at != null && count != 1) {
      throw new IllegalArgumentException("one place has one strike, not " + count);
    }
  }

  /** Strikes any of the pool's devices. */
  public StrikeOrder(
      List<FaultKind> kinds, @Nullable Long at, long lengthBytes, int count, long seed, Rows rows) {
    this(kinds, at, lengthBytes, count, seed, rows, null);
  }

  /** The part of it that strikes one device's content. */
  StrikeOrder on(int deviceCount, @Nullable Long contentAt, long deviceSeed) {
    return new StrikeOrder(kinds, contentAt, lengthBytes, deviceCount, deviceSeed, rows, device);
  }

  /** Pages that a strike at a place of the seed's choice covers. */
  long pagesPerStrike() {
    return Math.ceilDiv(lengthBytes, Units.PAGE_BYTES);
  }
}

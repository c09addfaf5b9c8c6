package io.bezoar.dax;

import io.bezoar.media.ByteRange;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * One bit for each region of a device: clear when no poison entry touches it. Lets an access pass
 * by a list of a million entries elsewhere for the price of a bit test. At most half a megabyte:
 * regions are 64 KiB, more on devices beyond 256 GiB.
 *
 * <p>Bits change under the lock of the list; they are tested without it. A bit that is set while an
 * access is under way may be missed by it: the access then counts as earlier.
 */
final class PoisonFilter {
  private static final VarHandle BITS = MethodHandles.arrayElementVarHandle(long[].class);
  private static final int MIN_SHIFT = 16;
  private static final long MAX_REGIONS = 1L << 22;

  private final long[] bits;
  private final int shift;

  PoisonFilter(long sizeBytes) {
    int regionShift = MIN_SHIFT;
    while (sizeBytes >>> regionShift >= MAX_REGIONS) {
      regionShift++;
    }
    this.shift = regionShift;
    this.bits = new long[(int) ((sizeBytes >>> regionShift) / Long.SIZE) + 1];
  }

  /** True when an entry may touch {@code [start, end)}; never false when one does. */
  boolean mayTouch(long start, long end) {
    long last = (end - 1) >>> shift;
    for (long region = start >>> shift; region <= last; region++) {
      long word = (long) BITS.getOpaque(bits, (int) (region >>> 6));
      if ((word >>> region & 1) != 0) {
        return true;
      }
    }
    return false;
  }

  long regionBytes() {
    return 1L << shift;
  }

  /** Marks every region that {@code range} touches. */
  void set(ByteRange range) {
    long last = (range.end() - 1) >>> shift;
    for (long region = range.start() >>> shift; region <= last; region++) {
      int index = (int) (region >>> 6);
      BITS.setOpaque(bits, index, bits[index] | 1L << region);
    }
  }

  /** Unmarks the regions of {@code range}, which no entry touches any more. */
  void clear(ByteRange range) {
    for (long region = range.start() >>> shift; region < range.end() >>> shift; region++) {
      int index = (int) (region >>> 6);
      BITS.setOpaque(bits, index, bits[index] & ~(1L << region));
    }
  }

  long footprintBytes() {
    return (long) bits.length * Long.BYTES;
  }
}

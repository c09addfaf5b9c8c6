package io.bezoar.dax;

import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * Which regions of a device were written since its last good persist: what is in doubt when the
 * next one fails. A write marks its regions first, and once marked that costs a load; a persist
 * takes the marks before it begins, so a write that runs beside it stays marked.
 */
final class UnpersistedRegions {
  private static final int MIN_SHIFT = 16;
  private static final long MAX_REGIONS = 1L << 16;

  private final AtomicLongArray marks;
  private final int shift;
  private final long sizeBytes;

  UnpersistedRegions(long sizeBytes) {
    int regionShift = MIN_SHIFT;
    while (sizeBytes >>> regionShift >= MAX_REGIONS) {
      regionShift++;
    }
    this.shift = regionShift;
    this.sizeBytes = sizeBytes;
    this.marks = new AtomicLongArray((int) ((sizeBytes >>> regionShift) / Long.SIZE) + 1);
  }

  /** Before {@code [start, end)}, which is not empty, is written. */
  void mark(long start, long end) {
    long last = (end - 1) >>> shift;
    for (long region = start >>> shift; region <= last; region++) {
      int word = (int) (region >>> 6);
      long bit = 1L << region;
      if ((marks.getOpaque(word) & bit) == 0) {
        marks.accumulateAndGet(word, bit, (before, added) -> before | added);
      }
    }
  }

  /** The marked regions, which are unmarked. */
  ByteRanges take() {
    List<ByteRange> taken = new ArrayList<>();
    for (int word = 0; word < marks.length(); word++) {
      if (marks.getOpaque(word) != 0) {
        for (long left = marks.getAndSet(word, 0); left != 0; left &= left - 1) {
          long start = (word * 64L + Long.numberOfTrailingZeros(left)) << shift;
          taken.add(new ByteRange(start, Math.min(sizeBytes, start + (1L << shift))));
        }
      }
    }
    return ByteRanges.of(taken);
  }
}

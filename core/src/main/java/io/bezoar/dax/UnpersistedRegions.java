package io.bezoar.dax;

import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * Which regions of a device were written since its last good persist: what is in doubt when the
 * next one fails.
 *
 * <p>Protocol: a write marks its regions before it begins, and again when it has ended; once marked
 * that costs a load. A persist takes the marks before it begins. So a write that has ended is
 * marked, or a persist that began later has taken it; one that runs beside a persist stays marked.
 *
 * <p>Where a persist costs nothing there is one for every write, so a persist must not look at
 * every mark: a second array has a bit for each word of marks that may hold one. A writer sets the
 * mark first and that bit second, a persist clears in the other order: no mark is ever overlooked
 * for good.
 */
public final class UnpersistedRegions {
  private static final int MIN_SHIFT = 16;
  private static final long MAX_REGIONS = 1L << 16;

  private final AtomicLongArray marks;

  /** One bit for each word of {@link #marks}. */
  private final AtomicLongArray marked;

  private final int shift;
  private final long sizeBytes;

  /** Nothing is written yet. */
  public UnpersistedRegions(long sizeBytes) {
    int regionShift = MIN_SHIFT;
    while (sizeBytes >>> regionShift >= MAX_REGIONS) {
      regionShift++;
    }
    this.shift = regionShift;
    this.sizeBytes = sizeBytes;
    this.marks = new AtomicLongArray((int) ((sizeBytes >>> regionShift) / Long.SIZE) + 1);
    this.marked = new AtomicLongArray(marks.length() / Long.SIZE + 1);
  }

  /** Before {@code [start, end)}, which is not empty, is written, and after that. */
  public void mark(long start, long end) {
    long last = (end - 1) >>> shift;
    for (long region = start >>> shift; region <= last; region++) {
      int word = (int) (region >>> 6);
      if (set(marks, word, 1L << region)) {
        set(marked, word >>> 6, 1L << word);
      }
    }
  }

  /** False when it was set before. */
  private static boolean set(AtomicLongArray bits, int word, long bit) {
    if ((bits.getOpaque(word) & bit) != 0) {
      return false;
    }
    bits.accumulateAndGet(word, bit, (before, added) -> before | added);
    return true;
  }

  /** The marked regions, which are unmarked. */
  public Taken take() {
    Taken taken = new Taken();
    for (int i = 0; i < marked.length(); i++) {
      if (marked.getOpaque(i) != 0) {
        for (long left = marked.getAndSet(i, 0); left != 0; left &= left - 1) {
          int word = i * Long.SIZE + Long.numberOfTrailingZeros(left);
          taken.add(word, marks.getAndSet(word, 0));
        }
      }
    }
    return taken;
  }

  /** What a persist has taken; worked out only when it fails. */
  public final class Taken {
    /** Index of a word and its bits, in turn. */
    private long[] words = new long[16];

    private int length;

    private Taken() {}

    /** True when nothing had been written. */
    public boolean isEmpty() {
      return length == 0;
    }

    private void add(int word, long bits) {
      if (length == words.length) {
        words = Arrays.copyOf(words, 2 * length);
      }
      words[length++] = word;
      words[length++] = bits;
    }

    /** Whole regions, which hold what was written. */
    public ByteRanges ranges() {
      List<ByteRange> ranges = new ArrayList<>();
      for (int i = 0; i < length; i += 2) {
        for (long left = words[i + 1]; left != 0; left &= left - 1) {
          long start = (words[i] * Long.SIZE + Long.numberOfTrailingZeros(left)) << shift;
          ranges.add(new ByteRange(start, Math.min(sizeBytes, start + (1L << shift))));
        }
      }
      return ByteRanges.of(ranges);
    }
  }
}

package io.bezoar.target;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.IntPredicate;
import java.util.function.Supplier;

/**
 * Which regions of the content legs may differ in.
 *
 * <p><b>Invariant.</b> Before a byte of a region reaches any leg, the region's bit is durable on
 * every leg in sync. It is cleared only when a persist has covered, on every leg, all that was
 * written there; while a leg is missing, never: then bits also say what that leg misses.
 *
 * <p><b>Protocol.</b> A writer counts itself in before it looks at the bit; who clears clears the
 * bit in memory before it looks at the count, and sets it again when somebody is in. So a writer
 * that sees a bit may rely on it without a lock. Epochs are numbered by persists: a region carries
 * the epoch in which its last write ended, and a persist covers every epoch before its own. Clears
 * are lazy and need not be durable: a bit that comes back costs a comparison.
 *
 * <p>Lock order: members before this before the legs. What a leg throws is collected and returned,
 * so that the caller can drop it without this lock.
 */
final class MirrorIntent {
  /** Regions marked ahead of a writer that goes from one to the next. */
  private static final int AHEAD = 2;

  /** A leg that did not take what was to be stored. */
  record Failed(MirrorLeg leg, IOException why) {}

  private final MirrorLayout layout;
  private final Supplier<MirrorSet> set;
  private final AtomicIntegerArray words;
  private final AtomicIntegerArray writers;
  private final AtomicLongArray lastWrite;
  private final AtomicLong epoch = new AtomicLong(1);
  final ReentrantLock lock = new ReentrantLock();

  /** A crash left bits on some legs only, and they are not on all yet. Guarded by lock. */
  private boolean apart;

  MirrorIntent(MirrorLayout layout, Supplier<MirrorSet> set) {
    this.layout = layout;
    this.set = set;
    this.words = new AtomicIntegerArray(layout.words());
    this.writers = new AtomicIntegerArray(layout.regions());
    this.lastWrite = new AtomicLongArray(layout.regions());
  }

  boolean isSet(int region) {
    return (words.get(region >> 5) & 1 << region) != 0;
  }

  private boolean allSet(int first, int last) {
    for (int region = first; region <= last; region++) {
      if (!isSet(region)) {
        return false;
      }
    }
    return true;
  }

  /** All regions whose bit is set. */
  BitSet snapshot() {
    long[] bits = new long[Math.ceilDiv(words.length(), 2)];
    for (int i = 0; i < words.length(); i++) {
      bits[i >> 1] |= Integer.toUnsignedLong(words.get(i)) << ((i & 1) * Integer.SIZE);
    }
    BitSet regions = BitSet.valueOf(bits);
    regions.clear(layout.regions(), Math.max(layout.regions(), regions.length()));
    return regions;
  }

  /** Takes bits over as they were found on media. */
  void load(MirrorBits found) {
    lock.lock();
    try {
      for (int i = 0; i < words.length(); i++) {
        words.set(i, found.word(i));
      }
      apart = found.apart;
    } finally {
      lock.unlock();
    }
  }

  /** Counts a writer in; after {@link #makeDurable} it may write. Always {@link #end} it. */
  void begin(int first, int last) {
    for (int region = first; region <= last; region++) {
      writers.incrementAndGet(region);
    }
  }

  /** The writer has left all legs with the same bytes; or may not have, then bits stay. */
  void end(int first, int last) {
    for (int region = first; region <= last; region++) {
      lastWrite.set(region, epoch.get());
      writers.decrementAndGet(region);
    }
  }

  /** A region was changed by who needs no bit durable: a resync, of a region whose bit is set. */
  void touched(int region) {
    lastWrite.set(region, epoch.get());
  }

  /**
   * Makes the bits of regions durable on all legs in sync.
   *
   * @return the legs that did not take them; drop them and call again
   */
  List<Failed> makeDurable(int first, int last) {
    if (allSet(first, last)) {
      return List.of();
    }
    lock.lock();
    try {
      if (allSet(first, last)) {
        return List.of();
      }
      boolean goesOn = first > 0 && isSet(first - 1) && !isSet(first);
      int to = goesOn ? Math.min(layout.regions() - 1, last + AHEAD) : last;
      int firstWord = first >> 5;
      int endWord = (to >> 5) + 1;
      int[] next = new int[endWord - firstWord];
      Arrays.setAll(next, i -> words.get(firstWord + i));
      for (int region = first; region <= to; region++) {
        next[(region >> 5) - firstWord] |= 1 << region;
        lastWrite.set(region, Math.max(lastWrite.get(region), epoch.get()));
      }
      List<Failed> failed =
          store(
              firstWord,
              endWord,
              i -> i >= firstWord && i < endWord ? next[i - firstWord] : words.get(i));
      if (failed.isEmpty()) {
        failed = persist();
      }
      if (failed.isEmpty()) {
        for (int i = 0; i < next.length; i++) {
          words.set(firstWord + i, next[i]);
        }
      }
      return failed;
    } finally {
      lock.unlock();
    }
  }

  /** Sets every bit, durably. */
  List<Failed> setAll() {
    return add(_ -> -1);
  }

  /** Sets these bits too, durably. */
  List<Failed> add(MirrorBits bits) {
    return add(bits::word);
  }

  /** Has bits that a crash left on some legs only on all of them, durably. */
  List<Failed> share() {
    lock.lock();
    try {
      List<Failed> failed = apart ? add(_ -> 0) : List.of();
      apart &= !failed.isEmpty();
      return failed;
    } finally {
      lock.unlock();
    }
  }

  private List<Failed> add(MirrorLeg.WordBits bits) {
    lock.lock();
    try {
      List<Failed> failed = store(0, words.length(), i -> words.get(i) | bits.of(i));
      if (failed.isEmpty()) {
        failed = persist();
      }
      if (failed.isEmpty()) {
        for (int i = 0; i < words.length(); i++) {
          words.set(i, words.get(i) | bits.of(i));
        }
      }
      return failed;
    } finally {
      lock.unlock();
    }
  }

  /** Stores all words on a leg that is to be in sync, durably. The caller has {@link #lock}. */
  void storeAll(MirrorLeg leg) throws IOException {
    leg.storeWords(0, words.length(), words::get);
    leg.device.persist();
  }

  /** Stores all words again, on a leg whose copies were struck. */
  void restore(MirrorLeg leg) throws IOException {
    lock.lock();
    try {
      leg.storeWords(0, words.length(), words::get);
    } finally {
      lock.unlock();
    }
  }

  private List<Failed> store(int firstWord, int endWord, MirrorLeg.WordBits bits) {
    List<Failed> failed = new ArrayList<>();
    for (MirrorLeg leg : set.get().inSync()) {
      try {
        leg.storeWords(firstWord, endWord, bits);
      } catch (IOException cannot) {
        failed.add(new Failed(leg, cannot));
      }
    }
    return failed;
  }

  private List<Failed> persist() {
    List<Failed> failed = new ArrayList<>();
    for (MirrorLeg leg : set.get().inSync()) {
      try {
        leg.device.persist();
      } catch (IOException cannot) {
        failed.add(new Failed(leg, cannot));
      }
    }
    return failed;
  }

  /** A persist begins: returns the epoch that it will have covered. */
  long nextEpoch() {
    return epoch.getAndIncrement();
  }

  /**
   * Clears the bits of regions that nobody writes to, and of which every write ended in {@code
   * coveredEpoch} or before, which a persist of every leg has covered.
   *
   * @param owed true for regions that have to be copied or compared yet
   * @return the legs that did not take them
   */
  List<Failed> clear(long coveredEpoch, IntPredicate owed) {
    lock.lock();
    try {
      if (set.get().missesSome()) {
        return List.of();
      }
      int first = words.length();
      int end = 0;
      for (int i = 0; i < words.length(); i++) {
        if (words.get(i) != 0 && clearWord(i, coveredEpoch, owed)) {
          first = Math.min(first, i);
          end = i + 1;
        }
      }
      return first < end ? store(first, end, words::get) : List.of();
    } finally {
      lock.unlock();
    }
  }

  private boolean clearWord(int index, long coveredEpoch, IntPredicate owed) {
    int before = words.get(index);
    int end = Math.min(layout.regions(), (index + 1) * MirrorLayout.REGIONS_PER_WORD);
    for (int region = index << 5; region < end; region++) {
      if (!isSet(region) || owed.test(region) || lastWrite.get(region) > coveredEpoch) {
        continue;
      }
      words.set(index, words.get(index) & ~(1 << region));
      // Somebody may have counted himself in and seen the bit; and his write may have ended since.
      if (writers.get(region) != 0 || lastWrite.get(region) > coveredEpoch) {
        words.set(index, words.get(index) | 1 << region);
      }
    }
    if (end < (index + 1) * MirrorLayout.REGIONS_PER_WORD) {
      // Behind the end there are no regions.
      words.set(index, words.get(index) & ((1 << (end & 31)) - 1));
    }
    return words.get(index) != before;
  }
}

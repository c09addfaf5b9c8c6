package io.bezoar.target;

import java.util.BitSet;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;

/** A set of regions that may be changed and asked from any thread, without a lock. */
final class RegionSet {
  private final AtomicIntegerArray words;
  private final AtomicInteger count = new AtomicInteger();

  RegionSet(int regions) {
    this.words = new AtomicIntegerArray(Math.ceilDiv(regions, Integer.SIZE));
  }

  static RegionSet of(int regions, BitSet bits) {
    RegionSet set = new RegionSet(regions);
    set.addAll(bits);
    return set;
  }

  void addAll(BitSet bits) {
    bits.stream().forEach(this::add);
  }

  void add(int region) {
    int before = words.getAndUpdate(region >> 5, word -> word | 1 << region);
    if ((before & 1 << region) == 0) {
      count.incrementAndGet();
    }
  }

  void remove(int region) {
    int before = words.getAndUpdate(region >> 5, word -> word & ~(1 << region));
    if ((before & 1 << region) != 0) {
      count.decrementAndGet();
    }
  }

  boolean has(int region) {
    return (words.get(region >> 5) & 1 << region) != 0;
  }

  boolean isEmpty() {
    return count.get() == 0;
  }

  int count() {
    return count.get();
  }

  /** True when one of {@code [first, last]} is in the set. */
  boolean hasAny(int first, int last) {
    for (int region = first; region <= last; region++) {
      if (has(region)) {
        return true;
      }
    }
    return false;
  }

  /** The first region from {@code from} on; -1 for none. */
  int next(int from) {
    for (int i = from >> 5; i < words.length(); i++) {
      int word = words.get(i);
      if (i == from >> 5) {
        word &= -1 << from;
      }
      if (word != 0) {
        return (i << 5) + Integer.numberOfTrailingZeros(word);
      }
    }
    return -1;
  }
}

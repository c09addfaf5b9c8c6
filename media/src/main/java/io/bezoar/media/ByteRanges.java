package io.bezoar.media;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;

/**
 * A set of bytes, held as the fewest ranges that name it: ascending, disjoint, not adjacent, none
 * empty. Immutable.
 */
public final class ByteRanges {
  /** No byte. */
  public static final ByteRanges EMPTY = new ByteRanges(List.of());

  private final List<ByteRange> ranges;

  private ByteRanges(List<ByteRange> settled) {
    this.ranges = settled;
  }

  /** The bytes of all {@code ranges}, which may overlap and come in any order. */
  public static ByteRanges of(Collection<ByteRange> ranges) {
    ByteRange[] sorted = ranges.toArray(ByteRange[]::new);
    Arrays.sort(sorted);
    List<ByteRange> settled = new ArrayList<>(sorted.length);
    for (ByteRange range : sorted) {
      append(settled, range);
    }
    return wrap(settled);
  }

  /** The bytes of all {@code ranges}, which may overlap and come in any order. */
  public static ByteRanges of(ByteRange... ranges) {
    return of(Arrays.asList(ranges));
  }

  /** Ascending, disjoint, not adjacent. */
  public List<ByteRange> asList() {
    return ranges;
  }

  /** Number of ranges. */
  public int count() {
    return ranges.size();
  }

  /** True when there is no byte. */
  public boolean isEmpty() {
    return ranges.isEmpty();
  }

  /** Number of bytes. */
  public long totalBytes() {
    long total = 0;
    for (ByteRange range : ranges) {
      total += range.length();
    }
    return total;
  }

  /** The bytes of both. */
  public ByteRanges union(ByteRanges other) {
    if (isEmpty()) {
      return other;
    }
    if (other.isEmpty()) {
      return this;
    }
    List<ByteRange> both = new ArrayList<>(ranges);
    both.addAll(other.ranges);
    return of(both);
  }

  /** The bytes of both. */
  public ByteRanges plus(ByteRange range) {
    return union(of(range));
  }

  /** The bytes of this set that are not in {@code other}. */
  public ByteRanges minus(ByteRanges other) {
    List<ByteRange> left = new ArrayList<>();
    for (ByteRange range : ranges) {
      long from = range.start();
      for (int i = other.firstEndingAfter(from); i < other.ranges.size(); i++) {
        ByteRange hole = other.ranges.get(i);
        if (hole.start() >= range.end()) {
          break;
        }
        append(left, new ByteRange(from, Math.max(from, hole.start())));
        from = hole.end();
      }
      append(left, new ByteRange(Math.min(from, range.end()), range.end()));
    }
    return wrap(left);
  }

  /** The bytes of this set that are not in {@code range}. */
  public ByteRanges minus(ByteRange range) {
    return minus(of(range));
  }

  /** The bytes that are in both. */
  public ByteRanges intersect(ByteRanges other) {
    List<ByteRange> shared = new ArrayList<>();
    for (ByteRange range : other.ranges) {
      for (int i = firstEndingAfter(range.start()); i < ranges.size(); i++) {
        if (ranges.get(i).start() >= range.end()) {
          break;
        }
        append(shared, ranges.get(i).intersect(range));
      }
    }
    return wrap(shared);
  }

  /** The bytes that are in both. */
  public ByteRanges intersect(ByteRange range) {
    return intersect(of(range));
  }

  /** True when a byte of {@code range} is in the set. */
  public boolean overlaps(ByteRange range) {
    if (range.isEmpty()) {
      return false;
    }
    int i = firstEndingAfter(range.start());
    return i < ranges.size() && ranges.get(i).start() < range.end();
  }

  /** True when every byte of {@code range} is in the set. */
  public boolean contains(ByteRange range) {
    if (range.isEmpty()) {
      return true;
    }
    int i = firstEndingAfter(range.start());
    return i < ranges.size() && ranges.get(i).contains(range);
  }

  /** Every range with its start rounded down and its end rounded up to {@code unitBytes}. */
  public ByteRanges alignOutward(long unitBytes) {
    List<ByteRange> aligned = new ArrayList<>(ranges.size());
    for (ByteRange range : ranges) {
      append(aligned, range.alignOutward(unitBytes));
    }
    return wrap(aligned);
  }

  /** The whole units of {@code unitBytes} that lie in the set. */
  public ByteRanges alignInward(long unitBytes) {
    List<ByteRange> aligned = new ArrayList<>(ranges.size());
    for (ByteRange range : ranges) {
      long start = Math.ceilDiv(range.start(), unitBytes) * unitBytes;
      long end = Math.floorDiv(range.end(), unitBytes) * unitBytes;
      append(aligned, new ByteRange(start, Math.max(start, end)));
    }
    return wrap(aligned);
  }

  /**
   * At most {@code maxCount} ranges that hold every byte of the set, and others besides: the
   * neighbours with the smallest gaps are joined.
   */
  public ByteRanges widenTo(int maxCount) {
    if (maxCount < 1) {
      throw new IllegalArgumentException("cannot name bytes by " + maxCount + " ranges");
    }
    if (ranges.size() <= maxCount) {
      return this;
    }
    long[] gaps = new long[ranges.size() - 1];
    for (int i = 0; i < gaps.length; i++) {
      gaps[i] = ranges.get(i + 1).start() - ranges.get(i).end();
    }
    long[] sorted = gaps.clone();
    Arrays.sort(sorted);
    int toJoin = ranges.size() - maxCount;
    long largestJoined = sorted[toJoin - 1];
    List<ByteRange> widened = new ArrayList<>(maxCount);
    widened.add(ranges.get(0));
    for (int i = 0; i < gaps.length; i++) {
      ByteRange next = ranges.get(i + 1);
      if (gaps[i] <= largestJoined && toJoin > 0) {
        toJoin--;
        widened.add(widened.removeLast().span(next));
      } else {
        widened.add(next);
      }
    }
    return wrap(widened);
  }

  /** Index of the first range that ends after {@code offset}. */
  private int firstEndingAfter(long offset) {
    int low = 0;
    int high = ranges.size();
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (ranges.get(middle).end() <= offset) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  private static ByteRanges wrap(List<ByteRange> settled) {
    return settled.isEmpty() ? EMPTY : new ByteRanges(List.copyOf(settled));
  }

  /** Adds a range that starts at or after the start of the last one. */
  private static void append(List<ByteRange> settled, ByteRange range) {
    if (range.isEmpty()) {
      return;
    }
    if (!settled.isEmpty() && settled.getLast().end() >= range.start()) {
      settled.add(settled.removeLast().span(range));
    } else {
      settled.add(range);
    }
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof ByteRanges that && ranges.equals(that.ranges);
  }

  @Override
  public int hashCode() {
    return ranges.hashCode();
  }

  @Override
  public String toString() {
    return ranges.toString();
  }
}

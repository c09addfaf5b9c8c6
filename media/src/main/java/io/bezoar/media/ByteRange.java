package io.bezoar.media;

import java.io.Serializable;

/**
 * A half-open range of bytes {@code [start, end)} in one address space. Empty ranges are allowed
 * ({@code start == end}); negative offsets are not.
 *
 * @param start first byte of the range
 * @param end first byte after the range
 */
public record ByteRange(long start, long end) implements Comparable<ByteRange>, Serializable {

  /** Checks {@code 0 <= start <= end}. */
  public ByteRange {
    if (start < 0 || end < start) {
      throw new IllegalArgumentException("not a range: [" + start + ", " + end + ")");
    }
  }

  /** The range of {@code lengthBytes} bytes that starts at {@code offset}. */
  public static ByteRange ofLength(long offset, long lengthBytes) {
    return new ByteRange(offset, Math.addExact(offset, lengthBytes));
  }

  /** Number of bytes in the range. */
  public long length() {
    return end - start;
  }

  /** True when the range holds no byte. */
  public boolean isEmpty() {
    return start == end;
  }

  /** True when both ranges share at least one byte. */
  public boolean overlaps(ByteRange other) {
    return Math.max(start, other.start) < Math.min(end, other.end);
  }

  /** True when {@code offset} lies in the range. */
  public boolean contains(long offset) {
    return offset >= start && offset < end;
  }

  /** True when every byte of {@code other} lies in this range. */
  public boolean contains(ByteRange other) {
    return other.start >= start && other.end <= end;
  }

  /** The shared bytes; an empty range at the larger start when there are none. */
  public ByteRange intersect(ByteRange other) {
    long from = Math.max(start, other.start);
    return new ByteRange(from, Math.max(from, Math.min(end, other.end)));
  }

  /** The smallest range that holds both. */
  public ByteRange span(ByteRange other) {
    return new ByteRange(Math.min(start, other.start), Math.max(end, other.end));
  }

  /** The same bytes in an address space whose zero lies {@code delta} bytes earlier. */
  public ByteRange shift(long delta) {
    return new ByteRange(Math.addExact(start, delta), Math.addExact(end, delta));
  }

  /** Start rounded down and end rounded up to multiples of {@code unitBytes}. */
  public ByteRange alignOutward(long unitBytes) {
    return new ByteRange(
        Math.floorDiv(start, unitBytes) * unitBytes, Math.ceilDiv(end, unitBytes) * unitBytes);
  }

  /** As {@link #alignOutward(long)}, cut off at {@code limit}, where the address space ends. */
  public ByteRange alignOutward(long unitBytes, long limit) {
    return alignOutward(unitBytes).intersect(new ByteRange(0, limit));
  }

  /** By start, then by end. */
  @Override
  public int compareTo(ByteRange other) {
    int byStart = Long.compare(start, other.start);
    return byStart != 0 ? byStart : Long.compare(end, other.end);
  }

  @Override
  public String toString() {
    return "[0x" + Long.toHexString(start) + ", 0x" + Long.toHexString(end) + ")";
  }
}

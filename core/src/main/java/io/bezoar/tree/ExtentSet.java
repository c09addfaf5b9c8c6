package io.bezoar.tree;

import java.util.Map;
import java.util.TreeMap;

/** A set of pages, as ranges. Not thread-safe. */
final class ExtentSet {
  /** First page to the page after the last. */
  private final TreeMap<Long, Long> ranges = new TreeMap<>();

  private long pages;

  /** Told of ranges of pages. */
  interface Visitor {
    void range(long start, long end);
  }

  boolean isEmpty() {
    return ranges.isEmpty();
  }

  /** Number of pages. */
  long pages() {
    return pages;
  }

  /** True when a page of {@code [start, end)} is in the set. */
  boolean overlaps(long start, long end) {
    Map.Entry<Long, Long> before = ranges.lowerEntry(end);
    return before != null && before.getValue() > start;
  }

  /** True when all pages of {@code [start, end)} are in the set. */
  boolean contains(long start, long end) {
    Map.Entry<Long, Long> floor = ranges.floorEntry(start);
    return floor != null && floor.getValue() >= end;
  }

  /**
   * Adds pages.
   *
   * @throws IllegalStateException when one is there already
   */
  void add(long start, long end) {
    if (overlaps(start, end)) {
      throw new IllegalStateException("pages " + start + " to " + end + " are there already");
    }
    long from = start;
    long to = end;
    Map.Entry<Long, Long> before = ranges.floorEntry(start);
    if (before != null && before.getValue() == start) {
      from = before.getKey();
    }
    Long after = ranges.remove(end);
    if (after != null) {
      to = after;
    }
    ranges.put(from, to);
    pages += end - start;
  }

  /**
   * Takes pages out.
   *
   * @throws IllegalStateException when one is not there
   */
  void remove(long start, long end) {
    Map.Entry<Long, Long> floor = ranges.floorEntry(start);
    if (floor == null || floor.getValue() < end) {
      throw new IllegalStateException("pages " + start + " to " + end + " are not all there");
    }
    long to = floor.getValue();
    if (floor.getKey() == start) {
      ranges.remove(start);
    } else {
      ranges.put(floor.getKey(), start);
    }
    if (to > end) {
      ranges.put(end, to);
    }
    pages -= end - start;
  }

  /** Takes those pages of {@code [start, end)} out that are there. */
  void clear(long start, long end) {
    while (overlaps(start, end)) {
      Map.Entry<Long, Long> last = ranges.lowerEntry(end);
      remove(Math.max(start, last.getKey()), Math.min(end, last.getValue()));
    }
  }

  /** Visits what lies in {@code [start, end)}, clipped to it, ascending. */
  void within(long start, long end, Visitor visitor) {
    Map.Entry<Long, Long> at = ranges.floorEntry(start);
    if (at == null || at.getValue() <= start) {
      at = ranges.higherEntry(start);
    }
    while (at != null && at.getKey() < end) {
      visitor.range(Math.max(start, at.getKey()), Math.min(end, at.getValue()));
      at = ranges.higherEntry(at.getKey());
    }
  }
}

package io.bezoar.dax;

import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import java.util.ArrayList;
import java.util.List;

/** Gathers any number of ranges in bounded memory, joining neighbours when they are too many. */
final class BoundedRanges {
  /** No more than this many are kept apart. */
  static final int MAX_RANGES = 1024;

  /** Settling looks at everything, so it is done for many at once. */
  private static final int MAX_RECENT = 8 * MAX_RANGES;

  private final List<ByteRange> recent = new ArrayList<>();
  private ByteRanges older = ByteRanges.EMPTY;

  void add(ByteRange range) {
    if (!recent.isEmpty() && range.start() == recent.getLast().end()) {
      recent.add(recent.removeLast().span(range));
      return;
    }
    if (recent.size() == MAX_RECENT) {
      older = settled();
      recent.clear();
    }
    recent.add(range);
  }

  /** All ranges added so far, in at most {@link #MAX_RANGES} that cover them. */
  ByteRanges settled() {
    return older.union(ByteRanges.of(recent)).widenTo(MAX_RANGES);
  }
}

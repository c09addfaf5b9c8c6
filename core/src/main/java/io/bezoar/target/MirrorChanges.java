package io.bezoar.target;

import io.bezoar.dax.PoisonedRangeException;
import io.bezoar.media.ByteRange;
import java.io.IOException;
import java.util.BitSet;
import java.util.List;

/**
 * The order in which any change of the content is made.
 *
 * <p><b>Order.</b> Write-intent durable → range locks → every leg in use → legs that failed are
 * dropped, durably → acknowledged.
 *
 * <p><b>Invariant.</b> A change that failed on all legs, or was cut short, leaves its regions on
 * the list of those that may differ, and they are made equal before their bits go. One that was
 * refused for poison has left all legs equal.
 */
final class MirrorChanges {
  private final MirrorLayout layout;
  private final MirrorMembers members;
  private final MirrorIntent intent;
  private final MirrorOwed owed;
  private final MirrorLocks locks;
  private final MirrorPersist persist;

  MirrorChanges(
      MirrorLayout layout,
      MirrorMembers members,
      MirrorIntent intent,
      MirrorOwed owed,
      MirrorLocks locks,
      MirrorPersist persist) {
    this.layout = layout;
    this.members = members;
    this.intent = intent;
    this.owed = owed;
    this.locks = locks;
    this.persist = persist;
  }

  /** What is done on the legs, with the ranges locked. */
  interface Change<T> {
    T apply(MirrorSet set) throws IOException;
  }

  /**
   * Makes a change of some ranges on all legs, by the order above.
   *
   * @param ranges ascending, none empty, at least one
   */
  <T> T make(List<ByteRange> ranges, Change<T> change) throws IOException {
    persist.written();
    members.aboutToChange();
    while (true) {
      MirrorSet before = members.usable();
      boolean intended = !before.single();
      if (intended) {
        ranges.forEach(range -> intent.begin(first(range), last(range)));
      }
      try {
        if (intended) {
          makeDurable(ranges);
        }
        try (RowLocks.Held _ = locks.lock(ranges)) {
          MirrorSet set = members.usable();
          if (intended || set.single()) {
            return applyTo(set, ranges, change);
          }
        }
        // It has become a mirror of several in between: once more, with intent.
      } finally {
        if (intended) {
          ranges.forEach(range -> intent.end(first(range), last(range)));
        }
      }
    }
  }

  private <T> T applyTo(MirrorSet set, List<ByteRange> ranges, Change<T> change)
      throws IOException {
    boolean done = false;
    try {
      T result = change.apply(set);
      members.settle();
      done = true;
      return result;
    } catch (PoisonedRangeException refused) {
      done = true;
      throw refused;
    } finally {
      // A persist that ran meanwhile may have come before the legs were written.
      persist.written();
      if (!done && !set.single()) {
        doubt(ranges);
      }
    }
  }

  private void makeDurable(List<ByteRange> ranges) throws IOException {
    for (ByteRange range : ranges) {
      members.storeBits(() -> intent.makeDurable(first(range), last(range)));
    }
  }

  /** Legs in sync may differ in these ranges from now on. */
  void doubt(List<ByteRange> ranges) {
    BitSet regions = new BitSet();
    ranges.forEach(range -> regions.set(first(range), last(range) + 1));
    owed.doubt(regions);
  }

  private int first(ByteRange range) {
    return layout.regionOf(range.start());
  }

  private int last(ByteRange range) {
    return layout.regionOf(range.end() - 1);
  }
}

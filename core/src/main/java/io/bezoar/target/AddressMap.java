package io.bezoar.target;

import io.bezoar.media.ByteRange;
import java.util.List;

/**
 * Where the bytes of a target lie that has each of them once, on one of its children: the one place
 * that knows, in both directions.
 *
 * <p>Invariant: own bytes {@code [0, size)} and the {@link #used} bytes of all children correspond
 * one to one, and within one slot in the same order. So the bytes of one child behind any own range
 * are one range. Immutable; offsets of own bytes are less than {@link #sizeBytes}.
 */
sealed interface AddressMap permits LinearMap, StripeMap {
  /** Number of children, there or not. */
  int slots();

  /** Own bytes. */
  long sizeBytes();

  /** The child that holds the own byte at {@code offset}. */
  int slotOf(long offset);

  /** Where that child holds it. */
  long childOffset(long offset);

  /** First own byte after {@code offset} that is not contiguous with it on the same child. */
  long runEnd(long offset);

  /** The longest own range around {@code offset} that is contiguous on one child. */
  ByteRange run(long offset);

  /** The bytes of the child that this target uses. */
  ByteRange used(int slot);

  /** The bytes of the child behind an own range; empty when there are none. */
  ByteRange toChild(int slot, ByteRange own);

  /**
   * The own ranges that lie on {@code child}, a range of the slot's child: ascending, disjoint,
   * none empty; what is not used is left out.
   */
  List<ByteRange> toOwn(int slot, ByteRange child);

  /** Number of ranges that {@link #toOwn} gives, or a few more. */
  long ownRangesAtMost(int slot, ByteRange child);

  /**
   * As {@link #toOwn} in at most {@code limit} ranges: beyond that, one that covers them, and other
   * bytes besides.
   */
  default List<ByteRange> toOwnCover(int slot, ByteRange child, int limit) {
    if (ownRangesAtMost(slot, child) <= limit) {
      return toOwn(slot, child);
    }
    ByteRange mine = child.intersect(used(slot));
    ByteRange first = toOwn(slot, ByteRange.ofLength(mine.start(), 1)).getFirst();
    ByteRange last = toOwn(slot, ByteRange.ofLength(mine.end() - 1, 1)).getLast();
    return List.of(first.span(last));
  }
}

package io.bezoar.target;

import io.bezoar.media.ByteRange;
import java.util.Arrays;
import java.util.List;

/** One range of each child after the other. */
final class LinearMap implements AddressMap {
  /** Own start of each slot, and the size. */
  private final long[] starts;

  private final List<ByteRange> regions;

  /**
   * Joins ranges.
   *
   * @param regions of each child, none empty
   */
  LinearMap(List<ByteRange> regions) {
    this.regions = List.copyOf(regions);
    this.starts = new long[regions.size() + 1];
    for (int slot = 0; slot < regions.size(); slot++) {
      starts[slot + 1] = Math.addExact(starts[slot], regions.get(slot).length());
    }
  }

  @Override
  public int slots() {
    return regions.size();
  }

  @Override
  public long sizeBytes() {
    return starts[regions.size()];
  }

  @Override
  public int slotOf(long offset) {
    int found = Arrays.binarySearch(starts, offset);
    return found >= 0 ? found : -found - 2;
  }

  @Override
  public long childOffset(long offset) {
    int slot = slotOf(offset);
    return offset - starts[slot] + regions.get(slot).start();
  }

  @Override
  public long runEnd(long offset) {
    return starts[slotOf(offset) + 1];
  }

  @Override
  public ByteRange run(long offset) {
    return own(slotOf(offset));
  }

  @Override
  public ByteRange used(int slot) {
    return regions.get(slot);
  }

  @Override
  public ByteRange toChild(int slot, ByteRange own) {
    return own.intersect(own(slot)).shift(regions.get(slot).start() - starts[slot]);
  }

  @Override
  public List<ByteRange> toOwn(int slot, ByteRange child) {
    ByteRange mine = child.intersect(regions.get(slot));
    return mine.isEmpty()
        ? List.of()
        : List.of(mine.shift(starts[slot] - regions.get(slot).start()));
  }

  @Override
  public long ownRangesAtMost(int slot, ByteRange child) {
    return 1;
  }

  private ByteRange own(int slot) {
    return new ByteRange(starts[slot], starts[slot + 1]);
  }
}

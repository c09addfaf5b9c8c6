package io.bezoar.target;

import io.bezoar.media.ByteRange;
import java.util.ArrayList;
import java.util.List;

/** Chunks of equal size, taken from each child in turn. */
final class StripeMap implements AddressMap {
  private final long chunkBytes;
  private final int slots;

  /** Of each child. */
  private final long usedBytes;

  /**
   * Lays out chunks.
   *
   * @param usedBytes whole chunks of each child
   */
  StripeMap(long chunkBytes, int slots, long usedBytes) {
    this.chunkBytes = chunkBytes;
    this.slots = slots;
    this.usedBytes = usedBytes;
  }

  @Override
  public int slots() {
    return slots;
  }

  @Override
  public long sizeBytes() {
    return Math.multiplyExact(usedBytes, slots);
  }

  @Override
  public int slotOf(long offset) {
    return (int) (offset / chunkBytes % slots);
  }

  @Override
  public long childOffset(long offset) {
    long chunk = offset / chunkBytes;
    return offset - (chunk - chunk / slots) * chunkBytes;
  }

  @Override
  public long runEnd(long offset) {
    return slots == 1 ? usedBytes : (offset / chunkBytes + 1) * chunkBytes;
  }

  @Override
  public ByteRange run(long offset) {
    return slots == 1
        ? new ByteRange(0, usedBytes)
        : ByteRange.ofLength(offset / chunkBytes * chunkBytes, chunkBytes);
  }

  @Override
  public ByteRange used(int slot) {
    return new ByteRange(0, usedBytes);
  }

  @Override
  public ByteRange toChild(int slot, ByteRange own) {
    return new ByteRange(childBytesBefore(slot, own.start()), childBytesBefore(slot, own.end()));
  }

  @Override
  public List<ByteRange> toOwn(int slot, ByteRange child) {
    ByteRange mine = child.intersect(used(slot));
    List<ByteRange> own = new ArrayList<>();
    for (long at = mine.start(); at < mine.end(); ) {
      long chunk = at / chunkBytes;
      long end = Math.min(mine.end(), slots == 1 ? mine.end() : (chunk + 1) * chunkBytes);
      long shift = (chunk * slots + slot - chunk) * chunkBytes;
      own.add(new ByteRange(at, end).shift(shift));
      at = end;
    }
    return own;
  }

  @Override
  public long ownRangesAtMost(int slot, ByteRange child) {
    return slots == 1 ? 1 : child.intersect(used(slot)).length() / chunkBytes + 2;
  }

  /** Bytes of the child that stand for own bytes before {@code offset}. */
  private long childBytesBefore(int slot, long offset) {
    long stripeBytes = chunkBytes * slots;
    long within = offset % stripeBytes - slot * chunkBytes;
    return offset / stripeBytes * chunkBytes + Math.max(0, Math.min(chunkBytes, within));
  }
}

package io.bezoar.dax;

import io.bezoar.media.ByteRange;
import java.lang.foreign.MemorySegment;

/**
 * New bytes for one place of a device.
 *
 * @param offset where they go, any alignment
 * @param bytes private native memory
 */
public record RecoveryPatch(long offset, MemorySegment bytes) {
  /** The bytes replaced. */
  public ByteRange range() {
    return ByteRange.ofLength(offset, bytes.byteSize());
  }
}

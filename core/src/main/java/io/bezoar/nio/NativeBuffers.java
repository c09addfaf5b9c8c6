package io.bezoar.nio;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicReferenceArray;

/**
 * Native memory through which bytes go to and from heap buffers.
 *
 * <p>Of each size few are kept, in slots; whoever finds its slot empty makes a new one, and whoever
 * finds it taken when giving one back leaves that to the collector. So memory is bounded, nobody
 * waits, and threads that come and go leave nothing behind. Thread-safe.
 */
final class NativeBuffers {
  /** The most that goes at once. */
  static final int LARGE_BYTES = 1 << 20;

  private static final int SMALL_BYTES = 16 << 10;

  static final NativeBuffers SHARED = new NativeBuffers();

  private final AtomicReferenceArray<MemorySegment> small = new AtomicReferenceArray<>(64);
  private final AtomicReferenceArray<MemorySegment> large = new AtomicReferenceArray<>(8);

  NativeBuffers() {}

  /** Memory for so many bytes, or for {@value #LARGE_BYTES} if that is less; content undefined. */
  MemorySegment take(long bytes) {
    boolean isSmall = bytes <= SMALL_BYTES;
    AtomicReferenceArray<MemorySegment> slots = isSmall ? small : large;
    MemorySegment kept = slots.getAndSet(slot(slots), null);
    return kept != null ? kept : Arena.ofAuto().allocate(isSmall ? SMALL_BYTES : LARGE_BYTES, 64);
  }

  /** Gives memory back. */
  void give(MemorySegment buffer) {
    AtomicReferenceArray<MemorySegment> slots = buffer.byteSize() == SMALL_BYTES ? small : large;
    slots.set(slot(slots), buffer);
  }

  private static int slot(AtomicReferenceArray<MemorySegment> slots) {
    return (int) Thread.currentThread().threadId() & (slots.length() - 1);
  }
}

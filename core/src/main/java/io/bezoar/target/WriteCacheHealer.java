package io.bezoar.target;

import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.PoisonEntry;
import io.bezoar.dax.RecoveryPatch;
import io.bezoar.dax.RecoveryRead;
import io.bezoar.dax.RecoveryWrite;
import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import io.bezoar.media.Units;
import io.bezoar.target.WriteCacheIndex.State;
import io.bezoar.target.WriteCachedTarget.Slot;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * Brings back what one of two copies lost. A clean page is on both devices, so what is bad of one
 * comes from the other, byte by byte where both are struck; a page that is still not whole then
 * leaves the cache, so that the origin alone says what of it is lost.
 */
final class WriteCacheHealer {
  private static final int PAGE = Units.PAGE_BYTES;

  private final WriteCacheIndex index;
  private final WriteCacheGeometry geometry;
  private final WriteCacheChildren children;
  private final WriteCacheStripes stripes;
  private final WriteCacheKeeper keeper;
  private final WriteCacheWriteBack writeBack;

  WriteCacheHealer(
      WriteCacheIndex index,
      WriteCacheGeometry geometry,
      WriteCacheChildren children,
      WriteCacheStripes stripes,
      WriteCacheKeeper keeper,
      WriteCacheWriteBack writeBack) {
    this.index = index;
    this.geometry = geometry;
    this.children = children;
    this.stripes = stripes;
    this.keeper = keeper;
    this.writeBack = writeBack;
  }

  /**
   * A clean cached page turned out to be bad in the cache.
   *
   * @return false when the page is dirty, so that nobody else has it: what is bad of it is lost
   */
  boolean heal(long page) throws IOException {
    stripes.of(page).lock();
    keeper.lock.lock();
    try {
      int block = index.map.find(page);
      if (block < 0) {
        return true;
      }
      if (index.state(block) != State.CLEAN) {
        markHurt(block);
        return false;
      }
      if (!children.there(Slot.ORIGIN)) {
        throw children.unavailable(Slot.ORIGIN, WriteCacheGeometry.page(page), null);
      }
      healClean(page, block);
      return true;
    } finally {
      keeper.lock.unlock();
      stripes.of(page).unlock();
    }
  }

  private void markHurt(int block) {
    index.lock.lock();
    try {
      index.setHurt(block);
    } finally {
      index.lock.unlock();
    }
  }

  private void healClean(long page, int block) throws IOException {
    DaxDevice fast = children.fast();
    DaxDevice origin = children.origin();
    long shift = page * PAGE - geometry.blockOffset(block);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment cached = arena.allocate(PAGE, PAGE);
      MemorySegment below = arena.allocate(PAGE, PAGE);
      ByteRanges cachedHoles = holes(fast, geometry.blockOffset(block), cached, shift);
      if (cachedHoles.isEmpty()) {
        return; // somebody was faster
      }
      ByteRanges originHoles = holes(origin, page * PAGE, below, 0);
      ByteRange whole = WriteCacheGeometry.page(page);
      ByteRanges missing = cachedHoles.intersect(originHoles);
      restore(origin, originHoles.minus(cachedHoles), cached, whole.start(), 0);
      boolean complete =
          missing.isEmpty() && restore(fast, cachedHoles, below, whole.start(), -shift);
      noteHealed(block, missing.isEmpty(), !complete);
      if (!complete) {
        keeper.drop(block);
      }
    }
  }

  private void noteHealed(int block, boolean isHealed, boolean isHurt) {
    index.lock.lock();
    try {
      index.setHealed(block, isHealed);
      if (isHurt) {
        index.setHurt(block);
      }
    } finally {
      index.lock.unlock();
    }
  }

  /** Stores {@code parts} of the page in {@code from} on {@code device}. */
  private static boolean restore(
      DaxDevice device, ByteRanges parts, MemorySegment from, long pageStart, long shift)
      throws IOException {
    List<RecoveryPatch> patches = new ArrayList<>();
    for (ByteRange part : parts.asList()) {
      patches.add(
          new RecoveryPatch(
              part.start() + shift, from.asSlice(part.start() - pageStart, part.length())));
    }
    if (patches.isEmpty()) {
      return true;
    }
    RecoveryWrite written = device.recoveryWrite(patches);
    return written.complete();
  }

  /** Fills {@code page}; what of it is not to be trusted, in the cache's own addresses. */
  private static ByteRanges holes(DaxDevice child, long offset, MemorySegment page, long shift)
      throws IOException {
    List<ByteRange> holes = new ArrayList<>();
    for (RecoveryRead.Run run : child.recoveryRead(offset, page).runs()) {
      switch (run) {
        case RecoveryRead.Hole _, RecoveryRead.Absent _ -> holes.add(run.range().shift(shift));
        case RecoveryRead.Verified _, RecoveryRead.Unverified _ -> {}
      }
    }
    // Bytes that a checksum below found wrong are brought out all the same.
    for (ByteRange lost : lost(child, ByteRange.ofLength(offset, PAGE)).asList()) {
      holes.add(lost.shift(shift));
    }
    return ByteRanges.of(holes);
  }

  /** What {@code child} knows to be lost of {@code range}, in its addresses. */
  static ByteRanges lost(DaxDevice child, ByteRange range) {
    return PoisonEntry.exact(child.poison(range));
  }

  /** True once after {@code block} was healed while it was clean. */
  boolean takeHealed(int block) {
    index.lock.lock();
    try {
      return index.takeHealed(block);
    } finally {
      index.lock.unlock();
    }
  }

  /**
   * The origin lost bytes of pages that the cache holds: they are written to it again.
   *
   * @return those of which the origin has everything now
   */
  ByteRanges healOrigin(long[] pages) throws IOException {
    keeper.lock.lock();
    try {
      index.lock.lock();
      try {
        for (long page : pages) {
          int block = index.map.find(page);
          if (block >= 0) {
            index.becomeDirtyAgain(block);
          }
        }
      } finally {
        index.lock.unlock();
      }
      writeBack.these(keeper, pages);
      List<ByteRange> whole = new ArrayList<>();
      for (long page : pages) {
        int block = index.map.find(page);
        if (block < 0 || index.state(block) == State.CLEAN) {
          whole.add(WriteCacheGeometry.page(page));
        }
      }
      return ByteRanges.of(whole);
    } finally {
      keeper.lock.unlock();
    }
  }
}

package io.bezoar.target;

import io.bezoar.dax.Confidence;
import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.DeviceUnavailableException;
import io.bezoar.dax.PoisonedRangeException;
import io.bezoar.dax.RecoveryWrite;
import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import io.bezoar.media.Cause;
import io.bezoar.media.Units;
import io.bezoar.target.WriteCacheIndex.State;
import io.bezoar.target.WriteCachedTarget.Slot;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Copies dirty blocks to the origin, the oldest first.
 *
 * <p>A batch is what has been dirty for longest; within it, blocks are sorted by their place on the
 * origin and neighbours become one write. Order: entries durable on the fast device → content
 * stored on the origin → origin persisted → blocks count as clean → entries say so (with the next
 * commit; until then a crash writes them back once more). A batch is durable on the origin before
 * the next one begins.
 *
 * <p>A block of which bytes are lost is not written back: the origin's older bytes must not pass
 * for them.
 */
final class WriteCacheWriteBack {
  private static final int PAGE = Units.PAGE_BYTES;

  /** Most blocks of a batch: 16 MiB. */
  static final int BATCH_BLOCKS = 4096;

  /** Most pages of one write. */
  private static final int RUN_PAGES = 256;

  private final WriteCacheIndex index;
  private final WriteCacheGeometry geometry;
  private final WriteCacheChildren children;
  private final AtomicLong writtenBytes = new AtomicLong();

  WriteCacheWriteBack(
      WriteCacheIndex index, WriteCacheGeometry geometry, WriteCacheChildren children) {
    this.index = index;
    this.geometry = geometry;
    this.children = children;
  }

  long writtenBytes() {
    return writtenBytes.get();
  }

  /** A page to be written back, as it was when the batch was chosen. */
  private record Item(long page, int block, long sequence, int sum) implements Comparable<Item> {
    @Override
    public int compareTo(Item other) {
      return Long.compare(page, other.page);
    }
  }

  /**
   * Writes one batch back. With the keeper's lock.
   *
   * @return blocks that became clean, or were set aside because they never will
   */
  int batch(WriteCacheKeeper keeper) throws IOException {
    keeper.commit();
    return store(chooseOldest());
  }

  /** As {@link #batch}, of the pages that are dirty among {@code pages}. */
  void these(WriteCacheKeeper keeper, long[] pages) throws IOException {
    keeper.commit();
    store(choose(pages));
  }

  private int store(Item[] items) throws IOException {
    if (items.length == 0) {
      return 0;
    }
    DaxDevice origin = children.origin();
    if (!children.there(Slot.ORIGIN)) {
      throw children.unavailable(Slot.ORIGIN, WriteCacheGeometry.page(items[0].page()), null);
    }
    boolean[] stored = new boolean[items.length];
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment buffer = arena.allocate((long) Math.min(items.length, RUN_PAGES) * PAGE, PAGE);
      for (int i = 0; i < items.length; ) {
        i += storeRun(origin, items, i, stored, buffer);
      }
    }
    origin.persist();
    int settled = 0;
    index.lock.lock();
    try {
      for (int i = 0; i < items.length; i++) {
        if (stored[i] && index.becomeClean(items[i].block(), items[i].sequence())) {
          writtenBytes.addAndGet(PAGE);
        }
        settled++;
      }
    } finally {
      index.lock.unlock();
    }
    return settled;
  }

  private Item[] chooseOldest() {
    index.lock.lock();
    try {
      return Arrays.stream(index.oldest(State.DIRTY, BATCH_BLOCKS))
          .mapToObj(this::itemOf)
          .sorted()
          .toArray(Item[]::new);
    } finally {
      index.lock.unlock();
    }
  }

  private Item[] choose(long[] pages) {
    index.lock.lock();
    try {
      return Arrays.stream(pages)
          .mapToInt(index.map::find)
          .filter(block -> block >= 0 && index.state(block) == State.DIRTY)
          .mapToObj(this::itemOf)
          .sorted()
          .toArray(Item[]::new);
    } finally {
      index.lock.unlock();
    }
  }

  private Item itemOf(int block) {
    return new Item(index.page(block), block, index.sequence(block), index.sum(block));
  }

  /** Stores neighbouring pages from {@code at} on; returns how many items that were. */
  private int storeRun(
      DaxDevice origin, Item[] items, int at, boolean[] stored, MemorySegment buffer)
      throws IOException {
    int count = 0;
    while (at + count < items.length
        && count < RUN_PAGES
        && items[at + count].page() == items[at].page() + count) {
      if (!load(items[at + count], buffer.asSlice((long) count * PAGE, PAGE))) {
        break;
      }
      count++;
    }
    if (count == 0) {
      return 1; // bytes of it are lost
    }
    MemorySegment run = buffer.asSlice(0, (long) count * PAGE);
    ByteRanges refused = store(origin, items[at].page() * PAGE, run);
    for (int i = 0; i < count; i++) {
      stored[at + i] = !refused.overlaps(WriteCacheGeometry.page(items[at + i].page()));
      if (!stored[at + i]) {
        setAside(items[at + i], State.STUCK);
      }
    }
    return count;
  }

  private static ByteRanges store(DaxDevice origin, long offset, MemorySegment run)
      throws IOException {
    try {
      origin.write(offset, run);
      return ByteRanges.EMPTY;
    } catch (PoisonedRangeException bad) {
      RecoveryWrite written = origin.recoveryWrite(offset, run);
      return ByteRanges.of(written.notCleared());
    }
  }

  /** Reads a block; false when bytes of it are lost. */
  private boolean load(Item item, MemorySegment page) throws IOException {
    DaxDevice fast = children.fast();
    long offset = geometry.blockOffset(item.block());
    try {
      fast.read(offset, page);
      if (item.sum() != 0 && WriteCacheWriter.sum(page) != item.sum()) {
        fast.report(ByteRange.ofLength(offset, PAGE), Cause.CHECKSUM, Confidence.EXACT);
        setAside(item, State.LOST);
        return false;
      }
      return true;
    } catch (PoisonedRangeException lost) {
      setAside(item, State.LOST);
      return false;
    } catch (DeviceUnavailableException gone) {
      throw children.unavailable(Slot.FAST, WriteCacheGeometry.page(item.page()), gone);
    }
  }

  private void setAside(Item item, State state) {
    index.lock.lock();
    try {
      if (index.state(item.block()) == State.DIRTY
          && index.sequence(item.block()) == item.sequence()) {
        if (state == State.LOST) {
          index.setHurt(item.block());
        }
        index.become(item.block(), state);
      }
    } finally {
      index.lock.unlock();
    }
  }

  /** What was set aside is tried again. With the keeper's lock. */
  void retry() {
    index.lock.lock();
    try {
      for (State state : new State[] {State.LOST, State.STUCK}) {
        for (int block : index.oldest(state, Integer.MAX_VALUE)) {
          index.become(block, State.DIRTY);
        }
      }
    } finally {
      index.lock.unlock();
    }
  }

  /** The first page that is set aside as {@code state}; -1 when none is. */
  long firstSetAside(State state) {
    index.lock.lock();
    try {
      int[] blocks = index.oldest(state, Integer.MAX_VALUE);
      return Arrays.stream(blocks).mapToLong(index::page).min().orElse(-1);
    } finally {
      index.lock.unlock();
    }
  }
}

package io.bezoar.target;

import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.DeviceState;
import io.bezoar.dax.DeviceUnavailableException;
import io.bezoar.dax.RecoveryWrite;
import io.bezoar.media.ByteRange;
import io.bezoar.media.Units;
import io.bezoar.target.WriteCacheIndex.Batch;
import io.bezoar.target.WriteCacheIndex.State;
import io.bezoar.target.WriteCachedTarget.Slot;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Moves blocks through their states: commits entries, erases old ones, makes room.
 *
 * <p><b>Invariant.</b> Whatever a crash leaves of a commit, the newest durable content of every
 * page is named by an entry, and no entry names a block that holds anything else. So:
 *
 * <ul>
 *   <li>content is durable before its entry is stored; an entry is durable in one copy before the
 *       other is touched;
 *   <li>the entry of older content is erased in a later commit than the one that made the newer
 *       durable, and a clean entry only after everything older for its page is erased: else what is
 *       left over would rise again;
 *   <li>a block is overwritten only after its erasure is durable in both copies.
 * </ul>
 *
 * <p><b>Protocol.</b> One thread at a time, under {@link #lock}; the index's lock is taken for
 * moments within it, never around I/O.
 */
final class WriteCacheKeeper {
  private static final int PAGE = Units.PAGE_BYTES;
  private static final int EVICT_MIN = 64;
  private static final int EVICT_FRACTION = 16;

  /** First of the locks below a stripe's. */
  final ReentrantLock lock = new ReentrantLock();

  private final WriteCacheIndex index;
  private final WriteCacheTable table;
  private final WriteCacheChildren children;
  private final WriteCacheWriteBack writeBack;

  WriteCacheKeeper(
      WriteCacheIndex index,
      WriteCacheTable table,
      WriteCacheChildren children,
      WriteCacheWriteBack writeBack) {
    this.index = index;
    this.table = table;
    this.children = children;
    this.writeBack = writeBack;
  }

  /** Makes everything published so far durable on the fast device. */
  void persist() throws IOException {
    lock.lock();
    try {
      if (unpersisted()) {
        commit();
      } else if (children.there(Slot.FAST)) {
        children.fast().persist(); // what it knows of itself, and whether it still can
      }
    } finally {
      lock.unlock();
    }
  }

  private boolean unpersisted() {
    index.lock.lock();
    try {
      return index.unpersisted();
    } finally {
      index.lock.unlock();
    }
  }

  /** As {@link #persist}, and stores every other change of an entry. With the lock. */
  void commit() throws IOException {
    Batch batch = takeBatch();
    boolean done = false;
    try {
      if (batch.data() || batch.blocks().length > 0) {
        store(batch);
      }
      done = true;
    } finally {
      if (!done) {
        undo(batch);
      }
    }
    int[] toClear = finish(batch);
    if (toClear.length > 0) {
      clear(toClear);
    }
  }

  private void store(Batch batch) throws IOException {
    DaxDevice fast = children.fast();
    if (batch.data()) {
      fast.persist();
    }
    if (batch.blocks().length > 0) {
      for (int copy = 0; copy < WriteCacheGeometry.COPIES; copy++) {
        table.write(fast, copy, batch.blocks(), this::entry);
        fast.persist();
      }
    }
  }

  WriteCacheLayout.Entry entry(int block) {
    index.lock.lock();
    try {
      return index.entry(block);
    } finally {
      index.lock.unlock();
    }
  }

  private Batch takeBatch() {
    index.lock.lock();
    try {
      return index.takeBatch();
    } finally {
      index.lock.unlock();
    }
  }

  private void undo(Batch batch) {
    index.lock.lock();
    try {
      index.undo(batch);
    } finally {
      index.lock.unlock();
    }
  }

  private int[] finish(Batch batch) {
    index.lock.lock();
    try {
      return index.finish(batch);
    } finally {
      index.lock.unlock();
    }
  }

  /** Clears the media of blocks that hold nothing; what cannot be cleared stays retired. */
  void clear(int[] blocks) throws IOException {
    DaxDevice fast = children.fast();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment zeroes = arena.allocate(PAGE, PAGE);
      for (int block : blocks) {
        RecoveryWrite written = fast.recoveryWrite(table.geometry().blockOffset(block), zeroes);
        if (written.complete()) {
          index.lock.lock();
          try {
            index.cleared(block);
          } finally {
            index.lock.unlock();
          }
        }
      }
    }
  }

  /** Commits until no entry of a page is on media but its newest. With the lock. */
  void settle() throws IOException {
    commit(); // what supersedes is durable
    commit(); // what was superseded is erased
  }

  /**
   * Takes {@code block}, which was clean or whose content is given up, out of use, durably. With
   * the lock, and with that of its page's stripe, so that it is not written to meanwhile.
   */
  void drop(int block) throws IOException {
    long page = index.page(block);
    settle();
    index.lock.lock();
    try {
      if (index.map.find(page) != block) {
        return;
      }
      index.unmap(block);
    } finally {
      index.lock.unlock();
    }
    commit();
  }

  /** Takes free blocks, making some if there are none. May wait; the caller holds none itself. */
  long allocate(int atMost) throws IOException {
    while (true) {
      index.lock.lock();
      try {
        long taken = index.allocate(atMost);
        if (taken != 0) {
          return taken;
        }
      } finally {
        index.lock.unlock();
      }
      makeRoom();
    }
  }

  private void makeRoom() throws IOException {
    lock.lock();
    try {
      if (count(State.FREE) > 0) {
        return;
      }
      long boundary = boundary();
      settle();
      if (count(State.FREE) > 0) {
        return;
      }
      if (!children.there(Slot.ORIGIN)) {
        throw full(); // what is clean is all that can be read of these pages
      }
      if (evict(boundary) > 0) {
        return;
      }
      if (writeBack.batch(this) > 0 || count(State.FREE) > 0) {
        return;
      }
    } finally {
      lock.unlock();
    }
    awaitOthers();
  }

  private long boundary() {
    index.lock.lock();
    try {
      return index.lastSequence();
    } finally {
      index.lock.unlock();
    }
  }

  /**
   * Frees the oldest clean blocks among those that were there before {@link #settle}; those whose
   * bytes the origin is known to have lost since are dirty once more instead.
   */
  private int evict(long boundary) throws IOException {
    int evicted = 0;
    DaxDevice origin = children.get(Slot.ORIGIN);
    index.lock.lock();
    try {
      int atMost = Math.max(EVICT_MIN, index.blocks() / EVICT_FRACTION);
      for (int block : index.oldest(State.CLEAN, atMost)) {
        if (index.sequence(block) > boundary) {
          continue;
        }
        if (origin == null
            || !origin.poison(WriteCacheGeometry.page(index.page(block))).isEmpty()) {
          index.becomeDirtyAgain(block);
        } else {
          index.unmap(block);
          evicted++;
        }
      }
    } finally {
      index.lock.unlock();
    }
    if (evicted > 0) {
      commit();
    }
    return count(State.FREE);
  }

  /** No block can be freed; if others are about to publish some, those can. */
  private void awaitOthers() throws IOException {
    index.lock.lock();
    try {
      if (index.count(State.FREE) > 0
          || index.count(State.CLEAN) + index.count(State.NEW) + index.count(State.DIRTY) > 0
          || index.count(State.SUPERSEDED) + index.count(State.ERASING) > 0) {
        return;
      }
      if (index.count(State.FILLING) == 0) {
        throw full();
      }
      index.awaitChange();
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("waiting for room in the write cache");
    } finally {
      index.lock.unlock();
    }
  }

  private DeviceUnavailableException full() {
    return new DeviceUnavailableException(
        children.name(),
        children.there(Slot.ORIGIN) ? DeviceState.READ_ONLY : DeviceState.PARTIAL,
        "the cache is full of what the origin cannot take: "
            + index.count(State.LOST)
            + " blocks with lost bytes, "
            + index.count(State.STUCK)
            + " that the origin refuses, "
            + index.count(State.RETIRED)
            + " that cannot be cleared; "
            + (children.there(Slot.ORIGIN)
                ? "rewrite the lost bytes by recovery writes, or replace the origin"
                : children.missing(Slot.ORIGIN)),
        null);
  }

  int count(State state) {
    index.lock.lock();
    try {
      return index.count(state);
    } finally {
      index.lock.unlock();
    }
  }

  /**
   * Gives filled blocks back whose media refused the content, and clears it or retires them.
   *
   * @param bad what was refused, on the fast device
   */
  void refused(int start, int howMany, ByteRange bad) throws IOException {
    int[] struck = new int[howMany];
    int n = 0;
    index.lock.lock();
    try {
      for (int block = start; block < start + howMany; block++) {
        if (table.geometry().block(block).overlaps(bad)) {
          index.setHurt(block);
          index.become(block, State.RETIRED);
          struck[n++] = block;
        }
      }
      index.giveBack(start, howMany);
    } finally {
      index.lock.unlock();
    }
    clear(Arrays.copyOf(struck, n));
  }

  /** A range of pages. */
  static ByteRange pages(long first, long count) {
    return ByteRange.ofLength(first * PAGE, count * PAGE);
  }
}

package io.bezoar.target;

import io.bezoar.media.ByteRange;
import java.util.BitSet;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A fixed set of locks over stretches of the content: whoever changes bytes on legs holds those of
 * the place over all of them, so legs never differ because two changes met in another order.
 * Several are always taken in ascending order of lock. Healthy reads take none.
 */
final class MirrorLocks {
  private static final int STRETCH_SHIFT = 16;
  private static final int LOCKS = 256;

  private final ReentrantLock[] locks = new ReentrantLock[LOCKS];

  MirrorLocks() {
    for (int i = 0; i < LOCKS; i++) {
      locks[i] = new ReentrantLock();
    }
  }

  /** Locks a range that is not empty; close the result to unlock. */
  RowLocks.Held lock(ByteRange range) {
    long from = range.start() >> STRETCH_SHIFT;
    long to = (range.end() - 1) >> STRETCH_SHIFT;
    if (from == to) {
      ReentrantLock only = locks[(int) (from % LOCKS)];
      only.lock();
      return only::unlock;
    }
    BitSet wanted = new BitSet(LOCKS);
    add(wanted, range);
    return lockAll(wanted);
  }

  /** Locks several ranges. */
  RowLocks.Held lock(Iterable<ByteRange> ranges) {
    BitSet wanted = new BitSet(LOCKS);
    for (ByteRange range : ranges) {
      if (!range.isEmpty()) {
        add(wanted, range);
      }
    }
    return lockAll(wanted);
  }

  /** Returns when every change that was under way has ended. */
  void awaitOthers() {
    for (ReentrantLock lock : locks) {
      lock.lock();
      try {
        // Whoever had it has ended.
      } finally {
        lock.unlock();
      }
    }
  }

  private static void add(BitSet wanted, ByteRange range) {
    long from = range.start() >> STRETCH_SHIFT;
    long to = (range.end() - 1) >> STRETCH_SHIFT;
    if (to - from >= LOCKS) {
      wanted.set(0, LOCKS);
      return;
    }
    for (long i = from; i <= to; i++) {
      wanted.set((int) (i % LOCKS));
    }
  }

  private RowLocks.Held lockAll(BitSet wanted) {
    for (int i = wanted.nextSetBit(0); i >= 0; i = wanted.nextSetBit(i + 1)) {
      locks[i].lock();
    }
    return () -> {
      for (int i = wanted.nextSetBit(0); i >= 0; i = wanted.nextSetBit(i + 1)) {
        locks[i].unlock();
      }
    };
  }
}

package io.bezoar.target;

import java.util.BitSet;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The parent-row locks: a fixed set of locks over groups of neighbouring rows, so that a run of
 * rows needs few. Whoever changes, rebuilds or declares lost anything of a row holds its lock;
 * readers do not take it unless verification failed. Several are always taken in ascending order of
 * lock, which makes the order of rows irrelevant.
 */
final class RowLocks {
  private static final int ROWS_PER_LOCK_SHIFT = 4;
  private static final int LOCKS = 512;

  private final ReentrantLock[] locks = new ReentrantLock[LOCKS];

  RowLocks() {
    for (int i = 0; i < LOCKS; i++) {
      locks[i] = new ReentrantLock();
    }
  }

  /** Locks the rows {@code [first, first + count)}; close the result to unlock. */
  Held lock(long first, long count) {
    long from = first >> ROWS_PER_LOCK_SHIFT;
    long to = (first + count - 1) >> ROWS_PER_LOCK_SHIFT;
    if (from == to) {
      int only = (int) (from % LOCKS);
      locks[only].lock();
      return new One(locks[only]);
    }
    BitSet wanted = new BitSet(LOCKS);
    addTo(wanted, first, count);
    return lockAll(wanted);
  }

  /** Adds the locks of rows {@code [first, first + count)} to a set for {@link #lockAll}. */
  static void addTo(BitSet wanted, long first, long count) {
    long from = first >> ROWS_PER_LOCK_SHIFT;
    long to = (first + count - 1) >> ROWS_PER_LOCK_SHIFT;
    if (to - from >= LOCKS) {
      wanted.set(0, LOCKS);
      return;
    }
    for (long i = from; i <= to; i++) {
      wanted.set((int) (i % LOCKS));
    }
  }

  /** Locks a whole set, ascending. */
  Held lockAll(BitSet wanted) {
    for (int i = wanted.nextSetBit(0); i >= 0; i = wanted.nextSetBit(i + 1)) {
      locks[i].lock();
    }
    return () -> {
      for (int i = wanted.nextSetBit(0); i >= 0; i = wanted.nextSetBit(i + 1)) {
        locks[i].unlock();
      }
    };
  }

  /** Locks that are held. */
  interface Held extends AutoCloseable {
    @Override
    void close();
  }

  private record One(ReentrantLock lock) implements Held {
    @Override
    public void close() {
      lock.unlock();
    }
  }
}

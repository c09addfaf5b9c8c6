package io.bezoar.target;

import java.util.concurrent.locks.ReentrantLock;

/** One lock for the writers of each stripe of {@link WriteCacheMap}. Never two but all of them. */
final class WriteCacheStripes {
  private final WriteCacheMap map;
  private final ReentrantLock[] locks;

  WriteCacheStripes(WriteCacheMap map) {
    this.map = map;
    this.locks = new ReentrantLock[map.stripes()];
    for (int i = 0; i < locks.length; i++) {
      locks[i] = new ReentrantLock();
    }
  }

  /** Keeps other writers away from the group of {@code page}. */
  ReentrantLock of(long page) {
    return locks[map.stripe(page)];
  }

  /** Keeps all writers away. */
  void lockAll() {
    for (ReentrantLock lock : locks) {
      lock.lock();
    }
  }

  void unlockAll() {
    for (ReentrantLock lock : locks) {
      lock.unlock();
    }
  }
}

package io.bezoar.tree;

import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;

/**
 * Which commits somebody still reads.
 *
 * <p>Pages that commit M freed may be used again only when no pin is older than M: whoever pins
 * later cannot reach them.
 */
final class Pins {
  private final ReentrantLock lock = new ReentrantLock();

  /** Commit to number of pins; guarded by lock. */
  private final TreeMap<Long, Integer> counts = new TreeMap<>();

  /** Pins the commit that is read, as one step with reading it. */
  Durable pin(Supplier<Durable> newest) {
    lock.lock();
    try {
      Durable pinned = newest.get();
      counts.merge(pinned.commit(), 1, Integer::sum);
      return pinned;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Keeps what anybody reads now, until it is given back: pins the oldest commit that is pinned, or
   * else the one that is read.
   */
  long pinOldest(Supplier<Durable> newest) {
    lock.lock();
    try {
      Map.Entry<Long, Integer> first = counts.firstEntry();
      long oldest = first == null ? newest.get().commit() : first.getKey();
      counts.merge(oldest, 1, Integer::sum);
      return oldest;
    } finally {
      lock.unlock();
    }
  }

  void unpin(long commit) {
    lock.lock();
    try {
      counts.computeIfPresent(commit, (key, count) -> count == 1 ? null : count - 1);
    } finally {
      lock.unlock();
    }
  }

  /**
   * Pages freed by commits before this one, exclusive, are out of everybody's reach. The newest
   * commit is read first, and with the lock: whoever pins one later pins none older.
   */
  long reusable(Supplier<Durable> newest) {
    lock.lock();
    try {
      long commit = newest.get().commit();
      Map.Entry<Long, Integer> oldest = counts.firstEntry();
      return oldest == null ? commit : Math.min(commit, oldest.getKey() + 1);
    } finally {
      lock.unlock();
    }
  }
}

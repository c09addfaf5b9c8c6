package io.bezoar.tree;

import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Which holds somebody reads.
 *
 * <p>Invariant: a hold that is open keeps its pages, released or not. Readers of it need no pin
 * then, so they keep nothing of what came after it from being used again. A commit asks once, when
 * it begins, who is there: a hold that was released by an earlier commit gets no new readers, so
 * nobody comes too late. Only memory knows; after a restart nobody reads.
 *
 * <p>Its lock is innermost. Thread-safe.
 */
final class OpenHolds {
  private final ReentrantLock lock = new ReentrantLock();

  /** Commit of the hold to number of readers; guarded by lock. */
  private final Map<Long, Integer> readers = new HashMap<>();

  /** The newest list of holds, read when it is asked for. */
  interface Current {
    Collection<HoldLayout.Kept> holds();
  }

  /** Counts a reader of a hold, as one step with looking it up; null when it cannot be opened. */
  HoldLayout.@Nullable Kept open(Hold hold, Current current) {
    lock.lock();
    try {
      for (HoldLayout.Kept kept : current.holds()) {
        if (!kept.releasing() && kept.hold().equals(hold)) {
          readers.merge(kept.commit(), 1, Integer::sum);
          return kept;
        }
      }
      return null;
    } finally {
      lock.unlock();
    }
  }

  void close(long commit) {
    lock.lock();
    try {
      readers.computeIfPresent(commit, (key, count) -> count == 1 ? null : count - 1);
    } finally {
      lock.unlock();
    }
  }

  /** Commits of the holds that are open now. */
  Set<Long> commits() {
    lock.lock();
    try {
      return Set.copyOf(readers.keySet());
    } finally {
      lock.unlock();
    }
  }
}

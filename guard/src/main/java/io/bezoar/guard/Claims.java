package io.bezoar.guard;

import io.bezoar.media.ByteRange;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Who is healing what of one file. A claim is no lock: repair sources run under one, and read
 * whatever they like of this and other guarded files, except what is being repaired by their own
 * thread, or by one that waits for it: then all would wait for ever.
 *
 * <p>Lock, condition and the record of who waits for whom are those of all files, because threads
 * may wait for each other across them. Nobody comes here while files are healthy.
 */
final class Claims {
  private record Claim(ByteRange range, Thread owner) {}

  private static final ReentrantLock LOCK = new ReentrantLock();
  private static final Condition RELEASED = LOCK.newCondition();

  /** Whom each waiting thread waits for. Guarded by the lock. */
  private static final Map<Thread, Set<Thread>> WAITING = new HashMap<>();

  /** Guarded by the lock. */
  private final List<Claim> claims = new ArrayList<>();

  /**
   * Waits until nobody else heals a part of {@code range}, and claims it.
   *
   * @return false when waiting would be for ever: this thread holds a claim on a part of it, or
   *     whoever holds one waits for this thread
   */
  boolean claim(ByteRange range) {
    Thread me = Thread.currentThread();
    LOCK.lock();
    try {
      while (true) {
        Set<Thread> owners = ownersWithin(range);
        if (owners.isEmpty()) {
          claims.add(new Claim(range, me));
          return true;
        }
        if (isWaitedForBy(owners, me)) {
          return false;
        }
        WAITING.put(me, owners);
        RELEASED.awaitUninterruptibly();
      }
    } finally {
      WAITING.remove(me);
      LOCK.unlock();
    }
  }

  private Set<Thread> ownersWithin(ByteRange range) {
    Set<Thread> owners = new HashSet<>();
    for (Claim claim : claims) {
      if (claim.range.overlaps(range)) {
        owners.add(claim.owner);
      }
    }
    return owners;
  }

  /** True when {@code me} is one of {@code owners}, or of those that they wait for, and so on. */
  private static boolean isWaitedForBy(Set<Thread> owners, Thread me) {
    Set<Thread> seen = new HashSet<>(owners);
    Deque<Thread> next = new ArrayDeque<>(owners);
    while (!next.isEmpty()) {
      for (Thread further : WAITING.getOrDefault(next.remove(), Set.of())) {
        if (seen.add(further)) {
          next.add(further);
        }
      }
    }
    return seen.contains(me);
  }

  void release(ByteRange range) {
    LOCK.lock();
    try {
      claims.remove(new Claim(range, Thread.currentThread()));
      RELEASED.signalAll();
    } finally {
      LOCK.unlock();
    }
  }
}

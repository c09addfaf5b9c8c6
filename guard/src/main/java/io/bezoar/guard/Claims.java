package io.bezoar.guard;

import io.bezoar.media.ByteRange;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Who is healing what. A claim is no lock: repair sources run under one, and read whatever they
 * like of the file, except, on the same thread, the very range that they are asked for.
 */
final class Claims {
  private record Claim(ByteRange range, Thread owner) {}

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition released = lock.newCondition();
  private final List<Claim> claims = new ArrayList<>();

  /**
   * Waits until nobody else heals a part of {@code range}, and claims it.
   *
   * @return false when this thread holds a claim on a part of it already: waiting would be for ever
   */
  boolean claim(ByteRange range) {
    Thread me = Thread.currentThread();
    lock.lock();
    try {
      while (true) {
        boolean taken = false;
        for (Claim claim : claims) {
          if (claim.range.overlaps(range)) {
            if (claim.owner.equals(me)) {
              return false;
            }
            taken = true;
          }
        }
        if (!taken) {
          claims.add(new Claim(range, me));
          return true;
        }
        released.awaitUninterruptibly();
      }
    } finally {
      lock.unlock();
    }
  }

  void release(ByteRange range) {
    lock.lock();
    try {
      claims.remove(new Claim(range, Thread.currentThread()));
      released.signalAll();
    } finally {
      lock.unlock();
    }
  }
}

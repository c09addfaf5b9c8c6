package io.bezoar.nbd;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * All memory for requests in flight. What is in use never exceeds the total, and one {@link
 * Account} (a connection) never exceeds its share, whatever clients ask for: the taker waits.
 * Memory that is not in use is kept for reuse as long as it fits into the same total.
 *
 * <p>Threat: clients that hold memory for ever by not taking their replies. The taker that waits
 * longer than the stall time calls {@link StallBreaker}, which may end such a client.
 *
 * <p>Thread-safe. Sizes are powers of two from 64 KiB, so that buffers fit again.
 */
final class BufferPool {
  private static final int LEAST_PAYLOAD_BYTES = 64 << 10;

  /** Asked when a request has waited for memory for the stall time. Called with no lock held. */
  @FunctionalInterface
  interface StallBreaker {
    void memoryIsShort();
  }

  /** What one connection has taken. */
  static final class Account {
    private long usedBytes; // guarded by lock of the pool
  }

  private final long accountLimitBytes;
  private final long totalLimitBytes;
  private final long stallNanos;
  private final StallBreaker breaker;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition returned = lock.newCondition();
  private final List<ArrayDeque<IoBuffer>> idle = new ArrayList<>(); // guarded by lock; by class
  private long usedBytes; // guarded by lock
  private long idleBytes; // guarded by lock

  BufferPool(long accountLimitBytes, long totalLimitBytes, Duration stall, StallBreaker breaker) {
    this.accountLimitBytes = accountLimitBytes;
    this.totalLimitBytes = totalLimitBytes;
    this.stallNanos = stall.toNanos();
    this.breaker = breaker;
    for (int i = 0; i <= sizeClass(NbdLayout.MAX_BLOCK_BYTES); i++) {
      idle.add(new ArrayDeque<>());
    }
  }

  /** What a buffer for {@code payloadBytes} really takes. */
  static long footprintBytes(long payloadBytes) {
    return IoBuffer.HEAD_BYTES + ((long) LEAST_PAYLOAD_BYTES << sizeClass(payloadBytes));
  }

  private static int sizeClass(long payloadBytes) {
    long units = Math.ceilDiv(Math.max(payloadBytes, 1), LEAST_PAYLOAD_BYTES);
    return Long.SIZE - Long.numberOfLeadingZeros(units - 1);
  }

  /**
   * Waits until a buffer for {@code payloadBytes} can be had. The content is unspecified: bytes of
   * an earlier request may stand in it.
   *
   * @throws InterruptedException when the thread was interrupted while waiting
   */
  IoBuffer take(Account account, int payloadBytes) throws InterruptedException {
    long needBytes = footprintBytes(payloadBytes);
    lock.lockInterruptibly();
    try {
      long remainingNanos = stallNanos;
      while (account.usedBytes + needBytes > accountLimitBytes
          || usedBytes + needBytes > totalLimitBytes) {
        if (remainingNanos <= 0) {
          remainingNanos = stallNanos;
          lock.unlock();
          try {
            breaker.memoryIsShort();
          } finally {
            lock.lock();
          }
        } else {
          remainingNanos = returned.awaitNanos(remainingNanos);
        }
      }
      account.usedBytes += needBytes;
      usedBytes += needBytes;
      IoBuffer reused = idle.get(sizeClass(payloadBytes)).pollLast();
      if (reused != null) {
        idleBytes -= needBytes;
        return reused;
      }
      freeIdleAbove(totalLimitBytes - usedBytes);
    } finally {
      lock.unlock();
    }
    try {
      return new IoBuffer(LEAST_PAYLOAD_BYTES << sizeClass(payloadBytes));
    } catch (OutOfMemoryError noMemory) {
      forget(account, needBytes);
      throw noMemory;
    }
  }

  private void forget(Account account, long bytes) {
    lock.lock();
    try {
      account.usedBytes -= bytes;
      usedBytes -= bytes;
      returned.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Takes back what {@link #take} gave. */
  void give(Account account, IoBuffer buffer) {
    lock.lock();
    try {
      account.usedBytes -= buffer.footprintBytes();
      usedBytes -= buffer.footprintBytes();
      idleBytes += buffer.footprintBytes();
      idle.get(sizeClass(buffer.payloadBytes())).addLast(buffer);
      returned.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Frees everything that is not in use. */
  void trim() {
    lock.lock();
    try {
      freeIdleAbove(0);
    } finally {
      lock.unlock();
    }
  }

  long usedBytes() {
    lock.lock();
    try {
      return usedBytes;
    } finally {
      lock.unlock();
    }
  }

  long usedBytes(Account account) {
    lock.lock();
    try {
      return account.usedBytes;
    } finally {
      lock.unlock();
    }
  }

  private void freeIdleAbove(long keepBytes) {
    for (int i = idle.size() - 1; i >= 0 && idleBytes > keepBytes; i--) {
      ArrayDeque<IoBuffer> buffers = idle.get(i);
      while (!buffers.isEmpty() && idleBytes > keepBytes) {
        IoBuffer buffer = buffers.removeLast();
        idleBytes -= buffer.footprintBytes();
        buffer.free();
      }
    }
  }
}

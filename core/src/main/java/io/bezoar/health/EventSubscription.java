package io.bezoar.health;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Optional;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * One listener's queue of events. Bounded: a listener that does not keep up loses the oldest ones
 * and is told how many, and nobody waits for it. Thread-safe.
 */
public final class EventSubscription implements AutoCloseable {
  private final EventLog log;
  private final EventQuery query;
  private final int capacity;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final ArrayDeque<Event> queue = new ArrayDeque<>(); // guarded by lock
  private long missed; // guarded by lock
  private boolean closed; // guarded by lock

  EventSubscription(EventLog log, EventQuery query, int capacity) {
    this.log = log;
    this.query = query;
    this.capacity = capacity;
  }

  /**
   * The next event; empty when none came in time or the subscription was closed.
   *
   * @throws InterruptedException when interrupted while it waits
   */
  public Optional<Event> poll(Duration wait) throws InterruptedException {
    long left = wait.toNanos();
    lock.lockInterruptibly();
    try {
      while (queue.isEmpty() && !closed && left > 0) {
        left = changed.awaitNanos(left);
      }
      return Optional.ofNullable(queue.poll());
    } finally {
      lock.unlock();
    }
  }

  /** How many events were dropped since this was last asked. */
  public long takeMissed() {
    lock.lock();
    try {
      long count = missed;
      missed = 0;
      return count;
    } finally {
      lock.unlock();
    }
  }

  /** True once it was closed, by its listener or because the log was closed. */
  public boolean isClosed() {
    lock.lock();
    try {
      return closed;
    } finally {
      lock.unlock();
    }
  }

  void offer(Event event) {
    if (!query.matches(event)) {
      return;
    }
    lock.lock();
    try {
      if (closed) {
        return;
      }
      if (queue.size() == capacity) {
        queue.poll();
        missed++;
      }
      queue.add(event);
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Ends it and wakes whoever waits. Events already queued can still be polled. Idempotent. */
  @Override
  public void close() {
    log.forget(this);
    lock.lock();
    try {
      closed = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }
}

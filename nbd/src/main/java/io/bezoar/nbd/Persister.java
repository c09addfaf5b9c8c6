package io.bezoar.nbd;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Makes flushes of all connections durable together. One persist runs at a time, on a thread of its
 * own; those who ask while it runs share the next one. So a flush covers every write that returned
 * before it was asked for, costs no reader of requests its time, and a hundred at once cost two.
 */
final class Persister implements AutoCloseable {
  private final Volume volume;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition asked = lock.newCondition();
  private List<Consumer<@Nullable Failure>> waiting = new ArrayList<>(); // guarded by lock
  private boolean closing; // guarded by lock

  Persister(Volume volume, String name) {
    this.volume = volume;
    Thread.ofPlatform().daemon().name(name).start(this::run);
  }

  /**
   * Calls {@code done} on the persister's thread when every write that returned before this call is
   * durable, or with what went wrong.
   */
  void persist(Consumer<@Nullable Failure> done) {
    lock.lock();
    try {
      if (!closing) {
        waiting.add(done);
        asked.signal();
        return;
      }
    } finally {
      lock.unlock();
    }
    done.accept(Failure.whole(NbdError.ESHUTDOWN, "the server is stopping"));
  }

  private void run() {
    for (List<Consumer<@Nullable Failure>> batch = next(); !batch.isEmpty(); batch = next()) {
      Failure failure = volume.persist();
      for (Consumer<@Nullable Failure> done : batch) {
        done.accept(failure);
      }
    }
  }

  /** Waits for somebody who asks; empty when closed and nobody waits. */
  private List<Consumer<@Nullable Failure>> next() {
    lock.lock();
    try {
      while (waiting.isEmpty() && !closing) {
        asked.awaitUninterruptibly();
      }
      List<Consumer<@Nullable Failure>> batch = waiting;
      waiting = new ArrayList<>();
      return batch;
    } finally {
      lock.unlock();
    }
  }

  /** Serves those who wait and ends the thread, without waiting for it. */
  @Override
  public void close() {
    lock.lock();
    try {
      closing = true;
      asked.signal();
    } finally {
      lock.unlock();
    }
  }
}

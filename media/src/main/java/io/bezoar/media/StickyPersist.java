package io.bezoar.media;

import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The one place that asks the kernel to make a file durable, and remembers for ever when it could
 * not.
 *
 * <p><b>Threat.</b> Linux reports a failed write-back to one fdatasync of a descriptor; the next
 * answers 0 while the page cache still shows bytes that the disk never got. With two threads, one
 * would be told the failure and the other success.
 *
 * <p><b>Protocol.</b> Calls are made one at a time, and the flag is set before the next begins. A
 * caller that finds that a whole call began and succeeded after it came in is already served: so
 * many flushes at once cost two system calls.
 */
final class StickyPersist {
  private final String name;
  private final ReentrantLock lock = new ReentrantLock();

  private volatile @Nullable PersistFailedException failure;

  /** Number of the last call that began. Written under {@link #lock}. */
  private volatile long begun;

  /** Number of the last call that succeeded. Guarded by {@link #lock}. */
  private long succeeded;

  StickyPersist(String name) {
    this.name = name;
  }

  /** Throws when persist failed before. One volatile load. */
  void check() throws PersistFailedException {
    PersistFailedException first = failure;
    if (first != null) {
      throw new PersistFailedException(name, "earlier", first);
    }
  }

  boolean hasFailed() {
    return failure != null;
  }

  /**
   * Makes durable what was written before.
   *
   * @param sync the system call: 0, or -errno
   * @return 0, or {@code -EBADF} when the file was closed under the call
   */
  long run(LongSupplier sync) throws PersistFailedException {
    long cameIn = begun;
    lock.lock();
    try {
      check();
      if (succeeded > cameIn) {
        return 0;
      }
      long mine = begun + 1;
      begun = mine;
      long result = sync.getAsLong();
      if (result == -Posix.EBADF) {
        return result;
      }
      if (result < 0) {
        throw fail(Errno.text((int) -result));
      }
      succeeded = mine;
      return 0;
    } finally {
      lock.unlock();
    }
  }

  /**
   * As {@link #run}, for a call that does more than make things durable: another one that succeeds
   * meanwhile does not stand in for it.
   */
  long runItself(LongSupplier sync) throws PersistFailedException {
    lock.lock();
    try {
      check();
      long result = sync.getAsLong();
      if (result < 0 && result != -Posix.EBADF) {
        throw fail(Errno.text((int) -result));
      }
      return result;
    } finally {
      lock.unlock();
    }
  }

  /** Makes every later persist and write fail. Keeps the first reason. */
  PersistFailedException fail(String reason) {
    PersistFailedException now = new PersistFailedException(name, reason, failure);
    if (failure == null) {
      failure = now;
    }
    return now;
  }
}

package io.bezoar.media;

import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * One open file that lives as long as its media.
 *
 * <p><b>Threat.</b> The kernel hands out the number of a closed descriptor to the next open: a read
 * that is late by an instant would return another file's bytes, a write would destroy them.
 *
 * <p><b>Protocol.</b> Every system call counts itself in and out; the number is closed by whoever
 * leaves last after {@link #close}. So close does not wait for a disk that hangs, and no call ever
 * runs on a number that was given back. A call that comes after close answers {@code -EBADF}.
 */
final class Descriptor implements AutoCloseable {
  private static final int CLOSING = 1 << 30;
  private static final int CLOSED = CLOSING | 1 << 29;

  /** A single transfer of Linux moves a little less than 2 GiB at most. */
  private static final long TRANSFER_BYTES_MAX = 1L << 30;

  private final int fd;

  /** Calls under way, with {@link #CLOSING} added once nobody new may come in. */
  private final AtomicInteger users = new AtomicInteger();

  Descriptor(int fd) {
    this.fd = fd;
  }

  /** A system call on the open number. */
  interface Use {
    long on(int fd);
  }

  /** Makes one call, or answers {@code -EBADF} when closed. */
  long call(Use use) {
    if (!enter()) {
      return -Posix.EBADF;
    }
    try {
      return use.on(fd);
    } finally {
      leave();
    }
  }

  /** Reads until {@code dst} is full, the file ends, or an error: bytes read, or -errno if none. */
  long pread(long offset, MemorySegment dst) {
    return transfer(offset, dst, Posix::pread);
  }

  /** Writes until {@code src} is stored or an error: bytes stored, or -errno if none. */
  long pwrite(long offset, MemorySegment src) {
    return transfer(offset, src, Posix::pwrite);
  }

  private interface Transfer {
    long move(int fd, MemorySegment buffer, long offset);
  }

  private long transfer(long offset, MemorySegment buffer, Transfer transfer) {
    if (!enter()) {
      return -Posix.EBADF;
    }
    try {
      long size = buffer.byteSize();
      long done = 0;
      while (done < size) {
        MemorySegment rest =
            done == 0 && size <= TRANSFER_BYTES_MAX
                ? buffer
                : buffer.asSlice(done, Math.min(TRANSFER_BYTES_MAX, size - done));
        long moved = transfer.move(fd, rest, offset + done);
        if (moved <= 0) {
          return done > 0 ? done : moved;
        }
        done += moved;
      }
      return done;
    } finally {
      leave();
    }
  }

  /** The size now, or a negative errno: one cheap call for files and block devices alike. */
  long sizeBytes() {
    return call(open -> Posix.lseek(open, 0, Posix.SEEK_END));
  }

  boolean isClosed() {
    return (users.get() & CLOSING) != 0;
  }

  private boolean enter() {
    if ((users.incrementAndGet() & CLOSING) != 0) {
      leave();
      return false;
    }
    return true;
  }

  private void leave() {
    if (users.decrementAndGet() == CLOSING) {
      closeOnce();
    }
  }

  /** Idempotent; returns at once. */
  @Override
  public void close() {
    int before = users.getAndUpdate(n -> n | CLOSING);
    if (before == 0) {
      closeOnce();
    }
  }

  private void closeOnce() {
    if (users.compareAndSet(CLOSING, CLOSED)) {
      // Nothing to report: persist has said what was durable, and close of a file says nothing
      // more.
      Posix.close(fd);
    }
  }
}

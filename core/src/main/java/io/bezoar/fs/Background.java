package io.bezoar.fs;

import io.bezoar.tree.ForestFullException;
import java.io.IOException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * What a filesystem does when nobody asks: makes changes durable, once in a window, and takes
 * deleted files and snapshots apart. A failure is said by every later change, so here it only ends
 * the round.
 */
final class Background implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger(Background.class.getName());

  private final FsCore core;
  private final Reaper reaper;
  private final long windowNanos;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition closing = lock.newCondition();

  /** Guarded by lock. */
  private boolean closed;

  /** One round at a time. */
  private final ReentrantLock round = new ReentrantLock();

  private @Nullable Thread thread;

  private Background(FsCore core, Reaper reaper, long windowNanos) {
    this.core = core;
    this.reaper = reaper;
    this.windowNanos = windowNanos;
  }

  static Background start(FsCore core, Reaper reaper, FilesystemOptions options) {
    Background background = new Background(core, reaper, options.window().toNanos());
    if (!options.window().isZero() && core.isWritable()) {
      background.thread = Thread.ofPlatform().daemon().name("bezoar-fs").start(background::run);
    }
    return background;
  }

  private void run() {
    while (pause()) {
      try {
        boolean more = true;
        while (more && !isClosed()) {
          more = tick();
        }
      } catch (IOException | RuntimeException e) {
        LOG.log(System.Logger.Level.WARNING, "work in the background failed", e);
      }
    }
  }

  /** False when it is time to end. */
  private boolean pause() {
    lock.lock();
    try {
      long left = windowNanos;
      while (!closed && left > 0) {
        left = closing.awaitNanos(left);
      }
      return !closed;
    } catch (InterruptedException e) {
      return false;
    } finally {
      lock.unlock();
    }
  }

  private boolean isClosed() {
    lock.lock();
    try {
      return closed;
    } finally {
      lock.unlock();
    }
  }

  boolean tick() throws IOException {
    round.lock();
    try {
      if (!core.isWritable()) {
        return false;
      }
      core.forest.persist();
      boolean more = reaper.step();
      try {
        more |= core.forest.prune();
      } catch (ForestFullException noRoom) {
        LOG.log(System.Logger.Level.DEBUG, "no room to take snapshots apart now", noRoom);
      }
      return more;
    } finally {
      round.unlock();
    }
  }

  @Override
  public void close() {
    lock.lock();
    try {
      closed = true;
      closing.signalAll();
    } finally {
      lock.unlock();
    }
    Thread running = thread;
    if (running != null) {
      try {
        running.join(TimeUnit.SECONDS.toMillis(30));
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }
}

package io.bezoar.fs;

import io.bezoar.tree.ForestFailedException;
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
  private final Condition waking = lock.newCondition();

  // Guarded by lock.
  private boolean closed;
  private boolean hurried;

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
      } catch (ForestFailedException failed) {
        // For good: every change says so from now on.
        LOG.log(System.Logger.Level.WARNING, "nothing is made durable any more", failed);
        return;
      } catch (IOException | RuntimeException e) {
        LOG.log(System.Logger.Level.WARNING, "work in the background failed", e);
      }
    }
  }

  /** The next round is to begin now. Does nothing when there are no rounds by themselves. */
  void hurry() {
    lock.lock();
    try {
      hurried = true;
      waking.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** False when it is time to end. */
  private boolean pause() {
    lock.lock();
    try {
      long left = windowNanos;
      while (!closed && !hurried && left > 0) {
        left = waking.awaitNanos(left);
      }
      hurried = false;
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
      boolean reaped = hasRoom(reaper::step);
      boolean more = hasRoom(core.forest::prune);
      // A snapshot that goes gives back what taking a file apart that it kept had no room for.
      return more || reaped;
    } finally {
      round.unlock();
    }
  }

  private interface Step {
    boolean run() throws IOException;
  }

  /** Does a little; true when there is more that there is room for. */
  private static boolean hasRoom(Step step) throws IOException {
    try {
      return step.run();
    } catch (ForestFullException | FilesystemFullException noRoom) {
      LOG.log(System.Logger.Level.DEBUG, "no room to take files or snapshots apart now", noRoom);
      return false;
    }
  }

  @Override
  public void close() {
    lock.lock();
    try {
      closed = true;
      waking.signalAll();
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

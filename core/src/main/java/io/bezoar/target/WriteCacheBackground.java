package io.bezoar.target;

import java.io.IOException;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/** Starts write-back when too much is dirty, and remembers why it could not go on. */
final class WriteCacheBackground {
  private static final System.Logger LOG = System.getLogger(WriteCacheBackground.class.getName());

  private final String name;
  private final WriteCacheOptions options;
  private final AtomicBoolean running = new AtomicBoolean();
  private volatile @Nullable String lastFailure;

  WriteCacheBackground(String name, WriteCacheOptions options) {
    this.name = name;
    this.options = options;
  }

  boolean running() {
    return running.get();
  }

  @Nullable String lastFailure() {
    return lastFailure;
  }

  /** Called after writes, with no lock held. */
  void look(WriteCacheCore core) {
    if (above(core, options.highPercent()) && running.compareAndSet(false, true)) {
      try {
        options.background().execute(() -> run(core));
      } catch (RejectedExecutionException shutDown) {
        running.set(false);
        failed(shutDown);
      }
    }
  }

  private static boolean above(WriteCacheCore core, int percent) {
    core.index.lock.lock();
    try {
      // What is set aside cannot be written back however often it is tried.
      int dirty =
          core.index.count(WriteCacheIndex.State.NEW)
              + core.index.count(WriteCacheIndex.State.DIRTY);
      return dirty > (long) core.index.blocks() * percent / 100;
    } finally {
      core.index.lock.unlock();
    }
  }

  private void run(WriteCacheCore core) {
    try {
      while (above(core, options.lowPercent())) {
        core.keeper.lock.lock();
        try {
          if (core.writeBack.batch(core.keeper) == 0) {
            break;
          }
        } finally {
          core.keeper.lock.unlock();
        }
      }
      lastFailure = null;
    } catch (IOException cannot) {
      failed(cannot);
    } finally {
      running.set(false);
    }
  }

  /** Nothing is lost: it stays dirty, and the next write tries again. */
  private void failed(Exception cannot) {
    lastFailure = String.valueOf(cannot.getMessage());
    LOG.log(System.Logger.Level.WARNING, name + ": cannot write back now", cannot);
  }
}

package io.bezoar.target;

import io.bezoar.media.ByteRange;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Makes legs equal in the background: those in sync where they may differ, and then those that are
 * behind where they miss something.
 *
 * <p><b>Invariant.</b> What is left to do is in {@link MirrorOwed}, and on media in the
 * write-intent bits. A leg is called in sync only when it misses nothing, what it was given is
 * durable, and no leg in sync may differ: it could be read where they say otherwise.
 *
 * <p><b>Protocol.</b> One worker, started when something is owed, ends when nothing is or when it
 * cannot go on. It goes chunk by chunk ({@link MirrorCopier}); between chunks it holds nothing, and
 * gives way as its pace says.
 */
final class MirrorResync {
  private static final System.Logger LOG = System.getLogger(MirrorResync.class.getName());
  private static final int CHUNK = MirrorHealer.CHUNK_BYTES;

  /** What was copied is made durable, and its bits cleared, every so many bytes. */
  private static final long CHECKPOINT_BYTES = 1L << 30;

  private final MirrorLayout layout;
  private final MirrorJoining joining;
  private final MirrorOwed owed;
  private final MirrorCopier copier;
  private final Executor background;
  private final ResyncPace pace;
  private final MirrorPersist persist;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  // All guarded by lock.
  private boolean running;
  private boolean again;
  private volatile boolean stopping;

  MirrorResync(
      MirrorLayout layout,
      MirrorJoining joining,
      MirrorOwed owed,
      MirrorCopier copier,
      Executor background,
      ResyncPace pace,
      MirrorPersist persist) {
    this.layout = layout;
    this.joining = joining;
    this.owed = owed;
    this.copier = copier;
    this.background = background;
    this.pace = pace;
    this.persist = persist;
  }

  /** Starts the worker if it is not running. The caller holds no lock. */
  void start() {
    lock.lock();
    try {
      if (stopping || owed.isEmpty()) {
        return;
      }
      if (running) {
        again = true;
        return;
      }
      running = true;
    } finally {
      lock.unlock();
    }
    try {
      background.execute(this::run);
    } catch (RejectedExecutionException shutDown) {
      LOG.log(System.Logger.Level.WARNING, "nobody is left to resync; it waits", shutDown);
      ended();
    }
  }

  private void run() {
    try {
      do {
        work();
      } while (goesOn());
    } catch (IOException cannot) {
      // The regions stay owed; it starts again when a leg comes or goes, or at the next open.
      LOG.log(System.Logger.Level.WARNING, "resync stops, and its bits stay", cannot);
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
    } finally {
      ended();
    }
  }

  private boolean goesOn() {
    lock.lock();
    try {
      boolean more = again && !stopping;
      again = false;
      return more;
    } finally {
      lock.unlock();
    }
  }

  private void ended() {
    boolean more;
    lock.lock();
    try {
      running = false;
      // Somebody saw a reason to go on just when this gave up.
      more = again && !stopping;
      again = false;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    if (more) {
      start();
    }
  }

  /** Returns when the worker is at rest. */
  void await() throws InterruptedException {
    lock.lock();
    try {
      while (running) {
        changed.await();
      }
    } finally {
      lock.unlock();
    }
  }

  /** Stops the worker, and waits for it. */
  void stop() {
    lock.lock();
    try {
      stopping = true;
      changed.signalAll();
      while (running) {
        changed.awaitUninterruptibly();
      }
    } finally {
      lock.unlock();
    }
  }

  private void work() throws IOException, InterruptedException {
    makeEqual();
    long sinceCheckpoint = 0;
    int region = 0;
    while (!stopping) {
      List<MirrorLeg> wanting = owed.wanting(region);
      if (wanting.isEmpty()) {
        region = owed.nextWanted(region);
        if (region < 0) {
          break;
        }
        wanting = owed.wanting(region);
      }
      copyRegion(region, wanting);
      sinceCheckpoint += layout.region(region).length();
      if (sinceCheckpoint >= CHECKPOINT_BYTES) {
        persist.persistAndClear();
        sinceCheckpoint = 0;
      }
      region = owed.nextWanted(region);
      if (region < 0) {
        break;
      }
    }
    finishLegs();
  }

  private void finishLegs() throws IOException, InterruptedException {
    makeEqual();
    if (stopping) {
      return;
    }
    List<MirrorLeg> complete = owed.complete();
    if (!complete.isEmpty()) {
      persist.persistAndClear();
      for (MirrorLeg leg : complete) {
        joining.finished(leg);
      }
      persist.persistAndClear();
    }
  }

  private void pause(long bytes, long startNanos) throws InterruptedException {
    long wait = pace.waitNanos(bytes, System.nanoTime() - startNanos);
    if (wait <= 0) {
      return;
    }
    lock.lock();
    try {
      long left = wait;
      while (left > 0 && !stopping) {
        left = changed.awaitNanos(left);
      }
    } finally {
      lock.unlock();
    }
  }

  private void copyRegion(int region, List<MirrorLeg> wanting)
      throws IOException, InterruptedException {
    ByteRange whole = layout.region(region);
    for (long at = whole.start(); at < whole.end() && !stopping; at += CHUNK) {
      long start = System.nanoTime();
      ByteRange chunk = new ByteRange(at, Math.min(whole.end(), at + CHUNK));
      copier.copy(chunk, wanting);
      pause(chunk.length(), start);
    }
    if (!stopping) {
      owed.copied(region, wanting);
    }
  }

  private void makeEqual() throws IOException, InterruptedException {
    if (!owed.comparing()) {
      return;
    }
    for (int region = owed.nextApart(); region >= 0 && !stopping; region = owed.nextApart()) {
      long doubtsBefore = owed.doubts();
      ByteRange whole = layout.region(region);
      for (long at = whole.start(); at < whole.end() && !stopping; at += CHUNK) {
        long start = System.nanoTime();
        ByteRange chunk = new ByteRange(at, Math.min(whole.end(), at + CHUNK));
        copier.makeEqual(chunk);
        pause(chunk.length(), start);
      }
      if (!stopping) {
        owed.madeEqual(region, doubtsBefore);
      }
    }
    owed.endComparing();
    if (!stopping) {
      persist.persistAndClear();
    }
  }
}

package io.bezoar.target;

import io.bezoar.dax.PoisonedRangeException;
import io.bezoar.dax.RecoveryPatch;
import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import io.bezoar.media.Units;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Makes legs equal in the background: those in sync where a crash or a half-done write may have
 * left them apart, and those that are behind where they miss something.
 *
 * <p><b>Invariant.</b> What is left to do is in {@link MirrorOwed}, and on media in the
 * write-intent bits. Bytes that no leg in sync has never become good on a leg that is brought up to
 * date: the pages that hold them are retired there.
 *
 * <p><b>Protocol.</b> One worker, started when something is owed, ends when nothing is or when it
 * cannot go on. Each chunk is read and written under its range lock, so that foreground writes come
 * before or after it as a whole; between chunks it holds nothing, and gives way as its pace says.
 */
final class MirrorResync {
  private static final System.Logger LOG = System.getLogger(MirrorResync.class.getName());
  private static final int PAGE = Units.PAGE_BYTES;
  private static final int CHUNK = MirrorHealer.CHUNK_BYTES;

  /** What was copied is made durable, and its bits cleared, every so many bytes. */
  private static final long CHECKPOINT_BYTES = 1L << 30;

  private final MirrorLayout layout;
  private final MirrorMembers members;
  private final MirrorOwed owed;
  private final MirrorHealer healer;
  private final MirrorLocks locks;
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
      MirrorMembers members,
      MirrorOwed owed,
      MirrorHealer healer,
      MirrorLocks locks,
      Executor background,
      ResyncPace pace,
      MirrorPersist persist) {
    this.layout = layout;
    this.members = members;
    this.owed = owed;
    this.healer = healer;
    this.locks = locks;
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
    // A leg that takes its place while others may differ could be read where they say otherwise.
    makeEqual();
    if (stopping) {
      return;
    }
    List<MirrorLeg> complete = owed.complete();
    if (!complete.isEmpty()) {
      persist.persistAndClear();
      for (MirrorLeg leg : complete) {
        members.finished(leg);
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

  // Copying.

  private void copyRegion(int region, List<MirrorLeg> wanting)
      throws IOException, InterruptedException {
    ByteRange whole = layout.region(region);
    for (long at = whole.start(); at < whole.end() && !stopping; at += CHUNK) {
      long start = System.nanoTime();
      ByteRange chunk = new ByteRange(at, Math.min(whole.end(), at + CHUNK));
      try (RowLocks.Held _ = locks.lock(chunk);
          Arena memory = Arena.ofConfined()) {
        MirrorHealer.Gathered gathered = healer.source(chunk, memory);
        for (MirrorLeg leg : wanting) {
          if (members.set().resyncing().contains(leg)) {
            copy(gathered, leg);
          }
        }
      }
      pause(chunk.length(), start);
    }
    if (!stopping) {
      owed.copied(region, wanting);
    }
  }

  /**
   * Gives what stands on legs in sync to every leg that is behind, under the range's lock; whatever
   * they are owed, for a region that was just copied may still be on that list.
   */
  void copyAgain(MirrorHealer.Gathered gathered) throws IOException {
    for (MirrorLeg leg : members.set().resyncing()) {
      copy(gathered, leg);
    }
  }

  private void copy(MirrorHealer.Gathered gathered, MirrorLeg leg) throws IOException {
    if (!gathered.absent().isEmpty()) {
      // It is not lost: to give it up here could lose it when this leg is the one that is left.
      throw members.absent(gathered.absent());
    }
    ByteRanges lostPages = gathered.lost().alignOutward(PAGE);
    try {
      for (ByteRange part : ByteRanges.of(gathered.range()).minus(lostPages).asList()) {
        store(gathered, leg, part);
      }
      for (ByteRange lost : lostPages.asList()) {
        leg.device.retire(lost);
        // What is good beside the loss is good here too, where the leg keeps it apart.
        for (ByteRange good : ByteRanges.of(lost).minus(gathered.lost()).asList()) {
          leg.device.recoveryWrite(good.start(), gathered.slice(good));
        }
      }
    } catch (IOException cannot) {
      members.drop(leg, cannot);
    }
  }

  private static void store(MirrorHealer.Gathered gathered, MirrorLeg leg, ByteRange part)
      throws IOException {
    try {
      leg.device.write(part.start(), gathered.slice(part));
    } catch (PoisonedRangeException inTheWay) {
      var written = leg.device.recoveryWrite(part.start(), gathered.slice(part));
      // What cannot be cleared stays bad there: the other legs have it.
      leg.uncleared(ByteRanges.of(written.notCleared()), ByteRanges.EMPTY);
    }
  }

  // Making equal.

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
        makeEqual(chunk);
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

  /** The first leg in sync is right where it is readable; only what differs is written. */
  private void makeEqual(ByteRange chunk) throws IOException {
    try (RowLocks.Held _ = locks.lock(chunk);
        Arena memory = Arena.ofConfined()) {
      List<MirrorImage> images = healer.look(chunk, memory);
      MirrorHealer.Gathered gathered = healer.gather(chunk, images, memory);
      for (MirrorImage image : images) {
        List<RecoveryPatch> patches = new ArrayList<>();
        for (long at = chunk.start(); at < chunk.end(); at += PAGE) {
          ByteRange page = ByteRange.ofLength(at, PAGE);
          ByteRanges good = ByteRanges.of(page).minus(image.bad()).minus(gathered.missing());
          for (ByteRange part : good.asList()) {
            if (image.slice(part).mismatch(gathered.slice(part)) != -1) {
              patches.add(new RecoveryPatch(part.start(), gathered.slice(part)));
            }
          }
        }
        storeAll(image.leg, patches);
      }
      gathered = healer.heal(gathered, MirrorHealer.Stuck.LEAVE);
      for (MirrorImage image : images) {
        if (!image.absent().isEmpty() && members.set().inSync().contains(image.leg)) {
          // It has to stay in use, and what is not there may differ.
          throw members.absent(image.absent());
        }
      }
      copyToThosePast(chunk, gathered);
    }
  }

  /** Legs that have been copied to here, and took of an unfinished write what nobody else did. */
  private void copyToThosePast(ByteRange chunk, MirrorHealer.Gathered gathered) throws IOException {
    int region = layout.regionOf(chunk.start());
    for (MirrorLeg leg : members.set().resyncing()) {
      if (owed.isPast(leg, region)) {
        copy(gathered, leg);
      }
    }
  }

  private void storeAll(MirrorLeg leg, List<RecoveryPatch> patches) throws IOException {
    try {
      for (RecoveryPatch patch : patches) {
        leg.device.write(patch.offset(), patch.bytes());
      }
    } catch (IOException cannot) {
      // Also poison that struck just now: the recovery write is next to clear it.
      storeOver(leg, patches, cannot);
    }
  }

  private void storeOver(MirrorLeg leg, List<RecoveryPatch> patches, IOException met)
      throws IOException {
    if (!(met instanceof PoisonedRangeException)) {
      members.drop(leg, met);
      return;
    }
    try {
      var written = leg.device.recoveryWrite(patches);
      leg.uncleared(ByteRanges.of(written.notCleared()), ByteRanges.EMPTY);
    } catch (IOException cannot) {
      members.drop(leg, cannot);
    }
  }
}

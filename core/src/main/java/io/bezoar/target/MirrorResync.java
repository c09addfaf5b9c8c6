package io.bezoar.target;

import io.bezoar.dax.PoisonedRangeException;
import io.bezoar.dax.RecoveryPatch;
import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import io.bezoar.media.Units;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Makes legs equal in the background: those in sync where a crash or a half-done write may have
 * left them apart, and those that are behind where they miss something.
 *
 * <p><b>Invariant.</b> A region leaves the list of what is owed only when every leg that it was
 * owed to holds it; its write-intent bit outlives that until a persist has made it durable. So a
 * crash in the middle goes on from the bits that are left. Bytes that no leg in sync has never
 * become good on a leg that is brought up to date: the pages that hold them are retired there.
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

  /** What a leg misses. */
  private static final class Owed {
    final RegionSet regions;
    final int total;
    final long sinceNanos = System.nanoTime();

    Owed(RegionSet regions) {
      this.regions = regions;
      this.total = regions.count();
    }
  }

  /** How the mirror persists; true when every member has everything that was written before. */
  interface Persister {
    void persistAndClear() throws IOException;
  }

  private final MirrorLayout layout;
  private final MirrorMembers members;
  private final MirrorHealer healer;
  private final MirrorLocks locks;
  private final Executor background;
  private final ResyncPace pace;
  private final Persister persister;

  private final Map<MirrorLeg, Owed> owed = new ConcurrentHashMap<>();
  private volatile @Nullable RegionSet apart;
  private final AtomicLong doubts = new AtomicLong();
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  // All guarded by lock.
  private boolean running;
  private boolean again;
  private volatile boolean stopping;

  MirrorResync(
      MirrorLayout layout,
      MirrorMembers members,
      MirrorHealer healer,
      MirrorLocks locks,
      Executor background,
      ResyncPace pace,
      Persister persister) {
    this.layout = layout;
    this.members = members;
    this.healer = healer;
    this.locks = locks;
    this.background = background;
    this.pace = pace;
    this.persister = persister;
  }

  // What is owed.

  /** Legs in sync may differ in these regions: they are read from one leg until made equal. */
  void mayDiffer(BitSet regions) {
    if (regions.isEmpty()) {
      return;
    }
    lock.lock();
    try {
      doubts.incrementAndGet();
      RegionSet now = apart;
      if (now == null) {
        apart = RegionSet.of(layout.regions(), regions);
      } else {
        now.addAll(regions);
      }
    } finally {
      lock.unlock();
    }
  }

  /** True when legs in sync may differ somewhere in a range that is not empty. */
  boolean mayDiffer(long start, long end) {
    RegionSet now = apart;
    return now != null && now.hasAny(layout.regionOf(start), layout.regionOf(end - 1));
  }

  boolean comparing() {
    return apart != null;
  }

  void owe(MirrorLeg leg, BitSet regions) {
    owed.put(leg, new Owed(RegionSet.of(layout.regions(), regions)));
  }

  void forget(MirrorLeg leg) {
    owed.remove(leg);
  }

  /** True when the region's bit has to stay, whatever was persisted. */
  boolean owes(int region) {
    RegionSet now = apart;
    if (now != null && now.has(region)) {
      return true;
    }
    for (Owed each : owed.values()) {
      if (each.regions.has(region)) {
        return true;
      }
    }
    return false;
  }

  @Nullable ResyncProgress progress(MirrorLeg leg) {
    Owed mine = owed.get(leg);
    if (mine == null) {
      return null;
    }
    long left = Math.min(layout.dataBytes(), mine.regions.count() * layout.regionBytes());
    long total = Math.min(layout.dataBytes(), mine.total * layout.regionBytes());
    return ResyncProgress.of(Math.max(0, total - left), total, System.nanoTime() - mine.sinceNanos);
  }

  // The worker.

  /** Starts the worker if it is not running. The caller holds no lock. */
  void start() {
    lock.lock();
    try {
      if (stopping || (apart == null && owed.isEmpty())) {
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
      List<MirrorLeg> wanting = wanting(region);
      if (wanting.isEmpty()) {
        region = nextOwed(region);
        if (region < 0) {
          break;
        }
        wanting = wanting(region);
      }
      copyRegion(region, wanting);
      sinceCheckpoint += layout.region(region).length();
      if (sinceCheckpoint >= CHECKPOINT_BYTES) {
        persister.persistAndClear();
        sinceCheckpoint = 0;
      }
      region = nextOwed(region);
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
    List<MirrorLeg> complete = new ArrayList<>();
    owed.forEach(
        (leg, what) -> {
          if (what.regions.isEmpty()) {
            complete.add(leg);
          }
        });
    if (!complete.isEmpty()) {
      persister.persistAndClear();
      for (MirrorLeg leg : complete) {
        members.finished(leg);
      }
      persister.persistAndClear();
    }
  }

  private List<MirrorLeg> wanting(int region) {
    List<MirrorLeg> wanting = new ArrayList<>();
    owed.forEach(
        (leg, what) -> {
          if (what.regions.has(region)) {
            wanting.add(leg);
          }
        });
    return wanting;
  }

  /** The first region that a leg wants, from one on and then from the beginning; -1 for none. */
  private int nextOwed(int from) {
    int best = -1;
    for (int start : new int[] {from, 0}) {
      for (Owed each : owed.values()) {
        int next = each.regions.next(start);
        if (next >= 0 && (best < 0 || next < best)) {
          best = next;
        }
      }
      if (best >= 0) {
        return best;
      }
    }
    return -1;
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
      members.intent().touched(region);
      for (MirrorLeg leg : wanting) {
        Owed mine = owed.get(leg);
        if (mine != null) {
          mine.regions.remove(region);
        }
      }
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
    RegionSet todo = apart;
    if (todo == null) {
      return;
    }
    for (int region = todo.next(0); region >= 0 && !stopping; region = todo.next(0)) {
      long doubtsBefore = doubts.get();
      ByteRange whole = layout.region(region);
      for (long at = whole.start(); at < whole.end() && !stopping; at += CHUNK) {
        long start = System.nanoTime();
        ByteRange chunk = new ByteRange(at, Math.min(whole.end(), at + CHUNK));
        makeEqual(chunk);
        pause(chunk.length(), start);
      }
      lock.lock();
      try {
        // A write that failed meanwhile may have been in this region: then once more.
        if (!stopping && doubts.get() == doubtsBefore) {
          members.intent().touched(region);
          todo.remove(region);
        }
      } finally {
        lock.unlock();
      }
    }
    lock.lock();
    try {
      if (todo.isEmpty()) {
        apart = null;
      }
    } finally {
      lock.unlock();
    }
    if (!stopping) {
      persister.persistAndClear();
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
      Owed mine = owed.get(leg);
      if (mine != null && !mine.regions.has(region)) {
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

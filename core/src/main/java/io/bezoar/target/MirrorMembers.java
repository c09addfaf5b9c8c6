package io.bezoar.target;

import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.DeviceState;
import io.bezoar.dax.DeviceUnavailableException;
import io.bezoar.target.MirrorTable.Member;
import java.io.IOException;
import java.time.InstantSource;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Which legs are in use, in memory and on media.
 *
 * <p><b>Invariant.</b> What the table on media calls in sync holds every acknowledged write. A leg
 * that fails is out of use at once, in memory; before the next write or persist is acknowledged,
 * {@link #settle} has said so on every leg that is left. So a leg that was left behind can never
 * pass for a good one, unless all that knew better are gone.
 *
 * <p><b>Protocol.</b> The set in use is one immutable value that anybody looks at; it and the table
 * are changed under {@link #lock}. Whoever meets a failure drops the leg here, and goes on with
 * those that are left; the last leg in sync is never dropped: what it throws goes to the caller.
 * Legs that come and go do so in steps, each a method here that wants the lock: {@link
 * MirrorOpening}, {@link MirrorJoining}, {@link MirrorReturning} and {@link MirrorLeaving} put them
 * in order.
 *
 * <p>Lock order: range locks, this, {@link MirrorIntent}, the legs.
 */
final class MirrorMembers {
  private final InstantSource clock;
  private final MirrorTerms terms;
  private final MirrorNotices notices;
  private final MirrorDevices devices;
  private final MirrorIntent intent;
  private final MirrorOwed owed;
  private final MirrorSuperblocks superblocks = new MirrorSuperblocks();

  final ReentrantLock lock = new ReentrantLock();

  // Both written under lock.
  private volatile MirrorSet set;

  /** Something was written since the mirror was opened, or is about to be. */
  private volatile boolean changed;

  MirrorMembers(
      UUID mirror,
      MirrorLayout layout,
      InstantSource clock,
      MirrorTerms terms,
      MirrorNotices notices,
      MirrorDevices devices) {
    this.clock = clock;
    this.terms = terms;
    this.notices = notices;
    this.devices = devices;
    this.set = MirrorSet.of(MirrorTable.first(mirror, List.of(), 0), List.of(), List.of());
    this.intent = new MirrorIntent(layout, this::set);
    this.owed = new MirrorOwed(layout, intent);
  }

  MirrorIntent intent() {
    return intent;
  }

  MirrorOwed owed() {
    return owed;
  }

  /** The legs in use. */
  MirrorSet set() {
    return set;
  }

  /**
   * The legs in use, one of them in sync at least.
   *
   * @throws DeviceUnavailableException when there is none
   */
  MirrorSet usable() throws DeviceUnavailableException {
    MirrorSet now = set;
    if (now.inSync().isEmpty()) {
      throw terms.unavailable(
          DeviceState.OFFLINE, "no leg that holds all of its content is here: bring one back");
    }
    return now;
  }

  // Failing.

  /**
   * Takes a leg out of use that did not do what it was told.
   *
   * @throws IOException {@code why}, in the mirror's terms, when it is the last leg in sync that is
   *     any good
   */
  void drop(MirrorLeg leg, IOException why) throws IOException {
    if (!dropIfSpare(leg, why)) {
      throw terms.ofLast(leg, why);
    }
  }

  /**
   * As {@link #drop}, for who can go on without it.
   *
   * @return false when it is the last leg in sync that is any good, and stays in use
   */
  boolean dropIfSpare(MirrorLeg leg, IOException why) {
    lock.lock();
    try {
      if (!set.uses(leg)) {
        return true;
      }
      if (set.isLastGood(leg)) {
        notices.tellState(set, why.getMessage());
        return false;
      }
      String reason = why.getMessage() == null ? why.toString() : why.getMessage();
      remove(List.of(leg));
      devices.drop(leg, reason);
      notices.tell(set, leg + ": gone (" + reason + ")");
      notices.tellLost(set);
      return true;
    } finally {
      lock.unlock();
    }
  }

  void dropAll(List<MirrorIntent.Failed> failed) throws IOException {
    for (MirrorIntent.Failed each : failed) {
      drop(each.leg(), each.why());
    }
  }

  /** A leg's device changed state by itself. */
  void stateChanged(MirrorLeg leg, String detail) {
    lock.lock();
    try {
      if (set.uses(leg) && !leg.online()) {
        // The state of the last one is that of the mirror, and is told.
        dropIfSpare(
            leg, new DeviceUnavailableException(leg.name(), leg.device.state(), detail, null));
      }
    } finally {
      lock.unlock();
    }
  }

  /** Tells once of the state that the mirror is in. */
  void tellState(@Nullable String detail) {
    lock.lock();
    try {
      notices.tellState(set, detail);
    } finally {
      lock.unlock();
    }
  }

  // What is durable on all.

  /** Stores bits on all legs in sync. */
  interface Bits {
    List<MirrorIntent.Failed> store();
  }

  /** Has bits stored, on those that take them: the others are dropped. */
  void storeBits(Bits bits) throws IOException {
    for (var failed = bits.store(); !failed.isEmpty(); failed = bits.store()) {
      dropAll(failed);
    }
  }

  /**
   * Something is going to be written: from now on a missing leg is left behind. The first time the
   * table gets two new events, one after the other, on every leg in use: so an older copy of a leg,
   * put in its place while nobody looked, is at least two behind, and a leg that a crash kept from
   * the latest is one behind at most. Write-intent bits that a crash left on some legs only are
   * stored on all: who writes relies on it.
   */
  void aboutToChange() throws IOException {
    if (changed) {
      return;
    }
    lock.lock();
    try {
      storeBits(intent::share);
      boolean mirrored = set.table().count() > 1 && set.state() == DeviceState.ONLINE;
      for (int event = 0; !changed && mirrored && event < 2; event++) {
        record(set.leavingBehind(clock.millis()));
      }
      changed = true;
    } finally {
      lock.unlock();
    }
  }

  /**
   * As {@link #settle}, once something was written: whoever only looked, with a leg missing, has
   * not gone on without it.
   */
  void settleIfChanged() throws IOException {
    if (changed) {
      settle();
    }
  }

  /** Makes it durable that legs were dropped; before anything is acknowledged without them. */
  void settle() throws IOException {
    if (!set.owesTable() || set.inSync().isEmpty()) {
      return;
    }
    lock.lock();
    try {
      settleWithLock();
    } finally {
      lock.unlock();
    }
  }

  void settleWithLock() throws IOException {
    while (set.owesTable() && !set.inSync().isEmpty()) {
      store(set.leavingBehind(clock.millis()));
    }
  }

  /** Makes a table durable on all legs in use; one that does not take it is dropped. */
  private void store(MirrorTable next) throws IOException {
    MirrorSet now = set;
    MirrorTable stored = next.storedOn(slot -> now.inSlot(slot) != null);
    List<MirrorIntent.Failed> failed = superblocks.store(stored, now);
    if (failed.size() < now.writable().size()) {
      set = set.withTable(stored);
    }
    dropAll(failed);
  }

  /** Stores a leg's notes anew, from memory. */
  void restoreNotes(MirrorLeg leg) throws IOException {
    lock.lock();
    try {
      if (set.uses(leg) && leg.online()) {
        leg.storeTable(set.table());
        intent.restore(leg);
      }
    } finally {
      lock.unlock();
    }
  }

  // The steps of coming and going. The caller holds the lock.

  /** Locks, for legs to come and go. Those that have left are given back when it is closed. */
  RowLocks.Held change() {
    lock.lock();
    return () -> {
      MirrorDevices.Leaving left = devices.takeLeaving();
      lock.unlock();
      left.giveBack();
    };
  }

  /** These legs are in use now, and no others; {@code behind} have not got the table. */
  void begin(MirrorTable table, List<MirrorLeg> inSync, List<MirrorLeg> behind) {
    superblocks.lag(behind);
    set = MirrorSet.of(table, inSync, List.of());
    notices.knownState(set.state());
  }

  /** The next table, with another member, or none, in a slot; nothing is stored. */
  MirrorTable next(int slot, @Nullable Member member) {
    return set.table().with(slot, member, clock.millis());
  }

  /** This is the table from now on, durably. */
  void record(MirrorTable next) throws IOException {
    store(next);
    settleWithLock();
  }

  /** A leg gets all writes from now on. */
  void addResyncing(MirrorLeg leg) {
    set = set.withResyncing(leg);
  }

  /** A leg holds everything. */
  void addInSync(MirrorLeg leg) {
    set = set.withInSync(leg);
  }

  /** Legs are out of use. Nobody is told yet, in memory or on media. */
  void remove(List<MirrorLeg> legs) {
    MirrorSet left = set;
    for (MirrorLeg leg : legs) {
      left = left.without(leg);
    }
    set = left;
    legs.forEach(owed::forget);
  }

  /** Gives every device back that this mirror has, and returns them. */
  List<DaxDevice> releaseAll() {
    try (RowLocks.Held _ = change()) {
      return devices.leaveAll(set.writable());
    }
  }
}

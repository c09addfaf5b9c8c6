package io.bezoar.target;

import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.DeviceState;
import io.bezoar.dax.DeviceUnavailableException;
import io.bezoar.dax.PoisonEntry;
import io.bezoar.media.ByteRanges;
import io.bezoar.target.MirrorAssembly.Behind;
import io.bezoar.target.MirrorAssembly.Found;
import io.bezoar.target.MirrorAssembly.Missing;
import io.bezoar.target.MirrorAssembly.Plan;
import io.bezoar.target.MirrorAssembly.Rejected;
import io.bezoar.target.MirrorLegException.Reason;
import io.bezoar.target.MirrorTable.Member;
import io.bezoar.target.MirrorTable.State;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Which legs a mirror has, in memory and on media.
 *
 * <p><b>Invariant.</b> What the table on media calls in sync holds every acknowledged write. A leg
 * that fails is out of use at once, in memory; before the next write or persist is acknowledged,
 * {@link #settle} has said so on every leg that is left. So a leg that was left behind can never
 * pass for a good one, unless all that knew better are gone.
 *
 * <p><b>Protocol.</b> The set in use is one immutable value; changes are made under {@link #lock}.
 * A leg that joins has the new table first and the others after it; one that leaves, last. The last
 * leg in sync is never dropped: what it throws goes to the caller.
 *
 * <p>Lock order: range locks, this, {@link MirrorIntent}, the legs.
 */
final class MirrorMembers {
  private static final System.Logger LOG = System.getLogger(MirrorMembers.class.getName());

  private final String name;
  private final UUID mirror;
  private final MirrorLayout layout;
  private final InstantSource clock;
  private final MirrorTerms terms;
  private final MirrorNotices notices;
  private final MirrorAssembly assembly;
  private final MirrorIntent intent;
  private final MirrorOwed owed;
  private final MirrorLeg.Listener listener;
  private final ReentrantLock lock = new ReentrantLock();
  private volatile MirrorSet set;
  private volatile boolean changed;
  private volatile boolean unpersisted;

  // All guarded by lock.
  /** A crash left write-intent bits on some legs only, and they are not on all of them yet. */
  private boolean bitsApart;

  /** Legs that a crash kept from the latest table. */
  private final List<MirrorLeg> lagging = new ArrayList<>();

  private final Map<Integer, MirrorLeg> dropped = new TreeMap<>();
  private final Map<Integer, Rejected> rejected = new TreeMap<>();
  private final Map<Integer, String> reasons = new TreeMap<>();
  private final List<MirrorLeg> leaving = new ArrayList<>();
  private final List<DaxDevice> closing = new ArrayList<>();

  MirrorMembers(
      String name,
      UUID mirror,
      MirrorLayout layout,
      MirrorOptions options,
      MirrorTerms terms,
      MirrorNotices notices,
      MirrorLeg.Listener listener) {
    this.name = name;
    this.mirror = mirror;
    this.layout = layout;
    this.clock = options.clock();
    this.terms = terms;
    this.notices = notices;
    this.listener = listener;
    this.assembly = new MirrorAssembly(terms, mirror, layout, options.prefer());
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

  // Opening.

  /** Makes legs the first members of a new mirror, durably. */
  static void format(UUID mirror, MirrorLayout layout, List<DaxDevice> devices) throws IOException {
    List<UUID> uuids = devices.stream().map(_ -> UUID.randomUUID()).toList();
    MirrorTable table = MirrorTable.first(mirror, uuids, System.currentTimeMillis());
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment words =
          arena.allocate((long) layout.words() * MirrorLayout.WORD_BYTES, MirrorLayout.WORD_BYTES);
      for (int slot = 0; slot < devices.size(); slot++) {
        ChildIo io = new ChildIo(devices.get(slot));
        for (int copy = 0; copy < 2; copy++) {
          for (int i = 0; i < layout.words(); i++) {
            long word = layout.encodeWord(mirror, uuids.get(slot), copy, i, 0);
            MirrorLayout.putWord(words, (long) i * MirrorLayout.WORD_BYTES, word);
          }
          io.store(layout.wordsAt(copy), words);
        }
        MirrorLeg.storeTable(io, layout, slot, table);
      }
    }
  }

  /** Looks at all devices, decides, and takes them. */
  void open(Map<Integer, DaxDevice> devices) throws IOException {
    List<Found> found = new ArrayList<>();
    for (Map.Entry<Integer, DaxDevice> each : new TreeMap<>(devices).entrySet()) {
      try {
        found.add(assembly.look(each.getKey(), each.getValue()));
      } catch (MirrorLegException | DeviceUnavailableException notOurs) {
        reject(each.getKey(), each.getValue(), notOurs);
      }
    }
    Plan plan = assembly.decide(found);
    if (plan.table() == null && rejectedOnly(plan) && !devices.isEmpty()) {
      throw rejected.values().iterator().next().why();
    }
    lock.lock();
    try {
      adopt(plan);
    } finally {
      lock.unlock();
      releaseLeaving();
    }
  }

  private boolean rejectedOnly(Plan plan) {
    return plan.rejected().isEmpty() && !rejected.isEmpty();
  }

  private void reject(int slot, DaxDevice device, IOException why) {
    MirrorLegException refusal = terms.refused(slot, why);
    rejected.put(slot, new Rejected(slot, device, refusal));
    reasons.put(slot, refusal.getReason());
  }

  /** Takes the legs that are good, and sees to those that are behind. */
  private void adopt(Plan plan) throws IOException {
    plan.rejected().forEach(each -> reject(each.slot(), each.device(), each.why()));
    MirrorTable table = plan.table();
    if (table == null) {
      notices.knownState(DeviceState.OFFLINE);
      return;
    }
    boolean writable =
        plan.inSync().stream().anyMatch(leg -> leg.device().state() == DeviceState.ONLINE);
    List<MirrorLeg> inSync = new ArrayList<>();
    for (Found leg : plan.inSync()) {
      MirrorLeg taken = take(leg);
      if (writable && !taken.online()) {
        dropped.put(taken.slot, taken);
        reasons.put(taken.slot, "the device is " + leg.device().state());
      } else {
        inSync.add(taken);
        if (leg.table().event() < table.event()) {
          lagging.add(taken);
        }
      }
    }
    set = MirrorSet.of(table, inSync, List.of());
    notices.knownState(set.state());
    if (writable) {
      mendTables(inSync);
    }
    boolean mirrored = table.count() > 1;
    BitSet mayDiffer = mirrored ? loadBits(inSync) : new BitSet();
    if (inSync.size() > 1) {
      owed.doubt(mayDiffer);
    }
    for (Behind leg : plan.behind()) {
      if (writable && leg.leg().device().state() == DeviceState.ONLINE) {
        try {
          rejoin(leg.leg(), leg.missing());
        } catch (IOException cannot) {
          usable();
          reject(leg.leg().slot(), leg.leg().device(), cannot);
        }
      } else {
        dropped.put(leg.leg().slot(), take(leg.leg()));
        reasons.put(leg.leg().slot(), "misses writes, and cannot be written to");
      }
    }
  }

  /** Where a crash has cut one copy of a superblock, the next fault could take the other. */
  private void mendTables(List<MirrorLeg> legs) {
    for (MirrorLeg leg : legs) {
      try {
        if (!leg.holdsTableTwice()) {
          leg.storeTable(set.table());
        }
      } catch (IOException cannot) {
        // It is dropped when it does not take the first write either.
        LOG.log(System.Logger.Level.WARNING, leg + " has its superblock but once", cannot);
      }
    }
  }

  private MirrorLeg take(Found leg) throws IOException {
    return new MirrorLeg(
        leg.slot(), leg.uuid(), mirror, leg.device(), layout, "mirror " + name, listener);
  }

  /** The union of what the legs say; a word that no leg has is taken for all ones. */
  private BitSet loadBits(List<MirrorLeg> legs) throws IOException {
    int[] bits = new int[layout.words()];
    boolean[] sound = new boolean[layout.words()];
    List<int[]> each = new ArrayList<>();
    for (MirrorLeg leg : legs) {
      int[] here = new int[layout.words()];
      boolean[] soundHere = leg.loadWords(here);
      for (int i = 0; i < sound.length; i++) {
        sound[i] |= soundHere[i];
        bits[i] |= here[i];
      }
      each.add(here);
    }
    bitsApart = each.stream().anyMatch(here -> !Arrays.equals(here, each.getFirst()));
    for (int i = 0; i < sound.length; i++) {
      if (!sound[i]) {
        bits[i] = -1;
      }
    }
    intent.load(bits);
    return intent.snapshot();
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
        tellState(why.getMessage());
        return false;
      }
      set = set.without(leg);
      dropped.put(leg.slot, leg);
      String reason = why.getMessage() == null ? why.toString() : why.getMessage();
      reasons.put(leg.slot, reason);
      owed.forget(leg);
      notices.tell(set, leg + ": gone (" + reason + ")");
      tellLostWith(leg);
      return true;
    } finally {
      lock.unlock();
    }
  }

  /** What the others had lost already is lost now that this one is gone. */
  private void tellLostWith(MirrorLeg leg) {
    List<MirrorLeg> left = set.inSync();
    if (left.isEmpty() || set.resyncing().contains(leg)) {
      return;
    }
    List<PoisonEntry> common = MirrorHealer.commonPoison(left, layout.data());
    for (PoisonEntry entry : common) {
      if (entry.isExact()) {
        notices.raiseLost(entry.cause(), left.getFirst(), ByteRanges.of(entry.range()));
      }
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

  /**
   * Something is going to be written: from now on a missing leg is left behind. The first time the
   * table gets two new events, one after the other, on every leg in use: so an older copy of a leg,
   * put in its place while nobody looked, is at least two behind, and a leg that a crash kept from
   * the latest is one behind at most. Write-intent bits that a crash left on some legs only are
   * stored on all: who writes relies on it.
   */
  void aboutToChange() throws IOException {
    unpersisted = true;
    if (changed) {
      return;
    }
    lock.lock();
    try {
      shareBits();
      boolean mirrored = set.table().count() > 1 && set.state() == DeviceState.ONLINE;
      for (int event = 0; !changed && mirrored && event < 2; event++) {
        store(set.leavingBehind(clock.millis()));
        settleWithLock();
      }
      changed = true;
    } finally {
      lock.unlock();
    }
  }

  /** What was written so far is being made durable; what is written from now on is not. */
  void persisting() {
    unpersisted = false;
  }

  /** It was not. */
  void notPersisted() {
    unpersisted = true;
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

  private void settleWithLock() throws IOException {
    while (set.owesTable() && !set.inSync().isEmpty()) {
      store(set.leavingBehind(clock.millis()));
    }
  }

  /**
   * Makes a table durable on all legs in use; one that does not take it is dropped. A leg that a
   * crash kept from the latest gets that one first: after another crash it would be two behind, as
   * an old copy is.
   */
  private void store(MirrorTable next) throws IOException {
    MirrorSet now = set;
    List<MirrorLeg> legs = now.writable();
    MirrorTable stored = next.storedOn(slot -> now.inSlot(slot) != null);
    List<MirrorIntent.Failed> failed = new ArrayList<>();
    for (MirrorLeg leg : legs) {
      if (lagging.contains(leg)) {
        store(set.table(), leg, failed);
      }
    }
    lagging.clear();
    for (MirrorLeg leg : legs) {
      if (failed.stream().noneMatch(each -> each.leg() == leg)) {
        store(stored, leg, failed);
      }
    }
    if (failed.size() < legs.size()) {
      set = set.withTable(stored);
    }
    dropAll(failed);
  }

  private static void store(MirrorTable table, MirrorLeg leg, List<MirrorIntent.Failed> failed) {
    try {
      leg.storeTable(table);
    } catch (IOException cannot) {
      failed.add(new MirrorIntent.Failed(leg, cannot));
    }
  }

  // Coming and going.

  /** Makes a device a new leg, with everything to be copied to it. */
  void attach(int slot, DaxDevice device) throws IOException {
    lock.lock();
    try {
      if (set.table().member(slot) != null) {
        throw terms.refused(slot, Reason.SLOT_TAKEN, "is a member already: detach it first");
      }
      checkJoinable(slot, device);
      UUID uuid = UUID.randomUUID();
      MirrorLeg leg = new MirrorLeg(slot, uuid, mirror, device, layout, "mirror " + name, listener);
      join(leg, Missing.ALL, () -> {});
    } finally {
      lock.unlock();
      releaseLeaving();
    }
  }

  private void checkJoinable(int slot, DaxDevice device) throws IOException {
    if (device.sizeBytes() < layout.legBytes()) {
      throw terms.refused(
          slot,
          Reason.WRONG_SIZE,
          device.info().name()
              + " has "
              + device.sizeBytes()
              + " bytes, and a leg needs "
              + layout.legBytes());
    }
    if (device.state() != DeviceState.ONLINE) {
      throw new DeviceUnavailableException(
          device.info().name(), device.state(), "a leg must be writable", null);
    }
    if (usable().state() != DeviceState.ONLINE) {
      throw terms.unavailable(set.state(), "the mirror must be writable for a leg to join");
    }
  }

  private interface BitsLoader {
    void load() throws IOException;
  }

  /** Puts a leg into use that has to be brought up to date. */
  private void join(MirrorLeg leg, Missing missing, BitsLoader ownBits) throws IOException {
    boolean joined = false;
    // No bit may be cleared between the look at the bits and the leg's being in use.
    intent.lock.lock();
    try {
      settleWithLock();
      if (missing == Missing.ALL) {
        while (true) {
          List<MirrorIntent.Failed> failed = intent.setAll();
          if (failed.isEmpty()) {
            break;
          }
          dropAll(failed);
        }
      } else {
        ownBits.load();
      }
      MirrorTable next =
          set.table().with(leg.slot, new Member(leg.uuid, State.RESYNCING, 0), clock.millis());
      leg.storeTable(next.storedOn(slot -> slot == leg.slot || set.inSlot(slot) != null));
      owed.owe(leg, intent.snapshot());
      set = set.withResyncing(leg);
      joined = true;
      replaced(leg.slot);
      reasons.remove(leg.slot);
      store(next);
      settleWithLock();
      notices.tell(set, leg + ": being brought up to date");
    } finally {
      intent.lock.unlock();
      if (!joined) {
        leaving.add(leg);
      }
    }
  }

  /** Another device stands in this slot now: the one before is given back, and closed. */
  private void replaced(int slot) {
    MirrorLeg former = dropped.remove(slot);
    if (former != null) {
      leaving.add(former);
      closing.add(former.device);
    }
    Rejected odd = rejected.remove(slot);
    MirrorLeg now = set.inSlot(slot);
    if (odd != null && (now == null || !isSame(now.device, odd.device()))) {
      closing.add(odd.device());
    }
  }

  private void rejoin(Found found, Missing missing) throws IOException {
    MirrorLeg leg = take(found);
    join(
        leg,
        missing,
        () -> {
          if (found.callsItselfInSync()) {
            addBits(leg);
          }
        });
  }

  /**
   * Where this leg was written to and the others perhaps not, only it knows. It has bits of its own
   * from being in sync; what it took while it was behind, those in sync have noted.
   */
  private void addBits(MirrorLeg leg) throws IOException {
    int[] bits = new int[layout.words()];
    boolean[] sound = leg.loadWords(bits);
    for (int i = 0; i < bits.length; i++) {
      if (!sound[i]) {
        bits[i] = -1;
      }
    }
    addBits(bits);
  }

  /** A bit that a crash left on one leg only is no use once that leg is gone. */
  private void shareBits() throws IOException {
    if (bitsApart) {
      addBits(new int[layout.words()]);
      bitsApart = false;
    }
  }

  private void addBits(int[] bits) throws IOException {
    while (true) {
      List<MirrorIntent.Failed> failed = intent.add(bits);
      if (failed.isEmpty()) {
        return;
      }
      dropAll(failed);
    }
  }

  /** Takes a leg back that was away. */
  void returned(int slot, DaxDevice device) throws IOException {
    Found found = assembly.look(slot, device);
    boolean same = letGoOf(slot, device);
    try {
      takeBack(found);
    } catch (IOException | RuntimeException refused) {
      if (same) {
        keepForClosing(slot, device, refused);
      }
      throw refused;
    }
  }

  /** Devices have no equality but that of being the same one. */
  @SuppressWarnings("ReferenceEquality")
  private static boolean isSame(DaxDevice one, DaxDevice other) {
    return one == other;
  }

  /** A device that was dropped and is well again, itself, is held from before. */
  private boolean letGoOf(int slot, DaxDevice device) {
    lock.lock();
    try {
      MirrorLeg before = dropped.get(slot);
      if (before == null || !isSame(before.device, device)) {
        return false;
      }
      dropped.remove(slot);
      leaving.add(before);
    } finally {
      lock.unlock();
    }
    releaseLeaving();
    return true;
  }

  private void keepForClosing(int slot, DaxDevice device, Exception why) {
    lock.lock();
    try {
      reject(slot, device, new IOException(why));
    } finally {
      lock.unlock();
    }
  }

  /** A device that was dropped says that it is well again. */
  void recovered(MirrorLeg leg) throws IOException {
    lock.lock();
    try {
      if (dropped.get(leg.slot) != leg || !leg.online()) {
        return;
      }
    } finally {
      lock.unlock();
    }
    returned(leg.slot, leg.device);
  }

  private void takeBack(Found found) throws IOException {
    int slot = found.slot();
    DaxDevice device = found.device();
    lock.lock();
    try {
      MirrorLeg there = set.inSlot(slot);
      if (there != null && set.state() != DeviceState.OFFLINE) {
        if (there.online()) {
          throw terms.refused(slot, Reason.SLOT_TAKEN, "is in use already");
        }
        drop(there, new DeviceUnavailableException(there.name(), there.device.state(), "", null));
      }
      if (set.state() == DeviceState.OFFLINE) {
        bringUp(found);
        return;
      }
      checkJoinable(slot, device);
      Member member = set.table().member(slot);
      if (member == null || !member.uuid().equals(found.uuid())) {
        throw assembly.stale(slot, found.table());
      }
      List<Found> here = ours();
      if (!assembly.prefersOneOf(set) && MirrorAssembly.wentOnAlone(found, here)) {
        throw assembly.conflict(here.getFirst(), found);
      }
      settleWithLock();
      Member left = set.table().member(slot);
      rejoin(found, MirrorAssembly.missing(found, left == null ? member : left, here));
    } finally {
      lock.unlock();
      releaseLeaving();
    }
  }

  /** Gives devices back, with no lock held: their last notice may be on its way here. */
  private void releaseLeaving() {
    List<MirrorLeg> legs;
    List<DaxDevice> devices;
    lock.lock();
    try {
      legs = List.copyOf(leaving);
      leaving.clear();
      devices = List.copyOf(closing);
      closing.clear();
    } finally {
      lock.unlock();
    }
    legs.forEach(MirrorLeg::release);
    for (DaxDevice device : devices) {
      try {
        device.close();
      } catch (IOException cannot) {
        LOG.log(
            System.Logger.Level.WARNING,
            name + ": " + device.info().name() + " was replaced, and does not close",
            cannot);
      }
    }
  }

  private List<Found> ours() {
    return set.inSync().stream().map(leg -> new Found(leg.slot, leg.device, set.table())).toList();
  }

  /** The first leg that comes back to a mirror of which none was left. */
  private void bringUp(Found found) throws IOException {
    if (unpersisted) {
      // It may have lost them; who reads them as good, or is told that they are durable, is
      // deceived.
      throw terms.refused(
          found.slot(),
          Reason.BEHIND,
          found.device().info().name()
              + " was the last leg, and went away with writes that were not made durable:"
              + " close the pool and open it again");
    }
    Plan plan = assembly.decide(List.of(found));
    MirrorTable table = plan.table();
    if (table == null) {
      throw plan.rejected().getFirst().why();
    }
    MirrorTable known = set.table();
    if (table.event() < known.event() && !known.is(found.slot(), State.IN_SYNC)) {
      throw terms.refused(
          found.slot(),
          Reason.BEHIND,
          found.device().info().name()
              + " misses writes that were acknowledged: bring back another leg first");
    }
    for (MirrorLeg dead : set.writable()) {
      dropped.put(dead.slot, dead);
      owed.forget(dead);
    }
    reasons.remove(found.slot());
    adopt(plan);
    replaced(found.slot());
    notices.tell(set, "leg " + found.slot() + " (" + found.device().info().name() + "): back");
  }

  /** A leg whose content is complete now. */
  void finished(MirrorLeg leg) throws IOException {
    lock.lock();
    try {
      if (!set.resyncing().contains(leg)) {
        return;
      }
      intent.lock.lock();
      try {
        intent.storeAll(leg);
        set = set.withInSync(leg);
      } catch (IOException cannot) {
        drop(leg, cannot);
        return;
      } finally {
        intent.lock.unlock();
      }
      store(set.table().with(leg.slot, new Member(leg.uuid, State.IN_SYNC, 0), clock.millis()));
      settleWithLock();
      owed.forget(leg);
      notices.tell(set, leg + ": in sync");
    } finally {
      lock.unlock();
    }
  }

  /**
   * Checks that a leg may go.
   *
   * @return the leg; null when it is not in use
   */
  @Nullable MirrorLeg checkDispensable(int slot) throws IOException {
    MirrorLeg leg = set.inSlot(slot);
    if (leg == null || !set.inSync().contains(leg)) {
      return leg;
    }
    List<MirrorLeg> others = set.without(leg).inSync().stream().filter(MirrorLeg::online).toList();
    if (others.isEmpty()) {
      throw terms.refused(
          slot,
          Reason.LAST_COPY,
          leg.name()
              + " holds the only complete copy: attach another leg, and wait until it is in sync");
    }
    if (set.inSync().getFirst() == leg && owed.comparing()) {
      throw terms.refused(
          slot,
          Reason.LAST_COPY,
          "the others are being made equal to it after a crash: wait until that is done");
    }
    ByteRanges onlyHere =
        MirrorHealer.commonLost(others, layout.data())
            .minus(MirrorHealer.commonLost(set.inSync(), layout.data()));
    if (!onlyHere.isEmpty()) {
      throw terms.refused(
          slot,
          Reason.BYTES_ONLY_HERE,
          "bytes "
              + onlyHere.asList().getFirst()
              + " and "
              + (onlyHere.totalBytes() - onlyHere.asList().getFirst().length())
              + " more are nowhere else: scrub the mirror, or replace the device that lost them");
    }
    return leg;
  }

  /** Takes a leg out of use, durably, as {@code left} (null: no member any more). */
  void leave(MirrorLeg leg, @Nullable State left, String detail) throws IOException {
    lock.lock();
    try {
      Member member = set.table().member(leg.slot);
      if (member == null || set.inSlot(leg.slot) != leg) {
        throw terms.refused(leg.slot, Reason.NO_SUCH_LEG, "is not in use");
      }
      shareBits();
      checkDispensable(leg.slot);
      set = set.without(leg);
      owed.forget(leg);
      Member out = new Member(leg.uuid, State.OUT, member.lastEvent());
      MirrorTable next = set.table().with(leg.slot, left == null ? null : out, clock.millis());
      store(next);
      settleWithLock();
      reasons.put(leg.slot, detail);
      tellLeaving(leg, next.with(leg.slot, out, next.atMillis()));
      notices.tell(set, leg + ": " + detail);
    } finally {
      lock.unlock();
    }
  }

  /** Best effort: a leg that is told cannot be taken for a good one when it is found alone. */
  private void tellLeaving(MirrorLeg leg, MirrorTable last) {
    try {
      leg.storeTable(last);
    } catch (IOException cannot) {
      LOG.log(System.Logger.Level.WARNING, leg + " cannot be told that it leaves", cannot);
    }
  }

  /**
   * Gives the device in a slot back though it may be the last: it is gone, or about to go. It stays
   * a member that may return. Durable with the next write, as when a leg fails.
   *
   * @return its device, if there is one
   */
  @Nullable DaxDevice letGone(int slot, String why) {
    lock.lock();
    try {
      MirrorLeg leg = set.inSlot(slot);
      if (leg == null) {
        MirrorLeg former = dropped.remove(slot);
        Rejected odd = rejected.remove(slot);
        if (former != null) {
          leaving.add(former);
          return former.device;
        }
        return odd == null ? null : odd.device();
      }
      MirrorSet left = set.without(leg);
      if (left.inSync().isEmpty()) {
        // Nobody can bring the others up to date now.
        for (MirrorLeg behind : left.resyncing()) {
          left = left.without(behind);
          dropped.put(behind.slot, behind);
          owed.forget(behind);
        }
      }
      set = left;
      owed.forget(leg);
      reasons.put(slot, why);
      leaving.add(leg);
      notices.tell(set, leg + ": gone (" + why + ")");
      if (!left.inSync().isEmpty()) {
        tellLostWith(leg);
      }
      return leg.device;
    } finally {
      lock.unlock();
      releaseLeaving();
    }
  }

  /**
   * Forgets a member that is not in use.
   *
   * @return its device, if it is still there
   */
  @Nullable DaxDevice forget(int slot) throws IOException {
    lock.lock();
    try {
      MirrorLeg gone = dropped.get(slot);
      Rejected odd = rejected.get(slot);
      if (set.table().member(slot) == null && odd == null) {
        throw terms.refused(slot, Reason.NO_SUCH_LEG, "is no member");
      }
      if (set.table().member(slot) != null) {
        usable();
        store(set.table().with(slot, null, clock.millis()));
        settleWithLock();
        notices.tell(set, "leg " + slot + ": forgotten");
      }
      dropped.remove(slot);
      rejected.remove(slot);
      reasons.remove(slot);
      if (gone != null) {
        leaving.add(gone);
        return gone.device;
      }
      return odd == null ? null : odd.device();
    } finally {
      lock.unlock();
      releaseLeaving();
    }
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

  // For people, and for closing.

  List<LegStatus> status() {
    lock.lock();
    try {
      List<LegStatus> legs = new ArrayList<>();
      for (int slot = 0; slot < MirrorTable.SLOTS; slot++) {
        Member member = set.table().member(slot);
        if (member != null || rejected.containsKey(slot)) {
          legs.add(status(slot, member));
        }
      }
      return legs;
    } finally {
      lock.unlock();
    }
  }

  private LegStatus status(int slot, @Nullable Member member) {
    MirrorLeg leg = set.inSlot(slot);
    String why = reasons.getOrDefault(slot, "");
    long event = member == null ? 0 : member.lastEvent();
    if (leg != null && set.inSync().contains(leg)) {
      return new LegStatus(slot, leg.name(), LegStatus.State.IN_SYNC, event, 0, null, why);
    }
    if (leg != null) {
      ResyncProgress progress = owed.progress(leg);
      long behind = progress == null ? 0 : progress.totalBytes() - progress.doneBytes();
      return new LegStatus(
          slot, leg.name(), LegStatus.State.RESYNCING, event, behind, progress, why);
    }
    long behind =
        Math.min(layout.dataBytes(), intent.snapshot().cardinality() * layout.regionBytes());
    MirrorLeg gone = dropped.get(slot);
    Rejected odd = rejected.get(slot);
    if (gone == null && odd == null) {
      return new LegStatus(slot, "", LegStatus.State.MISSING, event, behind, null, why);
    }
    String device = gone != null ? gone.name() : odd == null ? "" : odd.device().info().name();
    return new LegStatus(slot, device, LegStatus.State.FAILED, event, behind, null, why);
  }

  /** Gives every device back that this mirror has, and returns them. */
  List<DaxDevice> releaseAll() {
    List<DaxDevice> devices = new ArrayList<>();
    lock.lock();
    try {
      leaving.addAll(set.writable());
      leaving.addAll(dropped.values());
      leaving.forEach(leg -> devices.add(leg.device));
      rejected.values().forEach(each -> devices.add(each.device()));
    } finally {
      lock.unlock();
    }
    releaseLeaving();
    return devices;
  }
}

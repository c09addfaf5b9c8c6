package io.bezoar.target;

import io.bezoar.dax.Claim;
import io.bezoar.dax.Confidence;
import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.DeviceClaimedException;
import io.bezoar.dax.DeviceCounters;
import io.bezoar.dax.DeviceInfo;
import io.bezoar.dax.DeviceState;
import io.bezoar.dax.DeviceUnavailableException;
import io.bezoar.dax.Holder;
import io.bezoar.dax.NoticeDispatcher;
import io.bezoar.dax.Patches;
import io.bezoar.dax.PoisonEntry;
import io.bezoar.dax.RecoveryPatch;
import io.bezoar.dax.RecoveryRead;
import io.bezoar.dax.RecoveryWrite;
import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import io.bezoar.media.Cause;
import io.bezoar.media.Media;
import io.bezoar.media.Units;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;

/**
 * One device of one to eight legs that hold the same bytes.
 *
 * <p><b>Threat.</b> A leg loses bytes, all of it goes away and comes back older, an old copy or a
 * stranger takes its place; the power goes at any store, so that a write has reached some legs and
 * not others; two legs go on without each other.
 *
 * <p><b>Invariant.</b> Every byte that was acknowledged is on every leg that the table on media
 * calls in sync, or on that leg's list of what is bad. Legs in sync hold the same bytes wherever no
 * write-intent bit is set. What is lost is exactly what every leg in sync has lost.
 *
 * <p><b>Protocol.</b> A read goes to one leg in sync, for one place always the same, so that an
 * unfinished write does not show and vanish; it takes no lock. What that leg lacks comes from
 * another, and is healed on the way ({@link MirrorHealer}). A change goes to all legs under the
 * place's range locks, after its write-intent is durable ({@link MirrorChanges}, {@link
 * MirrorIntent}). Which legs are in use, and what failed, is in {@link MirrorMembers}; what they
 * miss, in {@link MirrorOwed}, is copied by {@link MirrorResync}. A mirror of one leg writes no
 * notes, and only passes through. Layout: {@link MirrorLayout}.
 *
 * <p>Lock order: range locks, members, write-intent, the legs; notices are only queued under them.
 * Thread-safe.
 */
public final class MirroredTarget implements DaxDevice {
  /** Most legs of a mirror; their slots are 0 to 7. */
  public static final int LEGS_MAX = MirrorTable.SLOTS;

  private static final System.Logger LOG = System.getLogger(MirroredTarget.class.getName());
  private static final int PAGE = Units.PAGE_BYTES;

  /** Reads of one stretch of this size, or of a region where that is more, go to one leg. */
  private static final long STRETCH_BYTES = 1 << 20;

  /** A small device has some stretches all the same, so that every leg serves. */
  private static final int STRETCHES_AT_LEAST = 4;

  private final String name;
  private final MirrorLayout layout;
  private final NoticeDispatcher dispatcher;
  private final MirrorMembers members;
  private final MirrorStatus status;
  private final MirrorJoining joining;
  private final MirrorReturning returning;
  private final MirrorLeaving leaving;
  private final MirrorHealer healer;
  private final MirrorLocks locks = new MirrorLocks();
  private final MirrorResync resync;
  private final MirrorWriter writer;
  private final MirrorReader reader;
  private final MirrorScrub scrub;
  private final MirrorPersist persist;
  private volatile boolean closed;

  private MirroredTarget(
      String name,
      UUID mirror,
      long dataBytes,
      Map<Integer, DaxDevice> legs,
      MirrorOptions options,
      NoticeDispatcher dispatcher)
      throws IOException {
    this.name = name;
    this.layout = MirrorLayout.of(dataBytes);
    this.dispatcher = dispatcher;
    MirrorTerms terms = new MirrorTerms(name, layout);
    MirrorNotices notices = new MirrorNotices(dispatcher, layout.data());
    MirrorAbsorber absorber = new MirrorAbsorber(layout, notices, locks);
    MirrorDevices devices = new MirrorDevices(name, mirror, layout, terms, absorber);
    this.members = new MirrorMembers(mirror, layout, options.clock(), terms, notices, devices);
    MirrorIntent intent = members.intent();
    MirrorOwed owed = members.owed();
    this.status = new MirrorStatus(layout, members, intent, owed, devices);

    this.persist = new MirrorPersist(terms, members, intent, owed, options.clock());
    this.healer = new MirrorHealer(layout, members, owed, notices);
    MirrorCopier copier = new MirrorCopier(terms, layout, members, owed, healer, locks);
    MirrorChanges changes = new MirrorChanges(layout, members, intent, owed, locks, persist);
    this.writer = new MirrorWriter(terms, layout, members, healer, copier, changes);
    long share = Math.max(1, Long.highestOneBit(dataBytes / STRETCHES_AT_LEAST));
    long stretch = Math.max(layout.regionBytes(), Math.min(STRETCH_BYTES, share));
    this.reader = new MirrorReader(terms, stretch, members, healer, locks, owed);
    this.scrub = new MirrorScrub(terms, members, owed, healer, locks, changes, writer);

    MirrorAssembly assembly = new MirrorAssembly(terms, mirror, layout, options.prefer());
    this.joining = new MirrorJoining(layout, terms, notices, devices, members);
    MirrorOpening opening = new MirrorOpening(layout, notices, assembly, devices, members, joining);
    this.returning =
        new MirrorReturning(terms, notices, assembly, devices, members, persist, opening, joining);
    this.leaving = new MirrorLeaving(layout, terms, notices, devices, members, locks, persist);
    this.resync =
        new MirrorResync(
            layout, joining, owed, copier, options.background(), options.pace(), persist);
    try {
      opening.open(legs);
      notices.knownLost(MirrorHealer.commonLost(members.set().inSync(), layout.data()));
    } catch (IOException | RuntimeException failed) {
      members.releaseAll();
      throw failed;
    }
    absorber.begin(members, healer, returning, resync);
  }

  /** Bytes of content of a mirror of which the smallest leg has {@code childBytes}; 0 for none. */
  public static long dataBytes(long childBytes) {
    long data = childBytes / PAGE * PAGE;
    while (data > 0 && data + MirrorLayout.metaBytes(data) > childBytes) {
      data -= Math.max(PAGE, (data + MirrorLayout.metaBytes(data) - childBytes) / PAGE * PAGE);
    }
    return Math.max(0, data);
  }

  /**
   * Makes a new mirror, durably; nothing but the tail of each leg is written, so the legs must hold
   * the same content, as new files do.
   *
   * @param mirror its identity
   * @param dataBytes size of its content, see {@link #dataBytes(long)}
   * @param legs those for slots 0, 1, ...; nobody may hold them
   * @throws IllegalArgumentException when there are none, too many, or one is too small
   */
  public static void format(UUID mirror, long dataBytes, List<DaxDevice> legs) throws IOException {
    MirrorLayout layout = MirrorLayout.of(dataBytes);
    if (legs.isEmpty() || legs.size() > LEGS_MAX) {
      throw new IllegalArgumentException(legs.size() + " legs");
    }
    for (DaxDevice leg : legs) {
      if (leg.sizeBytes() < layout.legBytes()) {
        throw new IllegalArgumentException(
            leg.info().name()
                + " has "
                + leg.sizeBytes()
                + " bytes, and a leg needs "
                + layout.legBytes());
      }
    }
    List<UUID> uuids = legs.stream().map(_ -> UUID.randomUUID()).toList();
    MirrorTable table = MirrorTable.first(mirror, uuids, System.currentTimeMillis());
    for (int slot = 0; slot < legs.size(); slot++) {
      MirrorLeg.format(legs.get(slot), layout, slot, uuids.get(slot), table);
    }
  }

  /**
   * Takes the legs that are there, and begins to bring those up to date that are behind.
   *
   * <p>Missing legs are no obstacle; they are left behind, durably, at the first write. A device
   * that does not belong in its slot is not written to: the mirror goes on without it, and {@link
   * #legs} says why. With no leg at all the mirror is {@code OFFLINE} until one returns.
   *
   * @param name stands in messages
   * @param mirror the identity that the legs must have
   * @param dataBytes the size that they were made for
   * @param legs by slot; they are closed with this device, and left alone when this throws
   * @param notices carries what this device tells
   * @throws MirrorConflictException when legs went on alone and none is preferred
   * @throws MirrorLegException when there are devices, and none belongs here
   */
  public static MirroredTarget open(
      String name,
      UUID mirror,
      long dataBytes,
      Map<Integer, DaxDevice> legs,
      MirrorOptions options,
      NoticeDispatcher notices)
      throws IOException {
    for (int slot : legs.keySet()) {
      Objects.checkIndex(slot, LEGS_MAX);
    }
    MirroredTarget target = new MirroredTarget(name, mirror, dataBytes, legs, options, notices);
    target.resync.start();
    return target;
  }

  // The legs.

  /** Every member, and every device that was handed in for a slot, by slot. */
  public List<LegStatus> legs() {
    return status.legs();
  }

  /**
   * Makes a device a new leg; everything is copied to it in the background.
   *
   * @param slot a free one
   * @param leg at least as large as the content and its notes; its content is overwritten; closed
   *     with this device from now on, and left alone when this throws
   * @throws MirrorLegException when the slot is taken or the device too small
   * @throws DeviceUnavailableException when it, or this device, cannot be written to
   */
  public void attach(int slot, DaxDevice leg) throws IOException {
    Objects.checkIndex(slot, LEGS_MAX);
    checkOpen();
    joining.attach(slot, leg);
    resync.start();
  }

  /**
   * Ends a leg's membership, durably.
   *
   * @return its device, open, which the caller closes
   * @throws MirrorLegException when no complete copy, or not all bytes, would be left, or when
   *     there is no device in that slot
   */
  public DaxDevice detach(int slot) throws IOException {
    Objects.checkIndex(slot, LEGS_MAX);
    checkOpen();
    return leaving.detach(slot);
  }

  /**
   * Forgets a member that is missing or failed, durably: nothing is kept for its return.
   *
   * @return its device, if there is one, which the caller closes
   * @throws MirrorLegException when no such member is known
   */
  public Optional<DaxDevice> detachMissing(int slot) throws IOException {
    Objects.checkIndex(slot, LEGS_MAX);
    checkOpen();
    return Optional.ofNullable(leaving.detachMissing(slot));
  }

  /**
   * Takes a leg out of use that is about to be removed: everything is made durable on it first, and
   * it stays a member that may return.
   *
   * @return its device, open, which the caller closes
   * @throws MirrorLegException as {@link #detach}
   */
  public DaxDevice takeOffline(int slot) throws IOException {
    Objects.checkIndex(slot, LEGS_MAX);
    checkOpen();
    return leaving.takeOffline(slot);
  }

  /**
   * Gives the device in a slot back that is gone, or that is taken away whatever that costs; it
   * stays a member that may return. Without its last leg the mirror is {@code OFFLINE}.
   *
   * @param why for people
   * @return its device, if there is one, which the caller closes
   */
  public Optional<DaxDevice> letGone(int slot, String why) {
    Objects.checkIndex(slot, LEGS_MAX);
    return Optional.ofNullable(leaving.letGone(slot, why));
  }

  /**
   * Takes a member back that was away; what it missed is copied in the background.
   *
   * @param leg closed with this device from now on, and left alone when this throws
   * @throws MirrorLegException when it does not belong there, or no longer
   * @throws MirrorConflictException when it went on alone
   */
  public void legReturned(int slot, DaxDevice leg) throws IOException {
    Objects.checkIndex(slot, LEGS_MAX);
    checkOpen();
    returning.returned(slot, leg);
    resync.start();
  }

  /** Returns when nothing is being resynced any more, or it cannot go on. */
  public void awaitResync() throws InterruptedException {
    resync.await();
  }

  /**
   * Reads all legs in sync past every cache and compares them; heals what one lacks, and what a
   * majority or a verified leg speaks against. Where nothing says which is right, the pages are
   * refused from now on with {@link Cause#CONFLICT}.
   *
   * @param range whole pages
   */
  public ScrubStep compare(ByteRange range) throws IOException {
    Patches.checkPages(range, layout.dataBytes());
    checkOpen();
    return scrub.compare(range);
  }

  /**
   * Settles conflicts in a range: the bytes of one leg are right, and become those of all.
   *
   * @param range whole pages; what of it is in no conflict is left alone
   * @throws MirrorLegException when that leg is not in sync
   */
  public void resolve(ByteRange range, int slot) throws IOException {
    Patches.checkPages(range, layout.dataBytes());
    Objects.checkIndex(slot, LEGS_MAX);
    checkWritable();
    scrub.resolve(range, slot);
  }

  // The device.

  @Override
  public DeviceInfo info() {
    return members.set().info(name, layout.dataBytes());
  }

  @Override
  public long sizeBytes() {
    return layout.dataBytes();
  }

  @Override
  public DeviceState state() {
    return closed ? DeviceState.OFFLINE : members.set().state();
  }

  @Override
  public List<ByteRange> unavailable() {
    return closed ? List.of(layout.data()) : members.set().unavailable(layout.data());
  }

  @Override
  public void read(long offset, MemorySegment dst) throws IOException {
    Objects.checkFromIndexSize(offset, dst.byteSize(), layout.dataBytes());
    checkOpen();
    reader.read(offset, dst);
  }

  @Override
  public void write(long offset, MemorySegment src) throws IOException {
    Objects.checkFromIndexSize(offset, src.byteSize(), layout.dataBytes());
    Media.requirePrivateNative(src);
    checkWritable();
    if (src.byteSize() > 0) {
      writer.write(offset, src);
    }
  }

  @Override
  public void persist() throws IOException {
    checkOpen();
    persist.persist();
  }

  @Override
  public Optional<MemorySegment> window(ByteRange range) throws IOException {
    Objects.checkFromToIndex(range.start(), range.end(), layout.dataBytes());
    checkOpen();
    return range.isEmpty() ? Optional.empty() : reader.window(range);
  }

  @Override
  public RecoveryRead recoveryRead(long offset, MemorySegment dst) throws IOException {
    Objects.checkFromIndexSize(offset, dst.byteSize(), layout.dataBytes());
    checkOpen();
    return reader.recoveryRead(offset, dst);
  }

  @Override
  public RecoveryWrite recoveryWrite(List<RecoveryPatch> patches) throws IOException {
    Patches checked = Patches.check(patches, layout.dataBytes());
    checkWritable();
    return checked.list().isEmpty()
        ? new RecoveryWrite(List.of(), List.of(), List.of())
        : writer.recoveryWrite(checked.list());
  }

  @Override
  public void retire(ByteRange range) throws IOException {
    Patches.checkPages(range, layout.dataBytes());
    checkWritable();
    if (!range.isEmpty()) {
      scrub.retire(range);
    }
  }

  @Override
  public List<ByteRange> release(ByteRange range) throws IOException {
    Patches.checkPages(range, layout.dataBytes());
    checkWritable();
    return range.isEmpty() ? List.of() : scrub.release(range);
  }

  @Override
  public int failureDomain(long offset) {
    Objects.checkIndex(offset, layout.dataBytes());
    List<MirrorLeg> legs = members.set().inSync();
    return legs.isEmpty() ? 0 : legs.getFirst().device.failureDomain(offset);
  }

  @Override
  public List<PoisonEntry> poison(ByteRange range) {
    Objects.checkFromToIndex(range.start(), range.end(), layout.dataBytes());
    return MirrorHealer.commonPoison(members.set().inSync(), range);
  }

  @Override
  public void report(ByteRange range, Cause cause, Confidence confidence) throws IOException {
    Objects.checkFromToIndex(range.start(), range.end(), layout.dataBytes());
    checkOpen();
    if (!range.isEmpty()) {
      reader.report(range, cause, confidence);
    }
  }

  @Override
  public Claim claim(Holder holder) throws DeviceClaimedException {
    return dispatcher.claim(holder, () -> poison(layout.data()), this::drainLegs);
  }

  private void drainLegs() {
    members.set().writable().forEach(MirrorLeg::drain);
  }

  @Override
  public AutoCloseable subscribe(ByteRange range, Holder observer) {
    Objects.checkFromToIndex(range.start(), range.end(), layout.dataBytes());
    return range.equals(layout.data())
        ? dispatcher.subscribeAll(observer)
        : dispatcher.subscribe(range, observer);
  }

  /** Sums over the legs in use, with lost bytes those of the mirror. */
  @Override
  public DeviceCounters counters() {
    MirrorSet set = members.set();
    long lost = MirrorHealer.commonLost(set.inSync(), layout.data()).totalBytes();
    DeviceCounters sum = new DeviceCounters(0, 0, 0, healer.repairedBytes.sum(), 0, lost, 0);
    for (MirrorLeg leg : set.inSync()) {
      DeviceCounters one = leg.device.counters();
      ByteRanges bad = MirrorHealer.exact(leg, layout.data());
      sum =
          new DeviceCounters(
              sum.readFaults() + one.readFaults(),
              sum.checksumErrors() + one.checksumErrors(),
              sum.redundancyErrors() + one.redundancyErrors(),
              sum.repairedBytes() + (leg.verified() || set.single() ? one.repairedBytes() : 0),
              sum.degradedBytes() + one.degradedBytes() + bad.totalBytes() - lost,
              lost,
              sum.persistFailures() + one.persistFailures());
    }
    return sum;
  }

  private void checkOpen() throws DeviceUnavailableException {
    if (closed) {
      throw new DeviceUnavailableException(name, DeviceState.OFFLINE, "the device is closed", null);
    }
  }

  private void checkWritable() throws DeviceUnavailableException {
    checkOpen();
    DeviceState now = members.usable().state();
    if (now != DeviceState.ONLINE && now != DeviceState.PARTIAL) {
      throw new DeviceUnavailableException(
          name, now, "does not take writes: it is " + now + "; close and reopen it", null);
    }
  }

  /** Makes everything durable, so that the next open finds nothing to compare; closes the legs. */
  @Override
  public void close() throws IOException {
    if (closed) {
      return;
    }
    resync.stop();
    IOException failed = null;
    try {
      if (state() == DeviceState.ONLINE) {
        persist.persistAndClear();
      }
    } catch (IOException cannot) {
      failed = cannot;
    }
    List<DaxDevice> inUse = members.set().inSync().stream().map(leg -> leg.device).toList();
    closed = true;
    for (DaxDevice device : members.releaseAll()) {
      try {
        device.close();
      } catch (IOException cannot) {
        if (!inUse.contains(device)) {
          // It was left behind, which is durable on the others: nothing is lost with it.
          LOG.log(System.Logger.Level.DEBUG, name, cannot);
        } else if (failed == null) {
          failed = cannot;
        } else {
          failed.addSuppressed(cannot);
        }
      }
    }
    if (failed != null) {
      throw failed;
    }
  }
}

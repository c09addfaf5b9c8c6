package io.bezoar.target;

import io.bezoar.dax.Claim;
import io.bezoar.dax.Confidence;
import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.DeviceClaimedException;
import io.bezoar.dax.DeviceCounters;
import io.bezoar.dax.DeviceInfo;
import io.bezoar.dax.DeviceNotice;
import io.bezoar.dax.DeviceState;
import io.bezoar.dax.DeviceUnavailableException;
import io.bezoar.dax.Holder;
import io.bezoar.dax.NoticeDispatcher;
import io.bezoar.dax.Patches;
import io.bezoar.dax.PoisonEntry;
import io.bezoar.dax.PoisonedRangeException;
import io.bezoar.dax.RecoveryPatch;
import io.bezoar.dax.RecoveryRead;
import io.bezoar.dax.RecoveryWrite;
import io.bezoar.dax.Role;
import io.bezoar.dax.Severity;
import io.bezoar.media.ByteRange;
import io.bezoar.media.Cause;
import io.bezoar.media.Media;
import io.bezoar.media.Units;
import io.bezoar.target.WriteCacheIndex.State;
import io.bezoar.target.WriteCacheLayout.Superblock;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A fast device before a slow one: writes are durable on the fast device, and go to the origin
 * later, in order. Its address space is the origin's.
 *
 * <p><b>Threat.</b> The power may go at any store, on both devices; either device loses bytes, of
 * data or of tables, or is gone and comes back; the origin is full of bad sectors when it is
 * written to.
 *
 * <p><b>Invariant.</b> A page is on the origin, or in one block of the fast device, or in both
 * alike; memory, and after a crash the entries on media, name the newest durable content of every
 * page and nothing else. What a {@link #persist} acknowledged is never undone, and what was read is
 * never replaced by something older but by a crash.
 *
 * <p><b>Protocol.</b>
 *
 * <ul>
 *   <li>Write: whole pages into free blocks → visible. A block whose entry is on media is never
 *       written over ({@link WriteCacheWriter}).
 *   <li>Persist: fast persist (content) → entries in table 1 → persist → in table 2 → persist
 *       ({@link WriteCacheKeeper}). Many writes share one; what older content stood under is erased
 *       with the next.
 *   <li>Write-back: entries durable → origin written → origin persist → blocks clean ({@link
 *       WriteCacheWriteBack}). Above the high watermark in the background, and by a writer who
 *       finds no free block.
 *   <li>Reads take no lock, and are repeated when a page moved meanwhile ({@link
 *       WriteCacheReader}).
 *   <li>A bad clean block is fetched from the origin, a bad origin page from the cache ({@link
 *       WriteCacheHealer}); of a bad dirty block exactly the bad bytes are lost.
 * </ul>
 *
 * <p>Locks, from left to right: stripe of the page ({@link WriteCacheStripes}) → keeper → the
 * children; the index's lock is taken for moments within any of them.
 *
 * <p>Without the fast device pages that only it has are unavailable, and the others can be read.
 * Without the origin what is cached can be read, and whole pages be written while there is room.
 */
public final class WriteCachedTarget implements DaxDevice {
  private static final int PAGE = Units.PAGE_BYTES;

  /** Most bytes of one range of the origin that are healed at once: 64 MiB. */
  private static final long ABSORB_BYTES_MAX = 64L << 20;

  /** The devices that a write cache is made of. */
  public enum Slot {
    /** Takes the writes. */
    FAST,
    /** Is cached. */
    ORIGIN
  }

  private final UUID cache;
  private final long originBytes;
  private final WriteCacheOptions options;
  private final NoticeDispatcher notices;
  private final WriteCacheChildren children;
  private final WriteCacheBackground background;
  private final ReentrantLock telling = new ReentrantLock();
  private DeviceState told = DeviceState.ONLINE; // guarded by telling
  private List<ByteRange> toldUnavailable = List.of(); // guarded by telling
  private volatile DeviceInfo info;
  private volatile @Nullable WriteCacheCore core;
  private volatile boolean closed;

  private WriteCachedTarget(
      String name,
      UUID cache,
      long originBytes,
      WriteCacheOptions options,
      NoticeDispatcher notices) {
    this.cache = cache;
    this.originBytes = originBytes;
    this.options = options;
    this.notices = notices;
    this.children =
        new WriteCacheChildren(name, new FromBelow(Slot.FAST), new FromBelow(Slot.ORIGIN));
    this.background = new WriteCacheBackground(name, options);
    this.info = describe(name);
  }

  /**
   * Makes all of {@code fast} an empty cache for an origin of {@code originBytes} bytes. Durable
   * when it returns.
   *
   * @param cache its identity; {@link #open} wants the same
   * @param originBytes whole pages
   * @throws IllegalArgumentException when {@code fast} is too small for a single block
   */
  public static void format(UUID cache, DaxDevice fast, long originBytes) throws IOException {
    WriteCacheGeometry geometry = WriteCacheGeometry.plan(fast.sizeBytes(), originBytes);
    long formatId = new SecureRandom().nextLong();
    WriteCacheTable.format(
        fast, new Superblock(WriteCacheLayout.VERSION, cache, formatId, geometry));
  }

  /**
   * Claims the children, which are closed with this device, and finds out what is cached.
   *
   * @param name stands in messages
   * @param cache the identity that {@link #format} gave
   * @param fast null when it is missing: nothing is served then, since nobody knows what it holds
   * @param origin null when it is missing: what is cached is served
   * @param originBytes size of this device, whole pages; the origin is at least as large
   * @param notices carries what this device tells
   * @throws DeviceUnavailableException ({@code FOREIGN}) when {@code fast} is no cache of this
   *     identity and size
   * @throws WriteCacheUnknownException when both copies of an entry are gone
   */
  public static WriteCachedTarget open(
      String name,
      UUID cache,
      @Nullable DaxDevice fast,
      @Nullable DaxDevice origin,
      long originBytes,
      WriteCacheOptions options,
      NoticeDispatcher notices)
      throws IOException {
    WriteCachedTarget target = new WriteCachedTarget(name, cache, originBytes, options, notices);
    List<Claim> claims = new ArrayList<>();
    try {
      if (origin != null) {
        claims.add(target.installOrigin(origin));
      }
      if (fast != null) {
        Claim claim = target.children.claim(Slot.FAST, fast);
        claims.add(claim);
        target.start(fast, claim);
      }
      target.told = target.state();
      target.toldUnavailable = target.unavailable();
      return target;
    } catch (IOException | RuntimeException failed) {
      claims.forEach(Claim::close);
      throw failed;
    }
  }

  private Claim installOrigin(DaxDevice origin) throws IOException {
    if (origin.sizeBytes() < originBytes) {
      throw new DeviceUnavailableException(
          children.name(),
          DeviceState.FOREIGN,
          origin.info().name()
              + " has "
              + origin.sizeBytes()
              + " bytes, the origin has "
              + originBytes
              + ": give the right one; nothing was written to it",
          null);
    }
    Claim claim = children.claim(Slot.ORIGIN, origin);
    children.install(Slot.ORIGIN, origin, claim);
    info = describe(children.name());
    return claim;
  }

  /** Reads the fast device and begins to serve. */
  private void start(DaxDevice fast, Claim claim) throws IOException {
    Superblock superblock = WriteCacheTable.identify(children.name(), cache, fast, originBytes);
    WriteCacheTable table = new WriteCacheTable(superblock);
    WriteCacheCore.Loaded loaded = WriteCacheCore.load(children.name(), table, fast, options);
    children.install(Slot.FAST, fast, claim);
    info = describe(children.name());
    WriteCacheCore started = new WriteCacheCore(table, children);
    started.adopt(loaded);
    if (fast.state() == DeviceState.ONLINE) {
      started.settle(loaded, children.get(Slot.ORIGIN), this::mended);
    }
    core = started;
  }

  private void mended(ByteRange bad, Cause cause, boolean complete) {
    DaxDevice fast = Objects.requireNonNull(children.get(Slot.FAST));
    notices.raise(
        complete ? Severity.HEALED : Severity.DEGRADED,
        cause,
        Role.JOURNAL,
        null,
        fast.info().name(),
        bad);
  }

  private DeviceInfo describe(String name) {
    DaxDevice fast = children.get(Slot.FAST);
    DaxDevice origin = children.get(Slot.ORIGIN);
    DeviceInfo first = fast == null ? null : fast.info();
    DeviceInfo second = origin == null ? null : origin.info();
    return new DeviceInfo(
        name,
        originBytes,
        Math.max(granule(first), granule(second)),
        first != null && second != null && first.verified() && second.verified(),
        first != null && first.persistCheap(),
        first == null || second == null || first.blocking() || second.blocking(),
        second == null ? 1 : second.failureDomains());
  }

  private static int granule(@Nullable DeviceInfo child) {
    return child == null ? Units.LINE_BYTES : child.granuleBytes();
  }

  @Override
  public DeviceInfo info() {
    return info;
  }

  @Override
  public DeviceState state() {
    WriteCacheCore now = core;
    if (closed || now == null) {
      return DeviceState.OFFLINE;
    }
    boolean fastThere = children.there(Slot.FAST);
    boolean originThere = children.there(Slot.ORIGIN);
    if (!fastThere) {
      boolean allOnOrigin = originThere && now.dirtyCount() == 0;
      return allOnOrigin
          ? DeviceState.READ_ONLY
          : originThere ? DeviceState.PARTIAL : DeviceState.OFFLINE;
    }
    if (!originThere) {
      return DeviceState.PARTIAL;
    }
    DeviceState fast = children.stateOf(Slot.FAST);
    DeviceState origin = children.stateOf(Slot.ORIGIN);
    for (DeviceState worse :
        new DeviceState[] {DeviceState.READ_ONLY, DeviceState.PARTIAL, DeviceState.HUNG}) {
      if (fast == worse || origin == worse) {
        return worse;
      }
    }
    return DeviceState.ONLINE;
  }

  @Override
  public List<ByteRange> unavailable() {
    WriteCacheCore now = core;
    return closed || now == null
        ? List.of(new ByteRange(0, originBytes))
        : new WriteCacheLoss(now, children).unavailable(originBytes).asList();
  }

  @Override
  public void read(long offset, MemorySegment dst) throws IOException {
    Objects.checkFromIndexSize(offset, dst.byteSize(), originBytes);
    Media.requirePrivateNative(dst);
    if (dst.byteSize() > 0) {
      open().reader.read(offset, dst);
    }
  }

  @Override
  public void write(long offset, MemorySegment src) throws IOException {
    Objects.checkFromIndexSize(offset, src.byteSize(), originBytes);
    Media.requirePrivateNative(src);
    WriteCacheCore now = writable();
    if (src.byteSize() > 0) {
      now.writer.write(offset, src);
      background.look(now);
    }
  }

  @Override
  public void persist() throws IOException {
    open().writer.persist();
  }

  /**
   * Writes everything that is dirty to the origin, durably.
   *
   * @throws PoisonedRangeException when bytes of a dirty page are lost, or the origin does not take
   *     a page; everything else was written
   * @throws DeviceUnavailableException when a child is not there or takes no writes
   */
  public void writeBack() throws IOException {
    WriteCacheCore now = writable();
    now.keeper.lock.lock();
    try {
      now.writeBack.retry();
      while (now.writeBack.batch(now.keeper) > 0) {
        // each takes what is oldest
      }
      now.keeper.commit();
    } finally {
      now.keeper.lock.unlock();
    }
    refuseIfSetAside(now, State.LOST, "its bytes in the cache are lost");
    refuseIfSetAside(now, State.STUCK, "the origin does not take it");
  }

  private void refuseIfSetAside(WriteCacheCore now, State state, String why) throws IOException {
    long page = now.writeBack.firstSetAside(state);
    if (page >= 0) {
      ByteRange whole = WriteCacheGeometry.page(page);
      PoisonEntry lost = now.writer.firstLost(whole);
      throw new PoisonedRangeException(
          children.name() + ", writing back (" + why + ")",
          lost == null ? whole : lost.range(),
          lost == null ? Cause.IO_ERROR : lost.cause(),
          0,
          null);
    }
  }

  /**
   * The origin's, after everything was written back; it shows a later write only after the next
   * {@link #writeBack}.
   */
  @Override
  public Optional<MemorySegment> window(ByteRange range) throws IOException {
    Objects.checkFromToIndex(range.start(), range.end(), originBytes);
    WriteCacheCore now = open();
    if (range.isEmpty() || !children.there(Slot.ORIGIN)) {
      return Optional.empty();
    }
    PoisonEntry lost = now.writer.firstLost(range);
    if (lost != null) {
      throw new PoisonedRangeException(
          children.name(), lost.range(), lost.cause(), lost.range().start() - range.start(), null);
    }
    if (now.dirty().overlaps(range)) {
      if (state() != DeviceState.ONLINE) {
        return Optional.empty();
      }
      writeBack();
    }
    try {
      return children.origin().window(range);
    } catch (PoisonedRangeException onOrigin) {
      if (now.writer.firstLost(range) != null) {
        throw onOrigin;
      }
      return Optional.empty(); // the cache has what the origin lost
    }
  }

  @Override
  public RecoveryRead recoveryRead(long offset, MemorySegment dst) throws IOException {
    Objects.checkFromIndexSize(offset, dst.byteSize(), originBytes);
    return open().reader.recoveryRead(offset, dst);
  }

  @Override
  public RecoveryWrite recoveryWrite(List<RecoveryPatch> patches) throws IOException {
    Patches checked = Patches.check(patches, originBytes);
    WriteCacheCore now = writable();
    RecoveryWrite written = now.writer.recoveryWrite(checked);
    background.look(now);
    return written;
  }

  @Override
  public void retire(ByteRange range) throws IOException {
    Patches.checkPages(range, originBytes);
    WriteCacheCore now = writable();
    if (!range.isEmpty()) {
      now.writer.retire(range);
    }
  }

  @Override
  public List<ByteRange> release(ByteRange range) throws IOException {
    Patches.checkPages(range, originBytes);
    return writable().writer.release(range);
  }

  /** The origin's: what is written back stays there. */
  @Override
  public int failureDomain(long offset) {
    Objects.checkIndex(offset, originBytes);
    DaxDevice origin = children.get(Slot.ORIGIN);
    return origin == null ? 0 : origin.failureDomain(offset);
  }

  @Override
  public List<PoisonEntry> poison(ByteRange range) {
    Objects.checkFromToIndex(range.start(), range.end(), originBytes);
    WriteCacheCore now = core;
    if (now == null) {
      return List.of();
    }
    return new WriteCacheLoss(now, children).poison(range);
  }

  @Override
  public void report(ByteRange range, Cause cause, Confidence confidence) throws IOException {
    Objects.checkFromToIndex(range.start(), range.end(), originBytes);
    WriteCacheCore now = open();
    if (range.isEmpty()) {
      return;
    }
    now.writer.report(range, cause, confidence);
    if (state() == DeviceState.ONLINE) {
      ByteRange pages = range.alignOutward(PAGE);
      long[] cached;
      now.index.lock.lock();
      try {
        cached = now.index.cached(pages.start() / PAGE, pages.length() / PAGE);
      } finally {
        now.index.lock.unlock();
      }
      for (long page : cached) {
        now.healer.heal(page);
      }
    }
  }

  @Override
  public Claim claim(Holder holder) throws DeviceClaimedException {
    return notices.claim(holder, () -> poison(new ByteRange(0, originBytes)), children::drain);
  }

  @Override
  public AutoCloseable subscribe(ByteRange range, Holder observer) {
    Objects.checkFromToIndex(range.start(), range.end(), originBytes);
    return range.length() == originBytes
        ? notices.subscribeAll(observer)
        : notices.subscribe(range, observer);
  }

  /** The children's together, with the lost bytes of this device. */
  @Override
  public DeviceCounters counters() {
    long lostBytes =
        poison(new ByteRange(0, originBytes)).stream()
            .filter(PoisonEntry::isExact)
            .mapToLong(entry -> entry.range().length())
            .sum();
    DeviceCounters sum = new DeviceCounters(0, 0, 0, 0, 0, lostBytes, 0);
    for (Slot slot : Slot.values()) {
      DaxDevice child = children.get(slot);
      if (child != null) {
        DeviceCounters more = child.counters();
        sum =
            new DeviceCounters(
                sum.readFaults() + more.readFaults(),
                sum.checksumErrors() + more.checksumErrors(),
                sum.redundancyErrors() + more.redundancyErrors(),
                sum.repairedBytes() + more.repairedBytes(),
                sum.degradedBytes() + more.degradedBytes(),
                lostBytes,
                sum.persistFailures() + more.persistFailures());
      }
    }
    return sum;
  }

  /** What the cache holds now; all zero while its fast device has never been there. */
  public CacheStatus status() {
    WriteCacheCore now = core;
    if (now == null) {
      return new CacheStatus(0, 0, 0, 0, 0, 0, 0, false, null);
    }
    now.index.lock.lock();
    try {
      WriteCacheIndex index = now.index;
      int dirty = index.count(State.NEW) + index.count(State.DIRTY);
      int clean = index.count(State.CLEAN);
      int lost = index.count(State.LOST) + index.count(State.STUCK);
      int retired = index.count(State.RETIRED);
      return new CacheStatus(
          index.blocks(),
          dirty,
          clean,
          index.blocks() - dirty - clean - lost - retired,
          lost,
          retired,
          now.writeBack.writtenBytes(),
          background.running(),
          background.lastFailure());
    } finally {
      now.index.lock.unlock();
    }
  }

  /**
   * A device that was missing is there (again): what it holds is served from now on.
   *
   * <p>A fast device that comes back must hold everything that was durable on it when it went. What
   * was written to it since its last persist is looked at: what did not arrive is lost, and named.
   *
   * @param child closed with this device
   * @throws IllegalStateException when the device in this slot is there
   * @throws DeviceUnavailableException ({@code FOREIGN}) when it is another device, or an older
   *     state of this one; nothing was written to it, and it stays the caller's
   */
  public void childReturned(Slot slot, DaxDevice child) throws IOException {
    if (closed) {
      throw new DeviceUnavailableException(
          children.name(), DeviceState.OFFLINE, "the device is closed", null);
    }
    if (children.there(slot)) {
      throw new IllegalStateException(children.name() + ": " + slot + " is there already");
    }
    WriteCacheCore now = core;
    DaxDevice before = children.get(slot);
    switch (slot) {
      case ORIGIN -> installOrigin(child);
      case FAST -> {
        Claim claim = children.claim(Slot.FAST, child);
        try {
          if (now == null) {
            start(child, claim);
          } else {
            new WriteCacheReturn(now, children, options).takeBack(child, claim);
          }
        } catch (IOException | RuntimeException refused) {
          claim.close();
          throw refused;
        }
      }
    }
    info = describe(children.name());
    tellState(slot + " is back");
    if (before != null && !before.equals(child)) {
      closeWhatWent(slot, before);
    }
  }

  /** What it can no longer make durable was looked at on the device that has taken its place. */
  private void closeWhatWent(Slot slot, DaxDevice before) {
    try {
      before.close();
    } catch (IOException gone) {
      System.getLogger(WriteCachedTarget.class.getName())
          .log(
              System.Logger.Level.DEBUG,
              () -> children.name() + ": " + slot + " that went could not be closed",
              gone);
    }
  }

  private void tellState(String detail) {
    telling.lock();
    try {
      DeviceState state = state();
      List<ByteRange> missing = unavailable();
      if (state != told || !missing.equals(toldUnavailable)) {
        told = state;
        toldUnavailable = missing;
        notices.stateChanged(state, missing, detail);
      }
    } finally {
      telling.unlock();
    }
  }

  /** The parts, for tests that strike what lies in a certain block; null without a fast device. */
  @Nullable WriteCacheCore core() {
    return core;
  }

  private WriteCacheCore open() throws DeviceUnavailableException {
    WriteCacheCore now = core;
    if (closed || now == null) {
      throw new DeviceUnavailableException(
          children.name(),
          DeviceState.OFFLINE,
          closed ? "the device is closed" : children.missing(Slot.FAST),
          null);
    }
    return now;
  }

  private WriteCacheCore writable() throws DeviceUnavailableException {
    WriteCacheCore now = open();
    if (!children.there(Slot.FAST)) {
      throw new DeviceUnavailableException(
          children.name(), state(), "takes no writes: " + children.missing(Slot.FAST), null);
    }
    for (Slot slot : Slot.values()) {
      if (children.stateOf(slot) == DeviceState.READ_ONLY) {
        throw new DeviceUnavailableException(
            children.name(),
            DeviceState.READ_ONLY,
            slot + " is read-only: close the device, open it again for writing",
            null);
      }
    }
    return now;
  }

  /** Writes everything back, as far as that is possible; what is not stays in the cache. */
  @Override
  public void close() throws IOException {
    if (closed) {
      return;
    }
    try {
      if (core != null && state() == DeviceState.ONLINE) {
        writeBack();
      } else if (core != null && children.stateOf(Slot.FAST) == DeviceState.ONLINE) {
        persist();
      }
    } catch (PoisonedRangeException stays) {
      // It was told when it was lost; it stays in the cache as what it is.
      System.getLogger(WriteCachedTarget.class.getName())
          .log(System.Logger.Level.DEBUG, stays::getMessage);
    } finally {
      closed = true;
      notices.drain();
      try {
        children.close(Slot.FAST);
      } finally {
        children.close(Slot.ORIGIN);
      }
    }
  }

  /** Turns what a child tells into what this device tells. */
  private final class FromBelow implements Holder {
    private final Slot slot;

    FromBelow(Slot slot) {
      this.slot = slot;
    }

    @Override
    public String holderName() {
      return "write cache " + info.name();
    }

    @Override
    public void onNotice(DeviceNotice notice) {
      WriteCacheCore now = core;
      switch (notice) {
        case DeviceNotice.StateChange change -> tellState(slot + ": " + change.detail());
        case DeviceNotice.Failure failure -> {
          if (now == null || closed) {
            // Nothing is lost by that: it is on the child's list, which is looked at when opening.
            return;
          }
          if (slot == Slot.ORIGIN) {
            children.noteOnOrigin();
          }
          WriteCacheNotices translated = new WriteCacheNotices(now, children, notices, failure);
          switch (slot) {
            case FAST -> translated.ofFast();
            case ORIGIN -> translated.ofOrigin(ABSORB_BYTES_MAX);
          }
        }
      }
    }
  }
}

package io.bezoar.dax;

import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import io.bezoar.media.Cause;
import io.bezoar.media.Media;
import io.bezoar.media.MediaFaultException;
import io.bezoar.media.MediaInfo;
import io.bezoar.media.MediaUnavailableException;
import io.bezoar.media.PersistFailedException;
import io.bezoar.media.Presence;
import io.bezoar.media.Units;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The lowest device: media, what is known to be bad about it, and who holds it.
 *
 * <p>Invariants: a byte that is on the list as exact is refused until a recovery write has stored
 * and verified a new one; a byte that the media refuses is on the list before anybody is told;
 * absence of the media is a state, never poison. What the list says is durable before a clear
 * relies on it, and with every {@link #persist}.
 *
 * <p>Protocol: accesses take no lock. Each takes the list's {@link PoisonView}, touches media, and
 * takes the view again: if a repair within its range began in between, it starts over, and while
 * one is under way it waits. So nobody sees half of a repair, and a write beside repaired bytes is
 * not lost. Repairs ({@link LeafRepair}) run one at a time.
 *
 * <p>When a persist fails, what was written since the last good one is suspect, in regions, and the
 * device goes read-only until it is opened again.
 *
 * <p>A leaf has no redundancy: what it loses, it reports as LOST, and what is only suspected as
 * DEGRADED, for the holder to look at.
 */
public final class LeafDevice implements DaxDevice {
  private static final int FAILURE_DOMAINS = 32;
  private static final int RELEASE_CHUNK_BYTES = 1 << 20;

  private final Media media;
  private final DeviceInfo info;
  private final InstantSource clock;
  private final NoticeDispatcher dispatcher;
  private final LeafNotices notices;
  private final LeafState state;
  private final Tally tally = new Tally();
  private final PoisonList list;
  private final PoisonListStore store;
  private final LeafRepair repair;
  private final UnpersistedRegions unpersisted;

  private LeafDevice(
      Media media, PoisonRegion region, InstantSource clock, NoticeDispatcher dispatcher) {
    MediaInfo is = media.info();
    this.media = media;
    this.list = new PoisonList(is.sizeBytes(), region.entryPages());
    this.store = new PoisonListStore(media, region, dispatcher, tally);
    this.clock = clock;
    this.dispatcher = dispatcher;
    this.notices = new LeafNotices(dispatcher, is.name(), is.sizeBytes());
    this.info =
        new DeviceInfo(
            is.name(),
            is.sizeBytes(),
            is.granuleBytes(),
            false,
            is.persistence().cheap(),
            is.blocking(),
            FAILURE_DOMAINS);
    this.state =
        new LeafState(
            is.name(),
            is.sizeBytes(),
            is.writable() ? DeviceState.ONLINE : DeviceState.READ_ONLY,
            dispatcher);
    this.unpersisted = new UnpersistedRegions(is.sizeBytes());
    this.repair = new LeafRepair(media, list, this);
  }

  /** Writes an empty list into both copies, durably; nothing else of the media is touched. */
  public static void format(Media media, PoisonRegion region) throws IOException {
    region.checkFits(media.sizeBytes());
    PoisonListStore.format(media, region);
  }

  /**
   * Opens the whole of {@code media} as a device, which closes it in the end.
   *
   * @param region where the list is kept; the holder leaves those bytes alone
   * @throws io.bezoar.media.MediaOpenException when a newer version wrote the list
   */
  public static LeafDevice open(
      Media media, PoisonRegion region, InstantSource clock, NoticeDispatcher dispatcher)
      throws IOException {
    region.checkFits(media.sizeBytes());
    LeafDevice device = new LeafDevice(media, region, clock, dispatcher);
    device.store.load(device.list, clock.millis());
    return device;
  }

  @Override
  public DeviceInfo info() {
    return info;
  }

  @Override
  public DeviceState state() {
    return state.get();
  }

  @Override
  public void read(long offset, MemorySegment dst) throws IOException {
    long length = dst.byteSize();
    Objects.checkFromIndexSize(offset, length, info.sizeBytes());
    state.checkReadable();
    if (length == 0) {
      return;
    }
    while (true) {
      PoisonView before = list.viewBefore();
      if (before.mayConcern(offset, offset + length)) {
        readBesidePoison(offset, dst);
        return;
      }
      try {
        media.read(offset, dst);
      } catch (MediaFaultException fault) {
        throwUnlessRepaired(fault, before);
        continue;
      } catch (MediaUnavailableException absent) {
        throw state.absent(absent);
      }
      VarHandle.loadLoadFence();
      PoisonView after = list.view();
      if (after == before || !after.changedUnder(ByteRange.ofLength(offset, length), before)) {
        return;
      }
    }
  }

  @Override
  public void write(long offset, MemorySegment src) throws IOException {
    Objects.checkFromIndexSize(offset, src.byteSize(), info.sizeBytes());
    ByteRange range = ByteRange.ofLength(offset, src.byteSize());
    state.checkWritable();
    while (!range.isEmpty()) {
      PoisonView before = settledView(range);
      PoisonEntry bad = knownBad(before, range);
      if (bad != null) {
        throwUnlessRepairing(bad, range, before);
        continue;
      }
      try {
        unpersisted.mark(offset, range.end());
        media.write(offset, src);
        unpersisted.mark(offset, range.end());
      } catch (MediaFaultException fault) {
        throwUnlessRepaired(fault, before);
        continue;
      } catch (MediaUnavailableException absent) {
        throw state.absent(absent);
      } catch (PersistFailedException failed) {
        throw state.persistFailed(failed);
      }
      // A repair that begins now must see these bytes, or we must see the repair.
      VarHandle.fullFence();
      if (!list.view().changedUnder(range, before)) {
        return;
      }
    }
  }

  @Override
  public void persist() throws IOException {
    state.checkReadable();
    persistMedia();
  }

  @Override
  public Optional<MemorySegment> window(ByteRange range) throws IOException {
    Objects.checkFromToIndex(range.start(), range.end(), info.sizeBytes());
    state.checkReadable();
    while (true) {
      PoisonView before = settledView(range);
      PoisonEntry bad = knownBad(before, range);
      if (bad != null) {
        throwUnlessRepairing(bad, range, before);
        continue;
      }
      try {
        return media.window(range);
      } catch (MediaFaultException fault) {
        throwUnlessRepaired(fault, before);
      } catch (MediaUnavailableException absent) {
        throw state.absent(absent);
      }
    }
  }

  @Override
  public RecoveryRead recoveryRead(long offset, MemorySegment dst) throws IOException {
    Objects.checkFromIndexSize(offset, dst.byteSize(), info.sizeBytes());
    state.checkReadable();
    ByteRange range = ByteRange.ofLength(offset, dst.byteSize());
    try {
      while (true) {
        PoisonView before = settledView(range);
        RecoveryRuns runs = new RecoveryRuns();
        boolean undisturbed = readAroundPoison(range, dst, runs, before);
        VarHandle.loadLoadFence();
        if (undisturbed && !list.view().changedUnder(range, before)) {
          return runs.build();
        }
      }
    } catch (MediaUnavailableException absent) {
      throw state.absent(absent);
    }
  }

  @Override
  public RecoveryWrite recoveryWrite(List<RecoveryPatch> patches) throws IOException {
    Patches checked = Patches.check(patches, info.sizeBytes());
    state.checkWritable();
    try {
      RecoveryWrite result = repair.run(checked);
      tally.repairedBytes.add(ByteRanges.of(result.cleared()).totalBytes());
      return result;
    } catch (PersistFailedException failed) {
      state.persistFailed(failed);
      throw failed;
    } catch (MediaUnavailableException absent) {
      throw state.absent(absent);
    }
  }

  /**
   * Reads both copies of the poison list and stores again what is not as it should be; tells of it
   * by notices with {@link Role#POISON_LIST}.
   *
   * @return what was found bad
   */
  public List<ByteRange> scrubList() throws IOException {
    state.checkWritable();
    try {
      return store.scrub(list);
    } catch (PersistFailedException failed) {
      throw persistFailed(failed, unpersisted.take().ranges());
    } catch (MediaUnavailableException absent) {
      throw state.absent(absent);
    }
  }

  @Override
  public void retire(ByteRange range) throws IOException {
    Patches.checkPages(range, info.sizeBytes());
    state.checkWritable();
    if (!range.isEmpty()) {
      list.report(range, Cause.RETIRED, Confidence.EXACT, clock.millis());
      flushList();
    }
  }

  @Override
  public List<ByteRange> release(ByteRange range) throws IOException {
    Patches.checkPages(range, info.sizeBytes());
    state.checkWritable();
    try (Arena arena = Arena.ofConfined()) {
      for (ByteRange news : ByteRanges.of(media.probe(range)).minus(list.exact(range)).asList()) {
        met(news, Cause.IO_ERROR);
      }
      MemorySegment zeroes = arena.allocate(Math.min(range.length(), RELEASE_CHUNK_BYTES));
      List<ByteRange> left = new ArrayList<>();
      ByteRanges bad = ByteRanges.of(poison(range).stream().map(PoisonEntry::range).toList());
      for (ByteRange part : bad.asList()) {
        for (long at = part.start(); at < part.end(); at += RELEASE_CHUNK_BYTES) {
          long length = Math.min(part.end() - at, RELEASE_CHUNK_BYTES);
          left.addAll(recoveryWrite(at, zeroes.asSlice(0, length)).notCleared());
        }
      }
      return ByteRanges.of(left).asList();
    } catch (MediaUnavailableException absent) {
      throw state.absent(absent);
    }
  }

  /** One of 32 equal stretches: damage to media is mostly local. */
  @Override
  public int failureDomain(long offset) {
    Objects.checkIndex(offset, info.sizeBytes());
    return (int) (offset / Math.ceilDiv(info.sizeBytes(), FAILURE_DOMAINS));
  }

  @Override
  public List<PoisonEntry> poison(ByteRange range) {
    Objects.checkFromToIndex(range.start(), range.end(), info.sizeBytes());
    return list.entries(range);
  }

  @Override
  public void report(ByteRange range, Cause cause, Confidence confidence) throws IOException {
    Objects.checkFromToIndex(range.start(), range.end(), info.sizeBytes());
    state.checkReadable();
    checkPresent();
    if (!range.isEmpty()) {
      list.report(range, cause, confidence, clock.millis());
      if (cause == Cause.CHECKSUM) {
        tally.checksumErrors.increment();
      }
      notices.raise(range.alignOutward(Units.LINE_BYTES), cause, confidence);
    }
  }

  @Override
  public Claim claim(Holder holder) throws DeviceClaimedException {
    return dispatcher.claim(holder, () -> list.entries(new ByteRange(0, info.sizeBytes())));
  }

  @Override
  public AutoCloseable subscribe(ByteRange range, Holder observer) {
    return notices.subscribe(range, observer);
  }

  @Override
  public DeviceCounters counters() {
    return tally.counters(0, list.exactBytes());
  }

  @Override
  public void close() throws IOException {
    if (state.get() == DeviceState.OFFLINE) {
      media.close();
      return;
    }
    try (media) {
      if (state.get() == DeviceState.ONLINE) {
        persist();
      }
    } finally {
      state.closed();
    }
  }

  // For LeafRepair.

  long nowMillis() {
    return clock.millis();
  }

  void aboutToWrite(ByteRange range) {
    unpersisted.mark(range.start(), range.end());
  }

  /** Records what media refused, and tells of it. */
  void met(ByteRange fault, Cause cause) throws DeviceUnavailableException {
    checkPresent();
    tally.readFaults.increment();
    list.report(fault, cause, Confidence.EXACT, clock.millis());
    notices.raise(fault, cause, Confidence.EXACT);
  }

  /** Makes everything recorded so far durable. */
  void flushList() throws IOException {
    try {
      store.flush(list);
    } catch (PersistFailedException failed) {
      throw persistFailed(failed, unpersisted.take().ranges());
    } catch (MediaUnavailableException absent) {
      throw state.absent(absent);
    }
  }

  /** Makes everything written, and everything recorded, durable. */
  void persistMedia() throws IOException {
    UnpersistedRegions.Taken written = unpersisted.take();
    try {
      if (state.get() == DeviceState.ONLINE && store.flush(list)) {
        return;
      }
      media.persist();
    } catch (PersistFailedException failed) {
      throw persistFailed(failed, written.ranges().union(unpersisted.take().ranges()));
    } catch (MediaUnavailableException absent) {
      throw state.absent(absent);
    }
  }

  /** What was written since the last good persist may not be what reads show. */
  private PersistFailedException persistFailed(PersistFailedException failed, ByteRanges doubtful) {
    tally.persistFailures.increment();
    for (ByteRange range : doubtful.asList()) {
      list.report(range, Cause.IO_ERROR, Confidence.SUSPECT, clock.millis());
    }
    state.persistFailed(failed);
    return failed;
  }

  /** A read that an entry may concern: the exact prefix, then the entry. */
  private void readBesidePoison(long offset, MemorySegment dst) throws IOException {
    ByteRange range = ByteRange.ofLength(offset, dst.byteSize());
    while (true) {
      PoisonView before = settledView(range);
      PoisonEntry bad = knownBad(before, range);
      long good = bad == null ? range.length() : bad.range().start() - offset;
      try {
        media.read(offset, dst.asSlice(0, good));
      } catch (MediaFaultException fault) {
        throwUnlessRepaired(fault, before);
        continue;
      } catch (MediaUnavailableException absent) {
        throw state.absent(absent);
      }
      VarHandle.loadLoadFence();
      if (!list.view().changedUnder(range, before)) {
        if (bad != null) {
          throw lost(bad, good);
        }
        return;
      }
    }
  }

  /**
   * Fills {@code dst} with what can be read of {@code range}.
   *
   * @return false when a repair came in between
   */
  private boolean readAroundPoison(
      ByteRange range, MemorySegment dst, RecoveryRuns runs, PoisonView before) throws IOException {
    SurvivorSink sink = new SurvivorSink(runs, before);
    for (long at = range.start(); at < range.end(); ) {
      PoisonEntry bad = knownBad(before, new ByteRange(at, range.end()));
      long goodEnd = bad == null ? range.end() : bad.range().start();
      TolerantReader.read(media, at, dst.asSlice(at - range.start(), goodEnd - at), sink);
      at = goodEnd;
      if (bad != null && bad.cause().readable()) {
        // Wrong as a whole, by somebody's checksum above; much of it may be right.
        MemorySegment doubtful = dst.asSlice(at - range.start(), bad.range().length());
        TolerantReader.read(media, at, doubtful, sink);
        at = bad.range().end();
      } else if (bad != null) {
        dst.asSlice(at - range.start(), bad.range().length()).fill((byte) 0);
        runs.hole(bad.range(), bad.cause());
        at = bad.range().end();
      }
    }
    return sink.undisturbed;
  }

  /** The view once no repair within {@code range} is under way. */
  private PoisonView settledView(ByteRange range) {
    PoisonView now = list.view();
    return now.underRepair().overlaps(range) ? repair.viewBetweenRepairs() : now;
  }

  private @Nullable PoisonEntry knownBad(PoisonView before, ByteRange range) {
    return !range.isEmpty() && before.mayConcern(range.start(), range.end())
        ? list.firstExact(range)
        : null;
  }

  /** Throws the loss; returns when a repair put it on the list since {@code before} was taken. */
  private void throwUnlessRepairing(PoisonEntry bad, ByteRange access, PoisonView before)
      throws PoisonedRangeException {
    if (!list.view().changedUnder(access, before)) {
      throw lost(bad, bad.range().start() - access.start());
    }
  }

  /** Records a fault and throws it as a loss; returns when a repair was the reason, perhaps. */
  private void throwUnlessRepaired(MediaFaultException fault, PoisonView before)
      throws DeviceException {
    if (record(fault.range(), fault.faultCause(), before)) {
      long good = fault.goodPrefixBytes();
      throw new PoisonedRangeException(info.name(), fault.range(), fault.faultCause(), good, fault);
    }
  }

  private boolean record(ByteRange fault, Cause cause, PoisonView before)
      throws DeviceUnavailableException {
    checkPresent();
    boolean recorded =
        list.reportUnlessRepaired(fault, cause, Confidence.EXACT, clock.millis(), before);
    if (recorded) {
      tally.readFaults.increment();
      notices.raise(fault, cause, Confidence.EXACT);
    }
    return recorded;
  }

  /** Absence first: what a truncated or removed file refuses is not damaged. */
  private void checkPresent() throws DeviceUnavailableException {
    Presence presence = media.presence();
    if (presence != Presence.PRESENT) {
      throw state.absent(
          new MediaUnavailableException(info.name(), presence, "found while looking at a fault"));
    }
  }

  private PoisonedRangeException lost(PoisonEntry entry, long goodPrefixBytes) {
    return new PoisonedRangeException(
        info.name(), entry.range(), entry.cause(), goodPrefixBytes, null);
  }

  /** Records each hole, unless a repair makes its meaning doubtful. */
  private final class SurvivorSink implements TolerantReader.Sink {
    private final RecoveryRuns runs;
    private final PoisonView before;
    private boolean undisturbed = true;

    SurvivorSink(RecoveryRuns runs, PoisonView before) {
      this.runs = runs;
      this.before = before;
    }

    @Override
    public void good(ByteRange range) {
      runs.unverified(range);
    }

    @Override
    public void bad(ByteRange hole, ByteRange fault, Cause cause)
        throws DeviceUnavailableException {
      runs.hole(hole, cause);
      undisturbed &= record(fault, cause, before);
    }
  }
}

package io.bezoar.dax;

import static io.bezoar.media.Units.LINE_BYTES;

import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import io.bezoar.media.Cause;
import io.bezoar.media.Media;
import io.bezoar.media.MediaFaultException;
import io.bezoar.media.MediaInfo;
import io.bezoar.media.MediaUnavailableException;
import io.bezoar.media.PersistFailedException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * Media as a device without error management: it remembers nothing.
 *
 * <p>Invariant: what the media refuses is refused here, in the device's terms, every time it is
 * asked. Since no list says that a range is lost, a loss that the media does not show by itself (a
 * wrong checksum seen above, an interrupted clear) is not known here; {@link #retire} is not
 * possible, and a clear that would silently end another loss in the same clear unit is not made.
 */
public final class UnmanagedDevice implements DaxDevice {
  private final Media media;
  private final DeviceInfo info;
  private final NoticeDispatcher dispatcher;
  private final LeafNotices notices;
  private final LeafState state;
  private final Tally tally = new Tally();

  private UnmanagedDevice(Media media, NoticeDispatcher dispatcher) {
    MediaInfo is = media.info();
    this.media = media;
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
            1);
    this.state =
        new LeafState(
            is.name(),
            is.sizeBytes(),
            is.writable() ? DeviceState.ONLINE : DeviceState.READ_ONLY,
            dispatcher);
  }

  /** The whole of {@code media} as a device, which closes it in the end. */
  public static UnmanagedDevice open(Media media, NoticeDispatcher notices) {
    return new UnmanagedDevice(media, notices);
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
    Objects.checkFromIndexSize(offset, dst.byteSize(), info.sizeBytes());
    state.checkReadable();
    try {
      media.read(offset, dst);
    } catch (MediaFaultException fault) {
      throw struck(fault);
    } catch (MediaUnavailableException absent) {
      throw state.absent(absent);
    }
  }

  @Override
  public void write(long offset, MemorySegment src) throws IOException {
    Objects.checkFromIndexSize(offset, src.byteSize(), info.sizeBytes());
    state.checkWritable();
    try {
      media.write(offset, src);
    } catch (MediaFaultException fault) {
      throw struck(fault);
    } catch (MediaUnavailableException absent) {
      throw state.absent(absent);
    } catch (PersistFailedException failed) {
      throw state.persistFailed(failed);
    }
  }

  @Override
  public void persist() throws IOException {
    try {
      media.persist();
    } catch (PersistFailedException failed) {
      tally.persistFailures.increment();
      state.persistFailed(failed);
      throw failed;
    } catch (MediaUnavailableException absent) {
      throw state.absent(absent);
    }
  }

  @Override
  public Optional<MemorySegment> window(ByteRange range) throws IOException {
    Objects.checkFromToIndex(range.start(), range.end(), info.sizeBytes());
    state.checkReadable();
    try {
      return media.window(range);
    } catch (MediaFaultException fault) {
      throw struck(fault);
    } catch (MediaUnavailableException absent) {
      throw state.absent(absent);
    }
  }

  @Override
  public RecoveryRead recoveryRead(long offset, MemorySegment dst) throws IOException {
    Objects.checkFromIndexSize(offset, dst.byteSize(), info.sizeBytes());
    state.checkReadable();
    RecoveryRuns runs = new RecoveryRuns();
    try {
      TolerantReader.read(
          media,
          offset,
          dst,
          new TolerantReader.Sink() {
            @Override
            public void good(ByteRange range) {
              runs.unverified(range);
            }

            @Override
            public void bad(ByteRange hole, ByteRange fault, Cause cause) {
              raiseLost(fault, cause);
              runs.hole(hole, cause);
            }
          });
    } catch (MediaUnavailableException absent) {
      throw state.absent(absent);
    }
    return runs.build();
  }

  @Override
  public RecoveryWrite recoveryWrite(List<RecoveryPatch> patches) throws IOException {
    Patches checked = Patches.check(patches, info.sizeBytes());
    state.checkWritable();
    try {
      List<ByteRange> cleared = new ArrayList<>();
      List<ByteRange> notCleared = new ArrayList<>();
      for (RecoveryPatch patch : checked.list()) {
        storeOne(patch, cleared, notCleared);
      }
      persist();
      for (RecoveryPatch patch : checked.list()) {
        verify(patch, notCleared);
      }
      ByteRanges failed = ByteRanges.of(notCleared);
      ByteRanges done = ByteRanges.of(cleared).minus(failed);
      tally.repairedBytes.add(done.totalBytes());
      return new RecoveryWrite(done.asList(), List.of(), failed.asList());
    } catch (MediaUnavailableException absent) {
      throw state.absent(absent);
    }
  }

  /** Clears unit by unit where the media is bad, and writes the rest. */
  private void storeOne(RecoveryPatch patch, List<ByteRange> cleared, List<ByteRange> notCleared)
      throws IOException {
    int unitBytes = media.info().clearUnitBytes();
    ByteRange outer = patch.range().alignOutward(unitBytes);
    ByteRanges bad = ByteRanges.of(media.probe(outer));
    ByteRanges sickUnits = bad.alignOutward(unitBytes);
    for (ByteRange part : ByteRanges.of(patch.range()).minus(sickUnits).asList()) {
      media.write(part.start(), Patches.bytesOf(patch, part));
    }
    for (ByteRange units : sickUnits.asList()) {
      for (long at = units.start(); at < units.end(); at += unitBytes) {
        ByteRange unit = ByteRange.ofLength(at, unitBytes);
        ByteRange mine = unit.intersect(patch.range());
        if (!mine.isEmpty()) {
          boolean clear =
              ByteRanges.of(patch.range()).contains(span(bad.intersect(unit)))
                  && clearUnit(patch, unit);
          (clear ? cleared : notCleared).addAll(bad.intersect(mine).asList());
          if (!clear) {
            notCleared.add(mine);
          }
        }
      }
    }
  }

  private boolean clearUnit(RecoveryPatch patch, ByteRange unit) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment image = arena.allocate(unit.length(), LINE_BYTES);
      for (ByteRange beside : ByteRanges.of(unit).minus(patch.range()).asList()) {
        media.read(beside.start(), image.asSlice(beside.start() - unit.start(), beside.length()));
      }
      new Patches(List.of(patch)).overlay(unit, image);
      media.reinitialise(unit.start(), image);
      return true;
    } catch (MediaFaultException stuck) {
      raiseLost(stuck.range(), stuck.faultCause());
      return false;
    }
  }

  private void verify(RecoveryPatch patch, List<ByteRange> notCleared) throws IOException {
    ByteRanges stored = ByteRanges.of(patch.range()).minus(ByteRanges.of(notCleared));
    try (Arena arena = Arena.ofConfined()) {
      for (ByteRange part : stored.asList()) {
        MemorySegment now = arena.allocate(part.length(), LINE_BYTES);
        try {
          media.readPastCache(part.start(), now);
          if (now.mismatch(Patches.bytesOf(patch, part)) != -1) {
            notCleared.add(part);
          }
        } catch (MediaFaultException fault) {
          raiseLost(fault.range(), fault.faultCause());
          notCleared.add(part);
        }
      }
    }
  }

  /** Not possible without a list that remembers it. */
  @Override
  public void retire(ByteRange range) {
    throw new UnsupportedOperationException(
        info.name()
            + " keeps no list of bad ranges, so it cannot remember that "
            + range
            + " is retired: use a device that does");
  }

  @Override
  public List<ByteRange> release(ByteRange range) throws IOException {
    Patches.checkPages(range, info.sizeBytes());
    List<ByteRange> left = new ArrayList<>();
    try (Arena arena = Arena.ofConfined()) {
      for (ByteRange bad : media.probe(range)) {
        left.addAll(recoveryWrite(bad.start(), arena.allocate(bad.length())).notCleared());
      }
    }
    return ByteRanges.of(left).asList();
  }

  /** All of it fails together. */
  @Override
  public int failureDomain(long offset) {
    Objects.checkIndex(offset, info.sizeBytes());
    return 0;
  }

  /** Nothing is ever known. */
  @Override
  public List<PoisonEntry> poison(ByteRange range) {
    Objects.checkFromToIndex(range.start(), range.end(), info.sizeBytes());
    return List.of();
  }

  @Override
  public void report(ByteRange range, Cause cause, Confidence confidence) {
    Objects.checkFromToIndex(range.start(), range.end(), info.sizeBytes());
    notices.raise(range, cause, confidence);
  }

  @Override
  public Claim claim(Holder holder) throws DeviceClaimedException {
    return dispatcher.claim(holder, List::of);
  }

  @Override
  public AutoCloseable subscribe(ByteRange range, Holder observer) {
    return notices.subscribe(range, observer);
  }

  @Override
  public DeviceCounters counters() {
    return tally.counters(0, 0);
  }

  @Override
  public void close() throws IOException {
    if (state.get() == DeviceState.ONLINE) {
      persist();
    }
    state.closed();
    media.close();
  }

  private PoisonedRangeException struck(MediaFaultException fault) {
    raiseLost(fault.range(), fault.faultCause());
    return new PoisonedRangeException(
        info.name(), fault.range(), fault.faultCause(), fault.goodPrefixBytes(), fault);
  }

  private void raiseLost(ByteRange range, Cause cause) {
    tally.readFaults.increment();
    notices.raise(range, cause, Confidence.EXACT);
  }

  private static ByteRange span(ByteRanges ranges) {
    return ranges.asList().getFirst().span(ranges.asList().getLast());
  }
}

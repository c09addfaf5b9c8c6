package io.bezoar.target;

import io.bezoar.dax.Claim;
import io.bezoar.dax.Confidence;
import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.DeviceClaimedException;
import io.bezoar.dax.DeviceCounters;
import io.bezoar.dax.DeviceInfo;
import io.bezoar.dax.DeviceNotice;
import io.bezoar.dax.DeviceState;
import io.bezoar.dax.Holder;
import io.bezoar.dax.NoticeDispatcher;
import io.bezoar.dax.PoisonEntry;
import io.bezoar.dax.PoisonedRangeException;
import io.bezoar.dax.RecoveryPatch;
import io.bezoar.dax.RecoveryRead;
import io.bezoar.dax.RecoveryWrite;
import io.bezoar.media.ByteRange;
import io.bezoar.media.Cause;
import io.bezoar.media.Units;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * One range of a child, as a device of its own: device-mapper's "linear".
 *
 * <p><b>Invariant.</b> Byte {@code b} of this device is byte {@code start + b} of the child, in
 * every direction: data goes down shifted, and whatever the child says of its bytes comes up
 * shifted and clipped. It absorbs nothing and adds nothing; what the child loses is lost here.
 *
 * <p><b>Protocol.</b> It is the child's holder. A notice of the child becomes at most one notice
 * per struck range here; a strike outside the range is none of its business. Thread-safe, without a
 * lock of its own.
 */
public final class LinearTarget implements DaxDevice {
  private final DaxDevice child;
  private final ByteRange region;
  private final DeviceInfo info;
  private final NoticeDispatcher notices;
  private final Claim childClaim;

  private LinearTarget(String name, DaxDevice child, ByteRange region, NoticeDispatcher notices)
      throws DeviceClaimedException {
    if (region.isEmpty()
        || region.end() > child.sizeBytes()
        || region.start() % Units.PAGE_BYTES != 0
        || region.length() % Units.PAGE_BYTES != 0) {
      throw new IllegalArgumentException(
          "region " + region + " of a child of " + child.sizeBytes() + " bytes");
    }
    this.child = child;
    this.region = region;
    this.notices = notices;
    DeviceInfo below = child.info();
    this.info =
        new DeviceInfo(
            name,
            region.length(),
            below.granuleBytes(),
            below.verified(),
            below.persistCheap(),
            below.blocking(),
            below.failureDomains());
    this.childClaim = child.claim(new Upward());
  }

  /**
   * Takes a range of a child.
   *
   * @param name stands in messages
   * @param child is closed with this device
   * @param region whole pages of the child
   * @param notices carries what this device tells
   * @throws DeviceClaimedException when the child has another holder
   */
  public static LinearTarget open(
      String name, DaxDevice child, ByteRange region, NoticeDispatcher notices)
      throws DeviceClaimedException {
    return new LinearTarget(name, child, region, notices);
  }

  @Override
  public DeviceInfo info() {
    return info;
  }

  @Override
  public DeviceState state() {
    return child.state();
  }

  @Override
  public List<ByteRange> unavailable() {
    return up(child.unavailable());
  }

  @Override
  public void read(long offset, MemorySegment dst) throws IOException {
    long childOffset = down(offset, dst.byteSize());
    try {
      child.read(childOffset, dst);
    } catch (PoisonedRangeException e) {
      throw up(e);
    }
  }

  @Override
  public void write(long offset, MemorySegment src) throws IOException {
    long childOffset = down(offset, src.byteSize());
    try {
      child.write(childOffset, src);
    } catch (PoisonedRangeException e) {
      throw up(e);
    }
  }

  @Override
  public void persist() throws IOException {
    child.persist();
  }

  @Override
  public Optional<MemorySegment> window(ByteRange range) throws IOException {
    ByteRange below = down(range);
    try {
      return child.window(below);
    } catch (PoisonedRangeException e) {
      throw up(e);
    }
  }

  @Override
  public RecoveryRead recoveryRead(long offset, MemorySegment dst) throws IOException {
    RecoveryRead read = child.recoveryRead(down(offset, dst.byteSize()), dst);
    return new RecoveryRead(read.runs().stream().map(this::up).toList());
  }

  @Override
  public RecoveryWrite recoveryWrite(List<RecoveryPatch> patches) throws IOException {
    RecoveryWrite written =
        child.recoveryWrite(
            patches.stream()
                .map(
                    patch ->
                        new RecoveryPatch(
                            down(patch.offset(), patch.bytes().byteSize()), patch.bytes()))
                .toList());
    return new RecoveryWrite(
        up(written.cleared()), up(written.stillLost()), up(written.notCleared()));
  }

  @Override
  public void retire(ByteRange range) throws IOException {
    child.retire(down(range));
  }

  @Override
  public List<ByteRange> release(ByteRange range) throws IOException {
    return up(child.release(down(range)));
  }

  @Override
  public int failureDomain(long offset) {
    return child.failureDomain(down(offset, 1));
  }

  @Override
  public List<PoisonEntry> poison(ByteRange range) {
    return child.poison(down(range)).stream().map(this::up).toList();
  }

  @Override
  public void report(ByteRange range, Cause cause, Confidence confidence) throws IOException {
    child.report(down(range), cause, confidence);
  }

  @Override
  public Claim claim(Holder holder) throws DeviceClaimedException {
    return notices.claim(holder, () -> poison(new ByteRange(0, sizeBytes())), childClaim::drain);
  }

  @Override
  public AutoCloseable subscribe(ByteRange range, Holder observer) {
    down(range);
    return notices.subscribe(range, observer);
  }

  /** The child's, with lost and degraded bytes counted within this device. */
  @Override
  public DeviceCounters counters() {
    DeviceCounters below = child.counters();
    long lostBytes =
        poison(new ByteRange(0, sizeBytes())).stream()
            .filter(entry -> entry.confidence() == Confidence.EXACT)
            .mapToLong(entry -> entry.range().length())
            .sum();
    return new DeviceCounters(
        below.readFaults(),
        below.checksumErrors(),
        below.redundancyErrors(),
        below.repairedBytes(),
        below.degradedBytes(),
        lostBytes,
        below.persistFailures());
  }

  @Override
  public void close() throws IOException {
    childClaim.close();
    child.close();
  }

  /** Turns the child's notices into this device's. */
  private final class Upward implements Holder {
    @Override
    public String holderName() {
      return info.name();
    }

    @Override
    public void onNotice(DeviceNotice notice) {
      switch (notice) {
        case DeviceNotice.Failure failure -> {
          List<ByteRange> inside = up(failure.ranges());
          if (!inside.isEmpty()) {
            notices.raise(
                failure.severity(),
                failure.cause(),
                failure.role(),
                inside,
                failure.lowest(),
                failure.media());
          }
        }
        case DeviceNotice.StateChange change ->
            notices.stateChanged(change.state(), up(change.unavailable()), change.detail());
      }
    }
  }

  private long down(long offset, long lengthBytes) {
    Objects.checkFromIndexSize(offset, lengthBytes, sizeBytes());
    return region.start() + offset;
  }

  private ByteRange down(ByteRange range) {
    Objects.checkFromToIndex(range.start(), range.end(), sizeBytes());
    return range.shift(region.start());
  }

  private ByteRange up(ByteRange range) {
    return range.intersect(region).shift(-region.start());
  }

  private List<ByteRange> up(List<ByteRange> ranges) {
    return ranges.stream().map(this::up).filter(range -> !range.isEmpty()).toList();
  }

  private RecoveryRead.Run up(RecoveryRead.Run run) {
    return switch (run) {
      case RecoveryRead.Verified verified -> new RecoveryRead.Verified(up(verified.range()));
      case RecoveryRead.Unverified unverified ->
          new RecoveryRead.Unverified(up(unverified.range()));
      case RecoveryRead.Hole hole -> new RecoveryRead.Hole(up(hole.range()), hole.cause());
      case RecoveryRead.Absent absent -> new RecoveryRead.Absent(up(absent.range()));
    };
  }

  private PoisonEntry up(PoisonEntry entry) {
    return new PoisonEntry(
        up(entry.range()),
        entry.cause(),
        entry.confidence(),
        entry.firstSeenMillis(),
        entry.lastSeenMillis(),
        entry.count(),
        entry.sequence());
  }

  private PoisonedRangeException up(PoisonedRangeException e) {
    return new PoisonedRangeException(
        info.name(), up(e.range()), e.poisonCause(), e.goodPrefixBytes(), e);
  }
}

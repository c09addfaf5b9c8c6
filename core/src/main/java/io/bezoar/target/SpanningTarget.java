package io.bezoar.target;

import io.bezoar.dax.Claim;
import io.bezoar.dax.Confidence;
import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.DeviceClaimedException;
import io.bezoar.dax.DeviceCounters;
import io.bezoar.dax.DeviceException;
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
import io.bezoar.dax.RecoveryRuns;
import io.bezoar.dax.RecoveryWrite;
import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import io.bezoar.media.Cause;
import io.bezoar.media.PersistFailedException;
import io.bezoar.media.Units;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A device whose bytes lie on several children, each byte on one of them, as an {@link AddressMap}
 * says.
 *
 * <p><b>Invariant.</b> Data goes down, and whatever the children say of their bytes comes up, by
 * the same map. It absorbs nothing and adds nothing: what a child loses is lost here, exactly that,
 * and what lies on a child that is not there is unavailable, exactly that ({@link ChildSlots}).
 *
 * <p><b>Protocol.</b> What lies on one child is handed to it as it is; the rest is done piece by
 * piece, ascending. A write to several children looks for what would refuse it on any of them
 * before it stores anything. A notice of a child becomes one notice here, whatever its ranges
 * become; a strike outside of what is used is none of its business. An access takes no lock.
 */
abstract class SpanningTarget implements DaxDevice {
  private final AddressMap map;
  private final ChildSlots slots;
  private final DeviceInfo info;
  private final NoticeDispatcher notices;
  private final OwedPersists owed;

  /**
   * Takes the children, unclaimed until {@link #claimChildren}.
   *
   * @param children of each slot; null for one that is missing
   */
  SpanningTarget(
      String name,
      AddressMap map,
      List<? extends @Nullable DaxDevice> children,
      NoticeDispatcher notices) {
    this.map = map;
    this.notices = notices;
    this.slots = new ChildSlots(name, map, children, slot -> new Upward(slot), notices);
    this.owed = slots.owed();
    this.info = slots.info();
  }

  final void claimChildren() throws DeviceClaimedException {
    slots.claim();
  }

  /**
   * The device of a slot is there again: it is claimed and its ranges are served. What was written
   * to it and not persisted before it went is reported to it as suspect, and makes the next persist
   * fail. A notice tells the state after that. That it <em>is</em> the same device, with the bytes
   * it had, is for the caller to know.
   *
   * @param slot from 0, in the order in which the target was opened
   * @param child takes the place of the one that went, which is closed; closed with this device
   * @throws DeviceClaimedException when it has another holder
   * @throws DeviceUnavailableException when this device is closed
   * @throws IllegalStateException when the device that was there is still there
   * @throws IllegalArgumentException when it is smaller than what is used of it, or keeps less than
   *     {@link #info} says: then this target must be opened anew
   */
  public final void childReturned(int slot, DaxDevice child) throws IOException {
    Objects.checkIndex(slot, map.slots());
    slots.returned(slot, child);
  }

  @Override
  public final DeviceInfo info() {
    return info;
  }

  /**
   * {@code PARTIAL} while some children are gone, {@code OFFLINE} when all are; {@code READ_ONLY}
   * comes before {@code PARTIAL}, and then {@link #unavailable} may still name ranges.
   */
  @Override
  public final DeviceState state() {
    return slots.state();
  }

  /** Exact up to 1,024 ranges; beyond that they are joined and cover other bytes besides. */
  @Override
  public final List<ByteRange> unavailable() {
    return slots.unavailable();
  }

  @Override
  public final void read(long offset, MemorySegment dst) throws IOException {
    long length = dst.byteSize();
    Objects.checkFromIndexSize(offset, length, info.sizeBytes());
    ChildSlots.View now = slots.view();
    if (length == 0) {
      slots.checkOpen(now);
      return;
    }
    long end = offset + length;
    long runEnd = map.runEnd(offset);
    if (end <= runEnd) {
      readPiece(now, offset, offset, dst);
      return;
    }
    for (long at = offset; at < end; at = runEnd) {
      runEnd = Math.min(end, map.runEnd(at));
      readPiece(now, offset, at, dst.asSlice(at - offset, runEnd - at));
    }
  }

  private void readPiece(ChildSlots.View now, long accessStart, long at, MemorySegment dst)
      throws IOException {
    int slot = map.slotOf(at);
    DaxDevice child = now.child(slot);
    if (child == null) {
      throw missing(now, slot, ByteRange.ofLength(at, dst.byteSize()));
    }
    try {
      child.read(map.childOffset(at), dst);
    } catch (DeviceException e) {
      throw up(e, slot, accessStart, ByteRange.ofLength(at, dst.byteSize()));
    }
  }

  @Override
  public final void write(long offset, MemorySegment src) throws IOException {
    long length = src.byteSize();
    Objects.checkFromIndexSize(offset, length, info.sizeBytes());
    ChildSlots.View now = slots.view();
    slots.checkWritable(now);
    if (length == 0) {
      return;
    }
    long end = offset + length;
    long runEnd = map.runEnd(offset);
    if (end <= runEnd) {
      writePiece(now, offset, offset, src);
      return;
    }
    refuseBeforeStoring(now, new ByteRange(offset, end));
    for (long at = offset; at < end; at = runEnd) {
      runEnd = Math.min(end, map.runEnd(at));
      writePiece(now, offset, at, src.asSlice(at - offset, runEnd - at));
    }
  }

  private void writePiece(ChildSlots.View now, long accessStart, long at, MemorySegment src)
      throws IOException {
    int slot = map.slotOf(at);
    DaxDevice child = now.child(slot);
    ByteRange own = ByteRange.ofLength(at, src.byteSize());
    if (child == null) {
      throw missing(now, slot, own);
    }
    long start = map.childOffset(at);
    long end = start + src.byteSize();
    try {
      child.write(start, src);
    } catch (DeviceException e) {
      throw up(e, slot, accessStart, own);
    } catch (PersistFailedException e) {
      throw slots.persistFailed(slot, e);
    }
    owed.mark(slot, start, end);
    slots.wrote(now, slot, own);
  }

  /** What any piece would refuse, so that nothing is stored of the others either. */
  private void refuseBeforeStoring(ChildSlots.View now, ByteRange own) throws IOException {
    requireThere(now, own);
    PoisonEntry lost = firstLost(own);
    if (lost != null) {
      throw lost(lost, own);
    }
    long cut = own.end() % Units.PAGE_BYTES;
    if (info.verified() && cut != 0) {
      // A verified child merges the page at the end, and refuses when it turns out to be lost. (One
      // at the start is refused before anything is stored as it is.)
      try (Arena scratch = Arena.ofConfined()) {
        readPiece(now, own.start(), own.end() - cut, scratch.allocate(cut, Long.BYTES));
      }
    }
  }

  @Override
  public final void persist() throws IOException {
    slots.persist();
  }

  /** Of what lies contiguous on one child. */
  @Override
  public final Optional<MemorySegment> window(ByteRange range) throws IOException {
    checkBounds(range);
    ChildSlots.View now = slots.view();
    slots.checkOpen(now);
    if (range.isEmpty()) {
      return Optional.empty();
    }
    if (range.end() > map.runEnd(range.start())) {
      requireThere(now, range);
      PoisonEntry lost = firstLost(range);
      if (lost != null) {
        throw lost(lost, range);
      }
      return Optional.empty();
    }
    int slot = map.slotOf(range.start());
    DaxDevice child = now.child(slot);
    if (child == null) {
      throw missing(now, slot, range);
    }
    try {
      return child.window(map.toChild(slot, range));
    } catch (DeviceException e) {
      throw up(e, slot, range.start(), range);
    }
  }

  @Override
  public final RecoveryRead recoveryRead(long offset, MemorySegment dst) throws IOException {
    long length = dst.byteSize();
    Objects.checkFromIndexSize(offset, length, info.sizeBytes());
    ChildSlots.View now = slots.view();
    slots.checkOpen(now);
    RecoveryRuns runs = new RecoveryRuns();
    DeviceUnavailableException absent = null;
    long end = offset + length;
    for (long at = offset, runEnd; at < end; at = runEnd) {
      runEnd = Math.min(end, map.runEnd(at));
      MemorySegment part = dst.asSlice(at - offset, runEnd - at);
      ByteRange own = new ByteRange(at, runEnd);
      try {
        recover(now, own, part, runs);
      } catch (DeviceUnavailableException e) {
        absent = e;
        runs.absent(own);
        part.fill((byte) 0);
      }
    }
    if (absent != null && absent.state() != DeviceState.PARTIAL) {
      throw absent;
    }
    return runs.build();
  }

  private void recover(ChildSlots.View now, ByteRange own, MemorySegment dst, RecoveryRuns runs)
      throws IOException {
    int slot = map.slotOf(own.start());
    DaxDevice child = now.child(slot);
    if (child == null) {
      throw missing(now, slot, own);
    }
    long childOffset = map.childOffset(own.start());
    try {
      for (RecoveryRead.Run run : child.recoveryRead(childOffset, dst).runs()) {
        runs.add(run, own.start() - childOffset);
        if (run instanceof RecoveryRead.Hole) {
          owed.concern(slot);
        }
      }
    } catch (DeviceException e) {
      throw up(e, slot, own.start(), own);
    }
  }

  @Override
  public final RecoveryWrite recoveryWrite(List<RecoveryPatch> patches) throws IOException {
    Patches checked = Patches.check(patches, info.sizeBytes());
    ChildSlots.View now = slots.view();
    slots.checkWritable(now);
    List<List<RecoveryPatch>> split = new ArrayList<>();
    for (int slot = 0; slot < map.slots(); slot++) {
      split.add(new ArrayList<>());
    }
    for (RecoveryPatch patch : checked.list()) {
      requireThere(now, patch.range());
      split(patch, split);
    }
    List<ByteRange> cleared = new ArrayList<>();
    List<ByteRange> stillLost = new ArrayList<>();
    List<ByteRange> notCleared = new ArrayList<>();
    for (int each = 0; each < map.slots(); each++) {
      int slot = each;
      List<RecoveryPatch> mine = split.get(slot);
      if (!mine.isEmpty()) {
        RecoveryWrite written =
            below(now, slot, mine.getFirst().range(), child -> child.recoveryWrite(mine));
        // The bytes are durable. That they are good is so for sure with the child's next persist.
        written.cleared().forEach(range -> owed.mark(slot, range.start(), range.end()));
        cleared.addAll(up(slot, written.cleared()));
        stillLost.addAll(up(slot, written.stillLost()));
        notCleared.addAll(up(slot, written.notCleared()));
      }
    }
    return new RecoveryWrite(joined(cleared), joined(stillLost), joined(notCleared));
  }

  private void split(RecoveryPatch patch, List<List<RecoveryPatch>> split) {
    ByteRange range = patch.range();
    for (long at = range.start(), runEnd; at < range.end(); at = runEnd) {
      runEnd = Math.min(range.end(), map.runEnd(at));
      MemorySegment bytes = patch.bytes().asSlice(at - range.start(), runEnd - at);
      split.get(map.slotOf(at)).add(new RecoveryPatch(map.childOffset(at), bytes));
    }
  }

  @Override
  public final void retire(ByteRange range) throws IOException {
    Patches.checkPages(range, info.sizeBytes());
    ChildSlots.View now = slots.view();
    slots.checkWritable(now);
    requireThere(now, range);
    for (int slot = 0; slot < map.slots(); slot++) {
      ByteRange mine = map.toChild(slot, range);
      if (!mine.isEmpty()) {
        below(
            now,
            slot,
            mine,
            child -> {
              child.retire(mine);
              return mine;
            });
      }
    }
  }

  @Override
  public final List<ByteRange> release(ByteRange range) throws IOException {
    Patches.checkPages(range, info.sizeBytes());
    ChildSlots.View now = slots.view();
    slots.checkWritable(now);
    requireThere(now, range);
    List<ByteRange> left = new ArrayList<>();
    for (int slot = 0; slot < map.slots(); slot++) {
      ByteRange mine = map.toChild(slot, range);
      if (!mine.isEmpty()) {
        left.addAll(up(slot, below(now, slot, mine, child -> child.release(mine))));
      }
    }
    return joined(left);
  }

  @Override
  public final int failureDomain(long offset) {
    Objects.checkIndex(offset, info.sizeBytes());
    return slots.failureDomain(map.slotOf(offset), map.childOffset(offset));
  }

  /** What was known of a child before it went stays known. */
  @Override
  public final List<PoisonEntry> poison(ByteRange range) {
    checkBounds(range);
    ChildSlots.View now = slots.view();
    List<PoisonEntry> own = new ArrayList<>();
    for (int slot = 0; slot < map.slots(); slot++) {
      ByteRange mine = map.toChild(slot, range);
      DaxDevice child = now.child(slot);
      if (child != null && !mine.isEmpty()) {
        for (PoisonEntry entry : child.poison(mine)) {
          map.toOwn(slot, entry.range()).forEach(part -> own.add(entry.withRange(part)));
        }
      }
    }
    own.sort(Comparator.comparing(PoisonEntry::range));
    return own;
  }

  /**
   * What lies on children that are there is reported to them, and then what lies on others is
   * named.
   *
   * @throws DeviceUnavailableException when some of it could not be reported
   */
  @Override
  public final void report(ByteRange range, Cause cause, Confidence confidence) throws IOException {
    checkBounds(range);
    ChildSlots.View now = slots.view();
    slots.checkOpen(now);
    DeviceUnavailableException gone = null;
    for (int slot = 0; slot < map.slots(); slot++) {
      ByteRange mine = map.toChild(slot, range);
      if (mine.isEmpty()) {
        continue;
      }
      try {
        below(
            now,
            slot,
            mine,
            child -> {
              child.report(mine, cause, confidence);
              return mine;
            });
      } catch (DeviceUnavailableException e) {
        gone = e;
      }
    }
    if (gone != null) {
      throw gone;
    }
  }

  @Override
  public final Claim claim(Holder holder) throws DeviceClaimedException {
    return notices.claim(holder, () -> poison(whole()), slots::drainBelow);
  }

  @Override
  public final AutoCloseable subscribe(ByteRange range, Holder observer) {
    checkBounds(range);
    return range.equals(whole())
        ? notices.subscribeAll(observer)
        : notices.subscribe(range, observer);
  }

  /** The sums of the children's; lost bytes are those of this device only. */
  @Override
  public final DeviceCounters counters() {
    long lostBytes =
        poison(whole()).stream()
            .filter(PoisonEntry::isExact)
            .mapToLong(entry -> entry.range().length())
            .sum();
    ChildSlots.View now = slots.view();
    DeviceCounters sum = new DeviceCounters(0, 0, 0, 0, 0, lostBytes, owed.failures());
    for (int slot = 0; slot < map.slots(); slot++) {
      DaxDevice child = now.child(slot);
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

  /**
   * Closes every child.
   *
   * @throws PersistFailedException when writes may be lost of which no failed persist has told: to
   *     a child that is not there, or was not meanwhile
   */
  @Override
  public final void close() throws IOException {
    slots.close();
  }

  // Down.

  private interface Below<R> {
    R run(DaxDevice child) throws IOException;
  }

  /**
   * Has a child do something that its next persist may have to make durable.
   *
   * @param mine bytes of the child, to be named when it is not there
   */
  private <R> R below(ChildSlots.View now, int slot, ByteRange mine, Below<R> action)
      throws IOException {
    DaxDevice child = now.child(slot);
    if (child == null) {
      throw missing(now, slot, firstOwn(slot, mine));
    }
    owed.concern(slot);
    try {
      return action.run(child);
    } catch (DeviceException e) {
      throw up(e, slot, 0, firstOwn(slot, mine));
    } catch (PersistFailedException e) {
      throw slots.persistFailed(slot, e);
    }
  }

  private ByteRange firstOwn(int slot, ByteRange child) {
    return map.run(map.toOwn(slot, ByteRange.ofLength(child.start(), 1)).getFirst().start());
  }

  private void requireThere(ChildSlots.View now, ByteRange own) throws DeviceUnavailableException {
    for (int slot = 0; slot < map.slots(); slot++) {
      ByteRange mine = map.toChild(slot, own);
      if (!mine.isEmpty()) {
        slots.requireThere(now, slot, mine);
      }
    }
  }

  private DeviceUnavailableException missing(ChildSlots.View now, int slot, ByteRange own)
      throws DeviceUnavailableException {
    slots.checkOpen(now);
    return slots.unavailable(slot, own, null);
  }

  private @Nullable PoisonEntry firstLost(ByteRange own) {
    for (PoisonEntry entry : poison(own)) {
      if (entry.isExact()) {
        return entry;
      }
    }
    return null;
  }

  // Up.

  /**
   * What a child says of an access to {@code piece}, in own terms.
   *
   * @param accessStart where the access began of which the piece is a part
   */
  private DeviceException up(DeviceException below, int slot, long accessStart, ByteRange piece) {
    return switch (below) {
      case PoisonedRangeException e -> {
        owed.concern(slot);
        long at = Math.min(piece.end() - 1, piece.start() + e.goodPrefixBytes());
        long shift = at - map.childOffset(at);
        ByteRange run = map.run(at);
        ByteRange bad = e.range().intersect(run.shift(-shift));
        yield new PoisonedRangeException(
            info.name(),
            bad.isEmpty() ? new ByteRange(at, piece.end()) : bad.shift(shift),
            e.poisonCause(),
            at - accessStart,
            e);
      }
      case DeviceUnavailableException e when e.state() == DeviceState.READ_ONLY ->
          slots.readOnly(String.valueOf(e.getReason()), e);
      case DeviceUnavailableException e -> {
        ByteRange within = e.range();
        List<ByteRange> own = within == null ? List.of() : map.toOwn(slot, within);
        yield slots.unavailable(
            slot, own.stream().filter(piece::overlaps).findFirst().orElse(piece), e);
      }
      case DeviceClaimedException e -> e;
    };
  }

  private List<ByteRange> up(int slot, List<ByteRange> below) {
    return below.stream().flatMap(range -> map.toOwn(slot, range).stream()).toList();
  }

  private static List<ByteRange> joined(List<ByteRange> ranges) {
    return ByteRanges.of(ranges).asList();
  }

  private PoisonedRangeException lost(PoisonEntry entry, ByteRange access) {
    return new PoisonedRangeException(
        info.name(), entry.range(), entry.cause(), entry.range().start() - access.start(), null);
  }

  private ByteRange whole() {
    return new ByteRange(0, info.sizeBytes());
  }

  private void checkBounds(ByteRange range) {
    Objects.checkFromToIndex(range.start(), range.end(), info.sizeBytes());
  }

  /** Turns the notices of one child into this device's. */
  private final class Upward implements Holder {
    private final int slot;

    Upward(int slot) {
      this.slot = slot;
    }

    @Override
    public String holderName() {
      return info.name();
    }

    @Override
    public void onNotice(DeviceNotice notice) {
      switch (notice) {
        case DeviceNotice.Failure failure -> forward(failure);
        case DeviceNotice.StateChange change -> slots.settle(change.detail());
      }
    }

    private void forward(DeviceNotice.Failure failure) {
      owed.concern(slot);
      List<ByteRange> own = new ArrayList<>();
      for (ByteRange range : failure.ranges()) {
        own.addAll(map.toOwnCover(slot, range, ChildSlots.MAX_RANGES));
      }
      // Without any range, redundancy was struck that all of the child depends on.
      if (!own.isEmpty() || failure.ranges().isEmpty()) {
        notices.raise(
            failure.severity(),
            failure.cause(),
            failure.role(),
            own,
            failure.lowest(),
            failure.media());
      }
    }
  }
}

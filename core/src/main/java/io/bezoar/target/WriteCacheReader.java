package io.bezoar.target;

import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.DeviceUnavailableException;
import io.bezoar.dax.PoisonedRangeException;
import io.bezoar.dax.RecoveryRead;
import io.bezoar.dax.RecoveryRuns;
import io.bezoar.media.ByteRange;
import io.bezoar.media.Units;
import io.bezoar.target.WriteCacheIndex.State;
import io.bezoar.target.WriteCachedTarget.Slot;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Reads the newest of cache and origin, without a lock: what moved while it was read is read again
 * ({@link WriteCacheMap}).
 */
final class WriteCacheReader {
  private static final int PAGE = Units.PAGE_BYTES;

  /** Most pages read at once: a longer read is more likely to be disturbed. */
  private static final int RUN_PAGES = 1024;

  /** After so many disturbed attempts a run is read page by page. */
  private static final int PATIENCE = 4;

  private final WriteCacheIndex index;
  private final WriteCacheGeometry geometry;
  private final WriteCacheChildren children;
  private final WriteCacheHealer healer;

  WriteCacheReader(
      WriteCacheIndex index,
      WriteCacheGeometry geometry,
      WriteCacheChildren children,
      WriteCacheHealer healer) {
    this.index = index;
    this.geometry = geometry;
    this.children = children;
    this.healer = healer;
  }

  void read(long offset, MemorySegment dst) throws IOException {
    long end = offset + dst.byteSize();
    int disturbed = 0;
    for (long at = offset; at < end; ) {
      long got = readRun(offset, at, dst, disturbed >= PATIENCE ? 1 : RUN_PAGES);
      if (got == 0) {
        disturbed++;
        Thread.onSpinWait();
      } else {
        disturbed = 0;
        at += got;
      }
    }
  }

  /** Where a run of pages lies. */
  private record Run(long page, long pages, int block, long versions) {
    boolean cached() {
      return block >= 0;
    }
  }

  /** The longest run from {@code page} on that lies together; null while the map changes. */
  private @Nullable Run runAt(long page, long atMost) {
    // The versions of all that may be looked at, so of a group at least.
    long versions = index.map.versions(page, atMost);
    if (versions < 0) {
      return null;
    }
    int block = index.map.find(page);
    long pages = 1;
    while (pages < atMost) {
      int next = index.map.find(page + pages);
      if (block < 0 ? next >= 0 : next != block + pages) {
        break;
      }
      pages++;
    }
    return new Run(page, pages, block, versions);
  }

  /**
   * Reads from {@code at} on what lies together.
   *
   * @return bytes read; 0 when it was disturbed
   */
  private long readRun(long offset, long at, MemorySegment dst, int pagesAtMost)
      throws IOException {
    long end = offset + dst.byteSize();
    long page = at / PAGE;
    long wanted = Math.min(pagesAtMost, Math.ceilDiv(end, (long) PAGE) - page);
    Run run = runAt(page, wanted);
    if (run == null) {
      return 0;
    }
    long length = Math.min(end, (page + run.pages()) * PAGE) - at;
    MemorySegment part = dst.asSlice(at - offset, length);
    try {
      if (run.cached()) {
        children.fast().read(geometry.blockOffset(run.block()) + at % PAGE, part);
      } else {
        children.origin().read(at, part);
      }
    } catch (PoisonedRangeException bad) {
      if (index.map.unchanged(page, wanted, run.versions())) {
        lost(run, offset, at, length, bad);
      }
      return 0;
    } catch (DeviceUnavailableException gone) {
      if (index.map.unchanged(page, wanted, run.versions())) {
        Slot slot = run.cached() ? Slot.FAST : Slot.ORIGIN;
        if (slot == Slot.FAST && index.state(run.block()) == State.CLEAN && run.pages() == 1) {
          return readCleanFromOrigin(at, part, run, gone);
        }
        if (slot == Slot.FAST && run.pages() > 1) {
          return readRun(offset, at, dst, 1);
        }
        throw children.unavailable(slot, ByteRange.ofLength(at, length), gone);
      }
      return 0;
    }
    return index.map.unchanged(page, wanted, run.versions()) ? length : 0;
  }

  /** The fast device is gone: what is clean, the origin has. */
  private long readCleanFromOrigin(
      long at, MemorySegment part, Run run, DeviceUnavailableException gone) throws IOException {
    if (!children.there(Slot.ORIGIN)) {
      throw children.unavailable(Slot.FAST, ByteRange.ofLength(at, part.byteSize()), gone);
    }
    try {
      children.origin().read(at, part);
    } catch (PoisonedRangeException bad) {
      throw new PoisonedRangeException(
          children.name(), bad.range(), bad.poisonCause(), bad.goodPrefixBytes(), bad);
    } catch (DeviceUnavailableException both) {
      throw children.unavailable(Slot.ORIGIN, ByteRange.ofLength(at, part.byteSize()), both);
    }
    return index.map.unchanged(run.page(), 1, run.versions()) ? part.byteSize() : 0;
  }

  /** Returns when the bytes came back from the other copy; throws what is lost. */
  private void lost(Run run, long offset, long at, long length, PoisonedRangeException bad)
      throws IOException {
    ByteRange access = ByteRange.ofLength(at, length);
    ByteRange own = bad.range();
    if (run.cached()) {
      long shift = run.page() * PAGE - geometry.blockOffset(run.block());
      own = ownRange(bad.range(), shift);
      long page = Math.max(own.start(), at) / PAGE;
      if (healer.heal(page)) {
        return;
      }
    } else {
      children.noteOnOrigin();
    }
    throw new PoisonedRangeException(
        children.name(),
        own.intersect(access),
        bad.poisonCause(),
        at - offset + bad.goodPrefixBytes(),
        bad);
  }

  private static ByteRange ownRange(ByteRange fast, long shift) {
    // What the fast device names may begin in the block before.
    long start = Math.max(0, fast.start() + shift);
    return new ByteRange(start, Math.max(start, fast.end() + shift));
  }

  RecoveryRead recoveryRead(long offset, MemorySegment dst) throws IOException {
    RecoveryRuns runs = new RecoveryRuns();
    long end = offset + dst.byteSize();
    for (long at = offset; at < end; ) {
      at += recoverRun(offset, at, dst, runs);
    }
    return runs.build();
  }

  /** As {@link #readRun}, bringing out what can be. */
  private long recoverRun(long offset, long at, MemorySegment dst, RecoveryRuns runs)
      throws IOException {
    long end = offset + dst.byteSize();
    long page = at / PAGE;
    long wanted = Math.min(WriteCacheMap.GROUP_PAGES, Math.ceilDiv(end, (long) PAGE) - page);
    Run run = runAt(page, wanted);
    if (run == null) {
      return 0;
    }
    long length = Math.min(end, (page + run.pages()) * PAGE) - at;
    MemorySegment part = dst.asSlice(at - offset, length);
    List<RecoveryRead.Run> found = new ArrayList<>();
    long shift = run.cached() ? page * PAGE - geometry.blockOffset(run.block()) : 0;
    try {
      DaxDevice child = run.cached() ? children.fast() : children.origin();
      found.addAll(child.recoveryRead(at - shift, part).runs());
    } catch (DeviceUnavailableException gone) {
      absent(run, at, part, found, gone);
      shift = 0;
    }
    if (!index.map.unchanged(page, wanted, run.versions())) {
      return 0;
    }
    if (run.cached() && shift != 0 && healed(at, length, shift, found)) {
      return 0;
    }
    for (RecoveryRead.Run each : found) {
      if (!run.cached() && each instanceof RecoveryRead.Hole) {
        children.noteOnOrigin();
      }
      runs.add(each, shift);
    }
    return length;
  }

  /** Brings back what can be of what is bad in the cache; true when it is worth another look. */
  private boolean healed(long at, long length, long shift, List<RecoveryRead.Run> found)
      throws IOException {
    List<ByteRange> bad = new ArrayList<>();
    found.stream()
        .filter(RecoveryRead.Hole.class::isInstance)
        .forEach(hole -> bad.add(hole.range()));
    ByteRange access = ByteRange.ofLength(at - shift, length);
    bad.addAll(WriteCacheHealer.lost(children.fast(), access).asList());
    boolean healed = false;
    for (ByteRange range : bad) {
      long end = Math.ceilDiv(range.end() + shift, (long) PAGE);
      for (long page = (range.start() + shift) / PAGE; page < end; page++) {
        healed |= healer.heal(page);
      }
    }
    return healed;
  }

  private void absent(
      Run run,
      long at,
      MemorySegment part,
      List<RecoveryRead.Run> found,
      DeviceUnavailableException gone)
      throws IOException {
    ByteRange range = ByteRange.ofLength(at, part.byteSize());
    Slot slot = run.cached() ? Slot.FAST : Slot.ORIGIN;
    DeviceUnavailableException own = children.unavailable(slot, range, gone);
    if (own.range() == null) {
      throw own;
    }
    for (long from = at; from < range.end(); ) {
      long to = Math.min(range.end(), (from / PAGE + 1) * PAGE);
      MemorySegment piece = part.asSlice(from - at, to - from);
      int block = index.map.find(from / PAGE);
      if (run.cached() && block >= 0 && index.state(block) == State.CLEAN) {
        found.addAll(children.origin().recoveryRead(from, piece).runs());
      } else {
        piece.fill((byte) 0);
        found.add(new RecoveryRead.Absent(new ByteRange(from, to)));
      }
      from = to;
    }
  }
}

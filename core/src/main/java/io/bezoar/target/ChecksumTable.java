package io.bezoar.target;

import io.bezoar.dax.DeviceState;
import io.bezoar.dax.PoisonedRangeException;
import io.bezoar.dax.Role;
import io.bezoar.dax.Severity;
import io.bezoar.media.ByteRange;
import io.bezoar.media.Cause;
import io.bezoar.media.Units;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.concurrent.locks.ReentrantLock;

/**
 * What every page of the volume must hash to, and which pages are lost.
 *
 * <p><b>Invariant.</b> The table in memory describes the pages as they stand in place. The two
 * copies on media lag behind it by at most what the journal holds, and are brought up to it by
 * {@link #writeBack} before the journal forgets.
 *
 * <p><b>Threat.</b> A table page may be unreadable, stale or wrong in one copy: pages check
 * themselves, and the sealed copy with the higher generation wins. A crash may tear both copies of
 * a page, or one while a fault takes the other; then its lines are still each old or new, and
 * replay overrides every entry that was in flight, so the raw bytes are taken. Whenever two
 * readable copies differ the page is flagged doubtful until a scrub has confirmed it: data and
 * parity may then overrule its entries.
 *
 * <p><b>Protocol.</b> Table pages are loaded on first use and stay (1/1024 of the data touched).
 * {@link #expected} is an acquire load and a plain load: a reader that races with a writer sees a
 * mismatch and settles it under the row lock. Entries change under the row lock, inside a journal
 * epoch; {@link #writeBack} runs when no epoch is open.
 */
final class ChecksumTable {
  private static final int PAGE = Units.PAGE_BYTES;
  private static final int LINES = PAGE / Units.LINE_BYTES;
  private static final int PER_PAGE = ChecksumLayout.ENTRIES_PER_PAGE;

  private final Geometry geometry;
  private final ChildIo child;
  private final Incident.Sink sink;
  private final boolean writeLines;
  private final Arena arena = Arena.ofAuto();
  private final AtomicReferenceArray<MemorySegment> pages;
  private final AtomicLongArray dirtyLines;
  private final ConcurrentLinkedQueue<Integer> dirtyPages = new ConcurrentLinkedQueue<>();
  private final ReentrantLock loading = new ReentrantLock();

  ChecksumTable(Geometry geometry, ChildIo child, Incident.Sink sink) {
    this.geometry = geometry;
    this.child = child;
    this.sink = sink;
    this.writeLines = child.device().info().persistCheap();
    this.pages = new AtomicReferenceArray<>(Math.toIntExact(geometry.checksumPages()));
    this.dirtyLines = new AtomicLongArray(pages.length());
  }

  /** The value that {@link PageCrc} must give for a page. */
  int expected(long page) throws IOException {
    int index = (int) (page / PER_PAGE);
    MemorySegment table = pages.getAcquire(index);
    if (table == null) {
      table = load(index);
    }
    return ChecksumLayout.entry(table, (int) (page - (long) index * PER_PAGE));
  }

  /** True when the page is lost or retired: it has no content and counts as zeroes in parity. */
  boolean lost(long page) throws IOException {
    return ChecksumLayout.lost(tableOf(page), (int) (page % PER_PAGE));
  }

  /** Sets what a page must hash to; it is no longer lost. Row lock held. */
  void set(long page, int value) throws IOException {
    MemorySegment table = tableOf(page);
    int index = (int) (page % PER_PAGE);
    markDirty(page, ChecksumLayout.setEntry(table, index, value));
    if (ChecksumLayout.lost(table, index)) {
      setLostBit(page, table, false);
    }
  }

  /**
   * Marks a page lost. Row lock held. Its entry is inverted, so that even bytes that used to match
   * are not taken for good by a reader that knows nothing of the mark.
   */
  void setLost(long page) throws IOException {
    MemorySegment table = tableOf(page);
    int index = (int) (page % PER_PAGE);
    if (!ChecksumLayout.lost(table, index)) {
      markDirty(page, ChecksumLayout.setEntry(table, index, ~ChecksumLayout.entry(table, index)));
      setLostBit(page, table, true);
    }
  }

  private void setLostBit(long page, MemorySegment table, boolean lost) {
    // Eight pages share a byte and need not share a row lock.
    loading.lock();
    try {
      markDirty(page, ChecksumLayout.setLost(table, (int) (page % PER_PAGE), lost));
    } finally {
      loading.unlock();
    }
  }

  private void markDirty(long page, int line) {
    int index = (int) (page / PER_PAGE);
    if (dirtyLines.getAndUpdate(index, lines -> lines | 1L << line) == 0) {
      dirtyPages.add(index);
    }
  }

  private MemorySegment tableOf(long page) throws IOException {
    int index = (int) (page / PER_PAGE);
    MemorySegment table = pages.getAcquire(index);
    return table != null ? table : load(index);
  }

  /**
   * True when the entry of a page is itself in question: its table page was rebuilt from raw bytes,
   * or the two copies on media do not both verify and agree with memory. While this is false, a
   * page that disagrees with its entry is wrong even if parity agrees with it: a dropped write-back
   * loses data and parity together.
   */
  boolean doubtful(long page) throws IOException {
    MemorySegment table = tableOf(page);
    int index = (int) (page / PER_PAGE);
    if (ChecksumLayout.doubtful(table)) {
      return true;
    }
    if (dirtyLines.get(index) != 0) {
      return false;
    }
    try (Arena scratch = Arena.ofConfined()) {
      for (int copy = 0; copy < 2; copy++) {
        MemorySegment image = scratch.allocate(PAGE, Long.BYTES);
        if (readCopy(copy, index, image).compareTo(Quality.ZERO) > 0
            || ChecksumLayout.entry(image, (int) (page % PER_PAGE))
                != ChecksumLayout.entry(table, (int) (page % PER_PAGE))) {
          return true;
        }
      }
    }
    return false;
  }

  private MemorySegment load(int index) throws IOException {
    loading.lock();
    try {
      MemorySegment known = pages.getAcquire(index);
      if (known != null) {
        return known;
      }
      MemorySegment chosen = arena.allocate(PAGE, Units.LINE_BYTES);
      try (Arena scratch = Arena.ofConfined()) {
        Copy[] copies = new Copy[2];
        for (int copy = 0; copy < 2; copy++) {
          MemorySegment image = scratch.allocate(PAGE, Units.LINE_BYTES);
          copies[copy] = new Copy(readCopy(copy, index, image), image);
        }
        settle(index, copies, chosen);
      }
      pages.setRelease(index, chosen);
      return chosen;
    } finally {
      loading.unlock();
    }
  }

  /** What one copy of a table page on media is; better ones first. */
  private enum Quality {
    /** Sealed, and the seal holds. */
    SEALED,
    /** All zeroes: never written, or struck so that it looks like that. */
    ZERO,
    /** Readable, and perhaps torn: what differs from the other copy was in flight. */
    TORN,
    /** Readable, but nothing like a table page. */
    ALIEN,
    /** Cannot be read. */
    UNREADABLE
  }

  private record Copy(Quality quality, MemorySegment image) {}

  /** Fills {@code chosen} with the better copy and makes both copies on media agree with it. */
  private void settle(int index, Copy[] copies, MemorySegment chosen) throws IOException {
    int winner = winner(copies[0], copies[1]);
    Copy best = copies[winner];
    Copy other = copies[1 - winner];
    if (best.quality != Quality.UNREADABLE) {
      chosen.copyFrom(best.image);
    }
    boolean known = best.quality.compareTo(Quality.TORN) <= 0;
    if (known && best.quality == other.quality && best.image.mismatch(other.image) < 0) {
      return;
    }
    if (best.quality != Quality.SEALED && other.quality != Quality.UNREADABLE) {
      // A lost page is on the child's list too; a struck bit must not lose another.
      ChecksumLayout.keepCommonLostBits(chosen, other.image);
    }
    if (best.quality != Quality.SEALED || other.quality != Quality.UNREADABLE) {
      ChecksumLayout.setDoubtful(chosen, true);
    }
    if (child.device().state() != DeviceState.ONLINE) {
      return;
    }
    ChecksumLayout.seal(
        chosen, geometry.checksumOffset(0, index), ChecksumLayout.generation(chosen) + 1);
    repairCopy(1 - winner, index, chosen);
    if (best.quality == Quality.SEALED) {
      storeWhole(geometry.checksumOffset(winner, index), chosen);
    } else {
      repairCopy(winner, index, chosen);
    }
  }

  private static int winner(Copy first, Copy second) {
    if (first.quality == Quality.SEALED && second.quality == Quality.SEALED) {
      return ChecksumLayout.generation(first.image) >= ChecksumLayout.generation(second.image)
          ? 0
          : 1;
    }
    // Zeroes beside a torn page mean that its first write was torn, or that a fault made zeroes:
    // either way the torn one knows more, and the journal overrides what was in flight.
    if (first.quality == Quality.ZERO && second.quality == Quality.TORN) {
      return 1;
    }
    if (first.quality == Quality.TORN && second.quality == Quality.ZERO) {
      return 0;
    }
    return first.quality.compareTo(second.quality) <= 0 ? 0 : 1;
  }

  private Quality readCopy(int copy, int index, MemorySegment into) throws IOException {
    try {
      child.device().read(geometry.checksumOffset(copy, index), into);
    } catch (PoisonedRangeException unreadable) {
      into.fill((byte) 0);
      return Quality.UNREADABLE;
    }
    long address = geometry.checksumOffset(0, index);
    if (ChecksumLayout.isZero(into)) {
      return Quality.ZERO;
    }
    if (ChecksumLayout.sealed(into, address)) {
      return Quality.SEALED;
    }
    return ChecksumLayout.plausible(into, address) ? Quality.TORN : Quality.ALIEN;
  }

  /** Rewrites one copy of a table page from a good image and tells of it. */
  private void repairCopy(int copy, int index, MemorySegment image) throws IOException {
    if (child.device().state() != DeviceState.ONLINE) {
      return;
    }
    ByteRange where = ByteRange.ofLength(geometry.checksumOffset(copy, index), PAGE);
    child.report(where, Cause.REDUNDANCY);
    boolean stored = child.device().recoveryWrite(where.start(), image).complete();
    sink.raise(
        new Incident(
            stored ? Severity.HEALED : Severity.DEGRADED,
            Cause.REDUNDANCY,
            Role.CHECKSUMS,
            null,
            where));
  }

  /**
   * Brings both copies on media up to memory; not durable until the child persists. No epoch may be
   * open.
   */
  void writeBack() throws IOException {
    for (Integer index = dirtyPages.peek(); index != null; index = dirtyPages.peek()) {
      MemorySegment page = tableOf((long) index * PER_PAGE);
      long lines = dirtyLines.get(index) | 1;
      ChecksumLayout.seal(
          page, geometry.checksumOffset(0, index), ChecksumLayout.generation(page) + 1);
      boolean stored = writeCopy(0, index, page, lines);
      stored |= writeCopy(1, index, page, lines);
      if (!stored) {
        throw new IOException(
            child.device().info().name()
                + ": neither copy of checksum page "
                + index
                + " can be stored; move the data to another device");
      }
      dirtyLines.set(index, 0);
      dirtyPages.poll();
    }
  }

  private boolean writeCopy(int copy, int index, MemorySegment page, long lines)
      throws IOException {
    long offset = geometry.checksumOffset(copy, index);
    if (!writeLines) {
      return storeWhole(offset, page);
    }
    int line = 0;
    while (line < LINES) {
      if ((lines >> line & 1) == 0) {
        line++;
        continue;
      }
      int end = line;
      while (end < LINES && (lines >> end & 1) != 0) {
        end++;
      }
      long from = (long) line * Units.LINE_BYTES;
      try {
        child
            .device()
            .write(offset + from, page.asSlice(from, (long) (end - line) * Units.LINE_BYTES));
      } catch (PoisonedRangeException inTheWay) {
        return storeWhole(offset, page);
      }
      line = end;
    }
    return true;
  }

  private boolean storeWhole(long offset, MemorySegment page) throws IOException {
    try {
      child.device().write(offset, page);
      return true;
    } catch (PoisonedRangeException inTheWay) {
      boolean stored = child.device().recoveryWrite(offset, page).complete();
      sink.raise(
          new Incident(
              stored ? Severity.HEALED : Severity.DEGRADED,
              inTheWay.poisonCause(),
              Role.CHECKSUMS,
              null,
              ByteRange.ofLength(offset, PAGE)));
      return stored;
    }
  }

  /**
   * Compares both copies of one table page with memory and repairs what differs. No epoch may be
   * open, and nothing may be dirty.
   *
   * @return how many of the two copies had to be repaired
   */
  int scrub(int index) throws IOException {
    MemorySegment page = tableOf((long) index * PER_PAGE);
    int repaired = 0;
    try (Arena scratch = Arena.ofConfined()) {
      MemorySegment image = scratch.allocate(PAGE, Long.BYTES);
      for (int copy = 0; copy < 2; copy++) {
        if (readCopy(copy, index, image) == Quality.UNREADABLE || image.mismatch(page) >= 0) {
          repairCopy(copy, index, page);
          repaired++;
        }
      }
    }
    return repaired;
  }

  /**
   * A scrub has confirmed every page of the volume: no loaded table page is in doubt any more. No
   * epoch may be open.
   */
  void confirmAll() {
    for (int i = 0; i < pages.length(); i++) {
      MemorySegment page = pages.getAcquire(i);
      if (page != null && ChecksumLayout.doubtful(page)) {
        ChecksumLayout.setDoubtful(page, false);
        markDirty((long) i * PER_PAGE, 0);
      }
    }
  }

  int pageCount() {
    return pages.length();
  }
}

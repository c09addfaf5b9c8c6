package io.bezoar.target;

import io.bezoar.dax.PoisonedRangeException;
import io.bezoar.dax.RecoveryRead;
import io.bezoar.media.ByteRange;
import io.bezoar.media.Cause;
import io.bezoar.media.Units;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * Reads whole rows: every page with what became of it, the sum of the good ones, and the one that
 * parity can rebuild. Stores nothing. The row's lock is held.
 */
final class RowLoader {
  private static final int PAGE = Units.PAGE_BYTES;

  private final Geometry geometry;
  private final ChildIo child;
  private final ChecksumTable table;
  private final LostPages lost;
  private final InstantSource clock;

  final LongAdder readFaults = new LongAdder();
  final LongAdder checksumErrors = new LongAdder();

  RowLoader(
      Geometry geometry, ChildIo child, ChecksumTable table, LostPages lost, InstantSource clock) {
    this.geometry = geometry;
    this.child = child;
    this.table = table;
    this.lost = lost;
    this.clock = clock;
  }

  /**
   * Brings a row into the buffer without storing anything, rebuilding the one page that is bad.
   *
   * @return false when that was not possible: the bad pages are bad in the buffer
   */
  boolean reconstruct(long row, RowBuffer buffer) throws IOException {
    load(row, buffer, Look.CACHED);
    int bad = countBad(buffer);
    return bad == 0 || (bad == 1 && rebuildOnly(row, buffer));
  }

  /** Rebuilds the one bad page in the buffer. */
  boolean rebuildOnly(long row, RowBuffer buffer) throws IOException {
    if (!buffer.parityReadable) {
      return false;
    }
    int column = firstBad(buffer);
    MemorySegment rebuilt = rebuild(buffer);
    if (PageCrc.of(rebuilt) != table.expected(geometry.pageAt(row, column))) {
      return false;
    }
    buffer.page(column).copyFrom(rebuilt);
    buffer.set(column, RowBuffer.State.GOOD, null);
    return true;
  }

  /** Where a look at a row may stop. */
  enum Look {
    /** At what any read would get. */
    CACHED,
    /** At the media: a page may have rotted under its cached copy. */
    MEDIA
  }

  /** Reads a row and sums up what is good of it. */
  void load(long row, RowBuffer buffer, Look look) throws IOException {
    buffer.sum.fill((byte) 0);
    for (int column = 0; column < geometry.dataColumns(); column++) {
      loadPage(row, column, buffer, look);
      if (buffer.state(column) == RowBuffer.State.GOOD) {
        buffer.addToSum(column);
      }
    }
    Cause bad = fetch(geometry.parityOffset(row), buffer.parity(), look);
    buffer.parityReadable = bad == null;
    buffer.parityCause = bad == null ? Cause.REDUNDANCY : bad;
  }

  private void loadPage(long row, int column, RowBuffer buffer, Look look) throws IOException {
    long page = geometry.pageAt(row, column);
    MemorySegment into = buffer.page(column);
    if (table.lost(page)) {
      into.fill((byte) 0);
      buffer.set(column, RowBuffer.State.LOST, null);
      lost.add(page, Cause.CHECKSUM, clock.millis());
      return;
    }
    long offset = geometry.childOffsetOfPage(page);
    Look last = look;
    Cause bad = fetch(offset, into, look);
    Cause met = bad;
    if (look == Look.CACHED
        && (bad == null ? PageCrc.of(into) != table.expected(page) : bad.readable())) {
      last = Look.MEDIA;
      bad = fetch(offset, into, last);
    }
    if (bad != null) {
      buffer.set(column, RowBuffer.State.UNREADABLE, bad);
    } else if (PageCrc.of(into) == table.expected(page)) {
      // A crash between the store of a repair and the moment when it is forgotten leaves good bytes
      // that are refused. They are no second loss in the row.
      ByteRange where = ByteRange.ofLength(offset, PAGE);
      Cause refused = last == Look.MEDIA ? child.refusal(where) : null;
      buffer.set(column, RowBuffer.State.GOOD, refused);
    } else if (met != null) {
      buffer.set(column, RowBuffer.State.UNREADABLE, met);
    } else {
      checksumErrors.increment();
      buffer.set(column, RowBuffer.State.MISMATCH, Cause.CHECKSUM);
    }
  }

  /** Reads a page; null when all of it came, else why not. */
  private @Nullable Cause fetch(long offset, MemorySegment into, Look look) throws IOException {
    try {
      if (look == Look.CACHED) {
        child.device().read(offset, into);
        return null;
      }
      List<RecoveryRead.Hole> holes = child.device().recoveryRead(offset, into).holes();
      if (holes.isEmpty()) {
        return null;
      }
      readFaults.increment();
      return holes.getFirst().cause();
    } catch (PoisonedRangeException unreadable) {
      readFaults.increment();
      return unreadable.poisonCause();
    }
  }

  int countBad(RowBuffer buffer) {
    int bad = 0;
    for (int column = 0; column < geometry.dataColumns(); column++) {
      bad += buffer.bad(column) ? 1 : 0;
    }
    return bad;
  }

  int firstBad(RowBuffer buffer) {
    int column = 0;
    while (!buffer.bad(column)) {
      column++;
    }
    return column;
  }

  /** What the one bad page of a row must be for the parity to be right. */
  MemorySegment rebuild(RowBuffer buffer) {
    Xor.into(buffer.sum, buffer.parity(), 0, PAGE);
    return buffer.result.copyFrom(buffer.sum);
  }

  void sumOfGood(RowBuffer buffer) {
    buffer.sum.fill((byte) 0);
    for (int column = 0; column < geometry.dataColumns(); column++) {
      if (buffer.state(column) == RowBuffer.State.GOOD) {
        buffer.addToSum(column);
      }
    }
  }
}

package io.bezoar.fs;

import static io.bezoar.media.Units.LINE_BYTES;
import static io.bezoar.media.Units.PAGE_BYTES;

import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.DeviceUnavailableException;
import io.bezoar.dax.PoisonedRangeException;
import io.bezoar.dax.RecoveryRead;
import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * Finds what an intent log holds.
 *
 * <p>Every line of the region is looked at. Of all records that are whole, those with the greatest
 * epoch count: they are the newest lap. They are taken in the order of their places, each with the
 * next number and the checksum of the one before. Where numbers are missing there are three cases.
 *
 * <ul>
 *   <li>Some record says that the missing ones were durable: they are damaged, and what comes
 *       behind them is taken.
 *   <li>The device has lost bytes in between: they may have been durable; the same.
 *   <li>Otherwise a crash tore what was not durable yet: the log ends there.
 * </ul>
 *
 * <p>Memory: the region, while it is scanned, and a few words for each record of the newest lap.
 */
final class IntentScan {
  /** More would take long to scan, and nothing gains by it. */
  static final long REGION_BYTES_MAX = 64L << 20;

  private static final int READ_BYTES = 64 * PAGE_BYTES;

  /** A record of the newest lap. */
  record Entry(long address, int bytes, int crc, IntentLayout.Frame frame) {
    long end() {
      return address + bytes;
    }

    long sequence() {
      return frame.sequence();
    }
  }

  /**
   * Records that may be missing.
   *
   * @param covers a commit that certainly has them, {@link Long#MAX_VALUE} if there is none
   */
  record Gap(IntentDamage damage, long covers) {}

  private final DaxDevice device;
  private final ByteRange region;
  private final long id;
  private final MemorySegment image;
  private final List<Entry> newest = new ArrayList<>();
  private final List<Entry> entries = new ArrayList<>();
  private final List<Gap> gaps = new ArrayList<>();
  private ByteRanges lost = ByteRanges.EMPTY;
  private long lastSequence;

  private IntentScan(DaxDevice device, ByteRange region, long id, Arena arena) {
    this.device = device;
    this.region = region;
    this.id = id;
    this.image = arena.allocate(region.length(), LINE_BYTES);
  }

  static IntentScan of(DaxDevice device, ByteRange region, long id) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      IntentScan scan = new IntentScan(device, region, id, arena);
      scan.load();
      scan.collect();
      scan.follow();
      return scan;
    }
  }

  /** Records to be replayed, in order. */
  List<Entry> entries() {
    return entries;
  }

  /** Where records may be missing. */
  List<Gap> gaps() {
    return gaps;
  }

  /** The greatest number of any record found, 0 when there is none. */
  long lastSequence() {
    return lastSequence;
  }

  private void load() throws IOException {
    List<ByteRange> holes = new ArrayList<>();
    for (long at = 0; at < region.length(); at += READ_BYTES) {
      MemorySegment part = image.asSlice(at, Math.min(READ_BYTES, region.length() - at));
      holes.addAll(read(device, region.start() + at, part));
    }
    lost = ByteRanges.of(holes);
  }

  /**
   * Reads all that can be read.
   *
   * @return what cannot, because it is lost; zeroes stand for it
   * @throws DeviceUnavailableException when part of it is not there
   */
  static List<ByteRange> read(DaxDevice device, long offset, MemorySegment dst) throws IOException {
    try {
      device.read(offset, dst);
      return List.of();
    } catch (PoisonedRangeException struck) {
      List<ByteRange> holes = new ArrayList<>();
      for (RecoveryRead.Run run : device.recoveryRead(offset, dst).runs()) {
        switch (run) {
          case RecoveryRead.Hole hole -> holes.add(hole.range());
          case RecoveryRead.Absent absent ->
              throw new DeviceUnavailableException(
                  device.info().name(),
                  absent.range(),
                  "the intent log is there; bring the device back",
                  struck);
          // Whether these are right, each record's own checksum says.
          case RecoveryRead.Verified _, RecoveryRead.Unverified _ -> {}
        }
      }
      return holes;
    }
  }

  private void collect() throws IntentLogNewerException {
    long address = region.start();
    while (address < region.end()) {
      int step = LINE_BYTES;
      switch (IntentLayout.decode(from(address), id, address)) {
        case IntentLayout.Valid valid -> {
          step = valid.bytes();
          lastSequence = Math.max(lastSequence, valid.frame().sequence());
          long epoch = newest.isEmpty() ? 0 : newest.getFirst().frame().epoch();
          if (valid.frame().epoch() > epoch) {
            newest.clear();
            epoch = valid.frame().epoch();
          }
          if (valid.frame().epoch() == epoch) {
            newest.add(new Entry(address, valid.bytes(), valid.crc(), valid.frame()));
          }
        }
        case IntentLayout.Newer newer ->
            throw new IntentLogNewerException(device.info().name(), address, newer.version());
        case IntentLayout.Nothing _ -> {}
      }
      address += step;
    }
  }

  private void follow() {
    long persisted = newest.stream().mapToLong(e -> e.frame().persisted()).max().orElse(0);
    long epoch = newest.isEmpty() ? 0 : newest.getFirst().frame().epoch();
    long expected = newest.isEmpty() ? lastSequence + 1 : epoch;
    long position = region.start();
    int crc = 0;
    for (Entry next : newest) {
      ByteRange between = new ByteRange(position, next.address());
      boolean isLost = lost.overlaps(between);
      if (next.sequence() != expected || next.frame().follows() != crc) {
        if (!isLost && expected > persisted) {
          return;
        }
        gap(between, expected, next);
        if (next.sequence() <= expected) {
          return;
        }
      } else if (entries.isEmpty() && isLost) {
        gap(between, lastSequence + 1, next);
      }
      entries.add(next);
      expected = next.sequence() + 1;
      position = next.end();
      crc = next.crc();
    }
    lookBehind(position, epoch, expected);
  }

  private void gap(ByteRange between, long expected, Entry next) {
    boolean isLost = lost.overlaps(between);
    // In what is lost before its first record a newer lap may have begun: nothing vouches for that.
    long covers = isLost && entries.isEmpty() ? Long.MAX_VALUE : next.frame().covers();
    IntentDamage.Kind kind = isLost ? IntentDamage.Kind.LOST : IntentDamage.Kind.CHANGED;
    gaps.add(new Gap(new IntentDamage(between, kind, expected, next.sequence()), covers));
  }

  /** Whether the next record could have been where the device has lost bytes. */
  private void lookBehind(long position, long epoch, long expected) {
    ByteRange rest = new ByteRange(position, region.end());
    ByteRange next = rest.intersect(ByteRange.ofLength(position, IntentLayout.RECORD_BYTES_MAX));
    if (rest.isEmpty() || !lost.overlaps(next)) {
      return;
    }
    if (lost.overlaps(ByteRange.ofLength(position, LINE_BYTES))
        || IntentLayout.looksLike(from(position), id, position, epoch, expected)) {
      IntentDamage damage =
          new IntentDamage(rest, IntentDamage.Kind.LOST, expected, Long.MAX_VALUE);
      gaps.add(new Gap(damage, Long.MAX_VALUE));
    }
  }

  private MemorySegment from(long address) {
    return image.asSlice(address - region.start());
  }
}

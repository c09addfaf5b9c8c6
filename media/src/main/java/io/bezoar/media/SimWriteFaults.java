package io.bezoar.media;

import static io.bezoar.media.Units.LINE_BYTES;
import static io.bezoar.media.Units.SECTOR_BYTES;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.random.RandomGenerator;

/**
 * Stores into an image, each store as it should be or as a fault armed for it decides. Called with
 * the lock of the media held.
 */
final class SimWriteFaults {
  private interface Outcome {
    void store(long offset, MemorySegment src);
  }

  private record Armed(ByteRange range, Outcome outcome) {}

  private final SimImage image;
  private final RandomGenerator random;
  private final List<Armed> armed = new ArrayList<>();

  SimWriteFaults(SimImage image, RandomGenerator random) {
    this.image = image;
    this.random = random;
  }

  void arm(ByteRange range, SimMedia.WriteFault fault) {
    Outcome outcome =
        switch (fault) {
          case DROP -> (offset, src) -> {};
          case DROP_BEHIND_CACHE -> this::storeInCacheOnly;
          case TEAR -> this::storeTorn;
        };
    armed.add(new Armed(range, outcome));
  }

  void armMisdirect(ByteRange range, long toOffset, long sizeBytes) {
    Outcome outcome =
        (offset, src) -> image.write(Math.min(toOffset, sizeBytes - src.byteSize()), src, random);
    armed.add(new Armed(range, outcome));
  }

  void store(long offset, MemorySegment src) {
    ByteRange range = ByteRange.ofLength(offset, src.byteSize());
    for (Iterator<Armed> each = armed.iterator(); each.hasNext(); ) {
      Armed next = each.next();
      if (next.range().overlaps(range)) {
        each.remove();
        next.outcome().store(offset, src);
        return;
      }
    }
    image.write(offset, src, random);
  }

  private void storeInCacheOnly(long offset, MemorySegment src) {
    image.write(offset, src, random);
    image.loseBehindCache(ByteRange.ofLength(offset, src.byteSize()));
  }

  private void storeTorn(long offset, MemorySegment src) {
    int unit = src.byteSize() < 2 * SECTOR_BYTES ? LINE_BYTES : SECTOR_BYTES;
    long units = Math.ceilDiv(src.byteSize(), unit);
    long dropped = random.nextLong(units);
    for (long i = 0; i < units; i++) {
      if (i != dropped && random.nextBoolean()) {
        long from = i * unit;
        MemorySegment part = src.asSlice(from, Math.min(unit, src.byteSize() - from));
        image.write(offset + from, part, random);
      }
    }
  }
}

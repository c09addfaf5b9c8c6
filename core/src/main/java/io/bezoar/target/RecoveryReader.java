package io.bezoar.target;

import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.RecoveryRead;
import io.bezoar.dax.RecoveryRuns;
import io.bezoar.media.ByteRange;
import io.bezoar.media.Units;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Brings out everything of a range: verified pages as they are, and of lost pages whatever granules
 * the child can still read, unverified.
 */
final class RecoveryReader {
  private static final int PAGE = Units.PAGE_BYTES;

  private final Geometry geometry;
  private final DaxDevice child;
  private final PageReader reader;
  private final RecoveryRuns runs = new RecoveryRuns();

  RecoveryReader(Geometry geometry, DaxDevice child, PageReader reader) {
    this.geometry = geometry;
    this.child = child;
    this.reader = reader;
  }

  RecoveryRead read(long offset, MemorySegment dst) throws IOException {
    ByteRange wanted = ByteRange.ofLength(offset, dst.byteSize());
    try (Arena scratch = Arena.ofConfined()) {
      MemorySegment page = scratch.allocate(PAGE, PAGE);
      for (long at = wanted.start(); at < wanted.end(); ) {
        ByteRange whole = ByteRange.ofLength(at / PAGE * PAGE, PAGE);
        ByteRange mine = whole.intersect(wanted);
        if (reader.read(at / PAGE, 1, page) == 1) {
          runs.verified(mine);
        } else {
          salvage(whole, mine, page);
        }
        MemorySegment.copy(
            page, mine.start() - whole.start(), dst, mine.start() - offset, mine.length());
        at = mine.end();
      }
    }
    return runs.build();
  }

  private void salvage(ByteRange whole, ByteRange mine, MemorySegment page) throws IOException {
    ByteRange below = geometry.toChild(whole);
    page.fill((byte) 0);
    for (RecoveryRead.Run run : child.recoveryRead(below.start(), page).runs()) {
      ByteRange part = geometry.toVolume(run.range()).intersect(mine);
      if (part.isEmpty()) {
        continue;
      }
      switch (run) {
        case RecoveryRead.Hole hole -> runs.hole(part, hole.cause());
        case RecoveryRead.Absent _ -> runs.absent(part);
        // No checksum of this device vouches for it.
        case RecoveryRead.Verified _, RecoveryRead.Unverified _ -> runs.unverified(part);
      }
    }
  }
}

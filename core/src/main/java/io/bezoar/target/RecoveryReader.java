package io.bezoar.target;

import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.RecoveryRead;
import io.bezoar.media.ByteRange;
import io.bezoar.media.Units;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Brings out everything of a range: verified pages as they are, and of lost pages whatever granules
 * the child can still read, unverified.
 */
final class RecoveryReader {
  private static final int PAGE = Units.PAGE_BYTES;

  private final Geometry geometry;
  private final DaxDevice child;
  private final PageReader reader;
  private final List<RecoveryRead.Run> runs = new ArrayList<>();

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
          add(new RecoveryRead.Verified(mine));
        } else {
          salvage(whole, mine, page);
        }
        MemorySegment.copy(
            page, mine.start() - whole.start(), dst, mine.start() - offset, mine.length());
        at = mine.end();
      }
    }
    return new RecoveryRead(runs);
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
        case RecoveryRead.Hole hole -> add(new RecoveryRead.Hole(part, hole.cause()));
        case RecoveryRead.Verified _ -> add(new RecoveryRead.Unverified(part));
        case RecoveryRead.Unverified _ -> add(new RecoveryRead.Unverified(part));
      }
    }
  }

  /** Appends a run, joined with the one before where that is of the same kind and cause. */
  private void add(RecoveryRead.Run run) {
    RecoveryRead.Run joined = runs.isEmpty() ? null : join(runs.getLast(), run);
    if (joined != null) {
      runs.removeLast();
    }
    runs.add(joined != null ? joined : run);
  }

  private static RecoveryRead.@Nullable Run join(RecoveryRead.Run before, RecoveryRead.Run run) {
    ByteRange both = before.range().span(run.range());
    return switch (run) {
      case RecoveryRead.Verified _ when before instanceof RecoveryRead.Verified ->
          new RecoveryRead.Verified(both);
      case RecoveryRead.Unverified _ when before instanceof RecoveryRead.Unverified ->
          new RecoveryRead.Unverified(both);
      case RecoveryRead.Hole hole
          when before instanceof RecoveryRead.Hole other && other.cause() == hole.cause() ->
          new RecoveryRead.Hole(both, hole.cause());
      default -> null;
    };
  }
}

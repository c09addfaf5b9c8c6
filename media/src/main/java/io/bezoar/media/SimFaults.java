package io.bezoar.media;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import org.jspecify.annotations.Nullable;

/**
 * The refusing faults in force on a {@link SimMedia}: disjoint ranges by start. Look-ups take no
 * lock; changes are made with the lock of the media held.
 */
final class SimFaults {
  private final ConcurrentSkipListMap<Long, FaultSpec> byStart = new ConcurrentSkipListMap<>();

  /** The fault that refuses the first byte of {@code range} that any refuses, clipped to it. */
  @Nullable FaultSpec firstIn(ByteRange range) {
    Map.Entry<Long, FaultSpec> entry = byStart.floorEntry(range.start());
    if (entry == null || !entry.getValue().range().overlaps(range)) {
      entry = byStart.ceilingEntry(range.start());
    }
    if (entry == null || !entry.getValue().range().overlaps(range)) {
      return null;
    }
    return clip(entry.getValue(), range);
  }

  /** All faults in {@code range}, ascending, clipped to it. */
  List<FaultSpec> in(ByteRange range) {
    List<FaultSpec> found = new ArrayList<>();
    for (FaultSpec fault = firstIn(range); fault != null; fault = firstIn(range)) {
      found.add(fault);
      range = new ByteRange(fault.range().end(), range.end());
    }
    return found;
  }

  boolean isEmpty() {
    return byStart.isEmpty();
  }

  List<FaultSpec> all() {
    return List.copyOf(byStart.values());
  }

  /** Puts {@code fault} in force, in place of what was in force there. */
  void arm(FaultSpec fault) {
    disarm(fault.range());
    byStart.put(fault.range().start(), fault);
  }

  /** Ends every fault within {@code range}; what reaches out of it stays in force there. */
  void disarm(ByteRange range) {
    for (FaultSpec clipped = firstIn(range); clipped != null; clipped = firstIn(range)) {
      FaultSpec whole = byStart.remove(byStart.floorKey(clipped.range().start()));
      if (whole == null) {
        throw new AssertionError("fault at " + clipped.range() + " went away under the lock");
      }
      putPiece(whole, whole.range().start(), range.start());
      putPiece(whole, range.end(), whole.range().end());
    }
  }

  private void putPiece(FaultSpec whole, long start, long end) {
    if (start < end) {
      byStart.put(start, clip(whole, new ByteRange(start, end)));
    }
  }

  private static FaultSpec clip(FaultSpec fault, ByteRange range) {
    return new FaultSpec(fault.kind(), fault.range().intersect(range), fault.stuck(), fault.seed());
  }

  static Cause causeOf(FaultSpec fault) {
    return fault.kind() == FaultKind.POISON ? Cause.TRAP : Cause.IO_ERROR;
  }
}

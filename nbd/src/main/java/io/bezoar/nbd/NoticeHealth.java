package io.bezoar.nbd;

import io.bezoar.dax.Confidence;
import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.DeviceNotice;
import io.bezoar.dax.Holder;
import io.bezoar.dax.PoisonEntry;
import io.bezoar.dax.Severity;
import io.bezoar.media.ByteRange;
import io.bezoar.media.Units;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What a device says of its own health: what it lists as poisoned is {@link RangeHealth#LOST} where
 * it refuses reads and {@link RangeHealth#DEGRADED} where it still serves them, and what it has
 * told its watchers was healed since this object was made is {@link RangeHealth#REPAIRED}. Lost and
 * degraded hide repaired.
 *
 * <p>Repaired places are kept in bounded memory: when there are too many, neighbouring ones are put
 * together in larger and larger blocks, so that the map becomes coarser and never forgets a place.
 * Thread-safe.
 */
public final class NoticeHealth implements RangeHealth, AutoCloseable {
  private static final int MAX_RANGES = 16_384;

  private final DaxDevice device;
  private final int maxRanges;
  private final AutoCloseable subscription;
  private final TreeMap<Long, Long> repaired = new TreeMap<>(); // guarded by this: start, end
  private long blockBytes = Units.PAGE_BYTES; // guarded by this

  private NoticeHealth(DaxDevice device, int maxRanges) {
    this.device = device;
    this.maxRanges = maxRanges;
    this.subscription = device.subscribe(new ByteRange(0, device.sizeBytes()), new Listener());
  }

  /** Listens to {@code device} until closed. */
  public static NoticeHealth of(DaxDevice device) {
    return new NoticeHealth(device, MAX_RANGES);
  }

  static NoticeHealth of(DaxDevice device, int maxRanges) {
    return new NoticeHealth(device, maxRanges);
  }

  @Override
  public List<Run> unhealthy(ByteRange range) {
    List<Run> runs = new ArrayList<>();
    long from = range.start();
    for (PoisonEntry entry : device.poison(range)) {
      ByteRange bad = entry.range().intersect(range);
      if (bad.start() > from) {
        addRepaired(runs, new ByteRange(from, bad.start()));
      }
      if (bad.end() > from) {
        int flags = entry.confidence() == Confidence.EXACT ? LOST : DEGRADED;
        runs.add(new Run(new ByteRange(Math.max(from, bad.start()), bad.end()), flags));
        from = bad.end();
      }
    }
    if (from < range.end()) {
      addRepaired(runs, new ByteRange(from, range.end()));
    }
    return runs;
  }

  private synchronized void addRepaired(List<Run> runs, ByteRange within) {
    Map.Entry<Long, Long> before = repaired.floorEntry(within.start());
    long from = before == null ? within.start() : before.getKey();
    for (Map.Entry<Long, Long> entry :
        repaired.subMap(from, true, within.end(), false).entrySet()) {
      ByteRange part = new ByteRange(entry.getKey(), entry.getValue()).intersect(within);
      if (!part.isEmpty()) {
        runs.add(new Run(part, REPAIRED));
      }
    }
  }

  private synchronized void add(List<ByteRange> ranges) {
    for (ByteRange range : ranges) {
      insert(range.alignOutward(blockBytes).intersect(new ByteRange(0, device.sizeBytes())));
      while (repaired.size() > maxRanges) {
        coarsen();
      }
    }
  }

  private void insert(ByteRange range) {
    long start = range.start();
    long end = range.end();
    Map.Entry<Long, Long> before = repaired.floorEntry(start);
    if (before != null && before.getValue() >= start) {
      start = before.getKey();
      end = Math.max(end, before.getValue());
    }
    for (Map.Entry<Long, Long> after = repaired.ceilingEntry(start);
        after != null && after.getKey() <= end;
        after = repaired.ceilingEntry(start)) {
      end = Math.max(end, after.getValue());
      repaired.remove(after.getKey());
    }
    repaired.put(start, end);
  }

  private void coarsen() {
    blockBytes *= 2;
    TreeMap<Long, Long> fine = new TreeMap<>(repaired);
    repaired.clear();
    ByteRange all = new ByteRange(0, device.sizeBytes());
    fine.forEach(
        (start, end) -> insert(new ByteRange(start, end).alignOutward(blockBytes).intersect(all)));
  }

  /** Stops listening. */
  @Override
  public void close() {
    try {
      subscription.close();
    } catch (Exception failed) {
      throw new IllegalStateException("a subscription could not be ended", failed);
    }
  }

  private final class Listener implements Holder {
    @Override
    public String holderName() {
      return "health of " + device.info().name();
    }

    @Override
    public void onNotice(DeviceNotice notice) {
      if (notice instanceof DeviceNotice.Failure failure && failure.severity() == Severity.HEALED) {
        add(failure.ranges());
      }
    }
  }
}

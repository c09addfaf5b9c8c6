package io.bezoar.pool;

import io.bezoar.health.ScrubSource.Rows;
import io.bezoar.health.ScrubTotals;
import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import io.bezoar.media.FaultSpec;
import io.bezoar.media.MediaOpenException;
import io.bezoar.media.MediaOpenException.Reason;
import io.bezoar.media.Units;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Makes the media of a pool's devices go bad on purpose, and says beforehand what that must cost:
 * each device's planner counts struck pages per row, and what several legs of a mirror miss at the
 * same place is gone.
 */
final class PoolDrills {
  private static final int PAGE = Units.PAGE_BYTES;

  private final String pool;
  private final PoolDevices devices;

  PoolDrills(String pool, PoolDevices devices) {
    this.pool = pool;
    this.devices = devices;
  }

  StrikePlan plan(StrikeOrder order) throws IOException {
    List<Member> struck = candidates(order);
    Map<Integer, Integer> counts = counts(order, struck);
    Map<Integer, ByteRanges> gone = new TreeMap<>();
    List<Strike> strikes = new ArrayList<>();
    List<ByteRange> undetectable = new ArrayList<>();
    SplittableRandom seeds = new SplittableRandom(order.seed());
    StackMap map = devices.map();
    for (Member member : devices.members()) {
      if (member.content() == null) {
        continue;
      }
      int number = member.number();
      long seed = struck.size() == 1 ? order.seed() : seeds.nextLong();
      int count = counts.getOrDefault(number, 0);
      if (count == 0) {
        gone.put(number, ByteRanges.EMPTY);
        continue;
      }
      StrikePlan plan = planOn(member, order.on(count, contentAt(order, member), seed));
      for (Strike strike : plan.strikes()) {
        strikes.add(strike.onDevice(number, volumeOf(map, number, strike)));
      }
      gone.put(number, ByteRanges.of(plan.mustBeLost()));
      for (ByteRange range : plan.undetectable()) {
        undetectable.addAll(map.up(number, range).asList());
      }
    }
    return new StrikePlan(strikes, map.lost(gone).asList(), ByteRanges.of(undetectable).asList());
  }

  private static @Nullable ByteRange volumeOf(StackMap map, int device, Strike strike) {
    ByteRange content = strike.volume();
    List<ByteRange> volume = content == null ? List.of() : map.up(device, content).asList();
    return volume.isEmpty() ? null : volume.getFirst();
  }

  /** The devices that may be struck. */
  private List<Member> candidates(StrikeOrder order) throws MediaOpenException {
    if (order.rows() == StrikeOrder.Rows.ANY && !devices.caches().isEmpty()) {
      throw new MediaOpenException(
          pool,
          Reason.REFUSED,
          "what overlapping strikes cost depends on what the write cache holds at that moment:"
              + " strike in rows of their own");
    }
    List<Member> candidates = new ArrayList<>();
    StackMap map = devices.map();
    for (Member member : devices.members()) {
      Integer only = order.device();
      boolean chosen =
          only != null
              ? only == member.number()
              : order.at() == null
                  || (candidates.isEmpty()
                      && !map.down(ByteRange.ofLength(order.at(), 1), member.number()).isEmpty());
      if (chosen && member.content() != null && member.isThere()) {
        candidates.add(member);
      }
    }
    if (candidates.isEmpty()) {
      throw new MediaOpenException(
          pool,
          Reason.BAD_GEOMETRY,
          "no device that is there has a byte to strike there: see bezoar status");
    }
    return candidates;
  }

  /** How many strikes each device gets: by its share of the pages, as the seed deals them. */
  private static Map<Integer, Integer> counts(StrikeOrder order, List<Member> struck) {
    Map<Integer, Integer> counts = new HashMap<>();
    long pages = struck.stream().mapToLong(PoolDrills::pages).sum();
    SplittableRandom random = new SplittableRandom(~order.seed());
    for (int i = 0; i < order.count(); i++) {
      long page = random.nextLong(pages);
      for (Member member : struck) {
        page -= pages(member);
        if (page < 0) {
          counts.merge(member.number(), 1, Integer::sum);
          break;
        }
      }
    }
    return counts;
  }

  private static long pages(Member member) {
    StrikePlanner.Grid grid = member.requireContent().grid();
    return grid.rows() * grid.columns();
  }

  /** Where the order strikes the content of a device; null for places of the seed's choice. */
  private @Nullable Long contentAt(StrikeOrder order, Member member) {
    Long at = order.at();
    if (at == null) {
      return null;
    }
    List<ByteRange> below = devices.map().down(ByteRange.ofLength(at, 1), member.number()).asList();
    return below.isEmpty() ? Long.valueOf(Long.MAX_VALUE) : Long.valueOf(below.getFirst().start());
  }

  private StrikePlan planOn(Member member, StrikeOrder order) throws IOException {
    DeviceContent content = member.requireContent();
    try {
      return new StrikePlanner(content.grid(), row -> isSound(content, row), order.seed())
          .plan(pool, order);
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }

  private static boolean isSound(DeviceContent content, long row) {
    try {
      ScrubTotals found = content.check(new Rows(row, row + 1));
      return found.lostBytes() == 0 && found.degradedBytes() == 0 && !hasLost(content, row);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static boolean hasLost(DeviceContent content, long row) {
    StrikePlanner.Grid grid = content.grid();
    for (int column = 0; column < grid.dataColumns(); column++) {
      long page = column * grid.rows() + row;
      if (!content.lost(ByteRange.ofLength(page * PAGE, PAGE)).isEmpty()) {
        return true;
      }
    }
    return false;
  }

  /** Carries out one strike; returns the bytes of the media that were really struck. */
  ByteRange strike(Strike strike) throws IOException {
    Member member =
        devices
            .member(strike.device())
            .orElseThrow(
                () ->
                    new MediaOpenException(
                        pool,
                        Reason.DEVICE_MISSING,
                        "device " + strike.device() + " is not there any more"));
    return member
        .media()
        .injector()
        .inject(FaultSpec.of(strike.kind(), strike.media(), strike.seed()));
  }
}

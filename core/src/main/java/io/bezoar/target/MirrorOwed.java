package io.bezoar.target;

import io.bezoar.media.ByteRange;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * What is to be copied or compared yet: what each leg that is behind misses, and where a crash or a
 * half-done write may have left those in sync apart.
 *
 * <p><b>Invariant.</b> A region leaves this list only when every leg that it was owed to holds it;
 * its write-intent bit outlives that until a persist has made it durable. So a crash in the middle
 * goes on from the bits that are left.
 *
 * <p><b>Protocol.</b> Anybody asks, and adds, at any time; only the worker of {@link MirrorResync}
 * takes regions off. A doubt about legs in sync that comes while the worker makes the region equal
 * may be about what it has passed already: it counts doubts, and then looks once more.
 */
final class MirrorOwed {
  /** What a leg misses. */
  private static final class Missed {
    final RegionSet regions;
    final int total;
    final long sinceNanos = System.nanoTime();

    Missed(RegionSet regions) {
      this.regions = regions;
      this.total = regions.count();
    }
  }

  private final MirrorLayout layout;
  private final MirrorIntent intent;
  private final Map<MirrorLeg, Missed> missed = new ConcurrentHashMap<>();
  private final ReentrantLock lock = new ReentrantLock();

  /** Null as long as legs in sync are known to be equal. Set, and changed, under lock. */
  private volatile @Nullable RegionSet apart;

  private final AtomicLong doubts = new AtomicLong(); // counted under lock

  MirrorOwed(MirrorLayout layout, MirrorIntent intent) {
    this.layout = layout;
    this.intent = intent;
  }

  /** True when the region's bit has to stay, whatever was persisted. */
  boolean owes(int region) {
    RegionSet now = apart;
    if (now != null && now.has(region)) {
      return true;
    }
    for (Missed each : missed.values()) {
      if (each.regions.has(region)) {
        return true;
      }
    }
    return false;
  }

  boolean isEmpty() {
    return apart == null && missed.isEmpty();
  }

  // Where legs in sync may differ.

  /** Legs in sync may differ in these regions: they are read from one leg until made equal. */
  void doubt(BitSet regions) {
    if (regions.isEmpty()) {
      return;
    }
    lock.lock();
    try {
      doubts.incrementAndGet();
      RegionSet now = apart;
      if (now == null) {
        apart = RegionSet.of(layout.regions(), regions);
      } else {
        now.addAll(regions);
      }
    } finally {
      lock.unlock();
    }
  }

  boolean mayDiffer(ByteRange range) {
    return mayDiffer(range.start(), range.end());
  }

  /** True when legs in sync may differ somewhere in a range that is not empty. */
  boolean mayDiffer(long start, long end) {
    RegionSet now = apart;
    return now != null && now.hasAny(layout.regionOf(start), layout.regionOf(end - 1));
  }

  boolean comparing() {
    return apart != null;
  }

  /** The first region in which legs in sync may differ; -1 for none. */
  int nextApart() {
    RegionSet now = apart;
    return now == null ? -1 : now.next(0);
  }

  /** How often there was a doubt, for {@link #madeEqual}. */
  long doubts() {
    return doubts.get();
  }

  /** The legs in sync were made equal in a region, which was begun after so many doubts. */
  void madeEqual(int region, long doubtsBefore) {
    lock.lock();
    try {
      RegionSet now = apart;
      // A write that failed meanwhile may have been in this region: then once more.
      if (now != null && doubts.get() == doubtsBefore) {
        intent.touched(region);
        now.remove(region);
      }
    } finally {
      lock.unlock();
    }
  }

  /** No region is left to be made equal, unless there is a new doubt. */
  void endComparing() {
    lock.lock();
    try {
      RegionSet now = apart;
      if (now != null && now.isEmpty()) {
        apart = null;
      }
    } finally {
      lock.unlock();
    }
  }

  // What legs miss.

  void owe(MirrorLeg leg, BitSet regions) {
    missed.put(leg, new Missed(RegionSet.of(layout.regions(), regions)));
  }

  void forget(MirrorLeg leg) {
    missed.remove(leg);
  }

  /** The legs that miss a region. */
  List<MirrorLeg> wanting(int region) {
    List<MirrorLeg> wanting = new ArrayList<>();
    missed.forEach(
        (leg, what) -> {
          if (what.regions.has(region)) {
            wanting.add(leg);
          }
        });
    return wanting;
  }

  /** True for a leg that is being brought up to date and has been given this region. */
  boolean isPast(MirrorLeg leg, int region) {
    Missed what = missed.get(leg);
    return what != null && !what.regions.has(region);
  }

  /** The first region that a leg wants, from one on and then from the beginning; -1 for none. */
  int nextWanted(int from) {
    int best = -1;
    for (int start : new int[] {from, 0}) {
      for (Missed each : missed.values()) {
        int next = each.regions.next(start);
        if (next >= 0 && (best < 0 || next < best)) {
          best = next;
        }
      }
      if (best >= 0) {
        return best;
      }
    }
    return -1;
  }

  /** These legs hold a region now. */
  void copied(int region, List<MirrorLeg> legs) {
    intent.touched(region);
    for (MirrorLeg leg : legs) {
      Missed what = missed.get(leg);
      if (what != null) {
        what.regions.remove(region);
      }
    }
  }

  /** The legs that miss nothing any more. */
  List<MirrorLeg> complete() {
    List<MirrorLeg> complete = new ArrayList<>();
    missed.forEach(
        (leg, what) -> {
          if (what.regions.isEmpty()) {
            complete.add(leg);
          }
        });
    return complete;
  }

  @Nullable ResyncProgress progress(MirrorLeg leg) {
    Missed what = missed.get(leg);
    if (what == null) {
      return null;
    }
    long left = Math.min(layout.dataBytes(), what.regions.count() * layout.regionBytes());
    long total = Math.min(layout.dataBytes(), what.total * layout.regionBytes());
    return ResyncProgress.of(Math.max(0, total - left), total, System.nanoTime() - what.sinceNanos);
  }
}

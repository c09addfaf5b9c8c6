package io.bezoar.target;

import io.bezoar.dax.DeviceInfo;
import io.bezoar.dax.DeviceState;
import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The legs in use at one time, and what is durable about them. Immutable: every access works on the
 * one that it took.
 *
 * @param table what is durable on every leg in use
 * @param inSync the legs that hold everything, by slot; never empty but for a mirror that is
 *     offline
 * @param resyncing the legs that get all writes but do not hold everything yet, by slot
 * @param owesTable the table calls a leg in sync that is not in use: it must say so, durably,
 *     before a write is acknowledged
 * @param single nothing is mirrored: no notes are needed
 */
record MirrorSet(
    MirrorTable table,
    List<MirrorLeg> inSync,
    List<MirrorLeg> resyncing,
    boolean owesTable,
    boolean single) {

  static MirrorSet of(MirrorTable table, List<MirrorLeg> inSync, List<MirrorLeg> resyncing) {
    boolean owes = false;
    for (int slot = 0; slot < MirrorTable.SLOTS; slot++) {
      int wanted = slot;
      owes |=
          table.is(slot, MirrorTable.State.IN_SYNC)
              && inSync.stream().noneMatch(leg -> leg.slot == wanted);
    }
    boolean single = inSync.size() == 1 && table.count() == 1;
    return new MirrorSet(table, bySlot(inSync), bySlot(resyncing), owes, single);
  }

  private static List<MirrorLeg> bySlot(List<MirrorLeg> legs) {
    return legs.stream().sorted(Comparator.comparingInt(leg -> leg.slot)).toList();
  }

  boolean uses(MirrorLeg leg) {
    return inSync.contains(leg) || resyncing.contains(leg);
  }

  @Nullable MirrorLeg inSlot(int slot) {
    for (MirrorLeg leg : writable()) {
      if (leg.slot == slot) {
        return leg;
      }
    }
    return null;
  }

  MirrorSet withResyncing(MirrorLeg leg) {
    return of(table, inSync, Stream.concat(resyncing.stream(), Stream.of(leg)).toList());
  }

  MirrorSet withInSync(MirrorLeg leg) {
    MirrorSet rest = without(leg);
    return of(table, Stream.concat(rest.inSync.stream(), Stream.of(leg)).toList(), rest.resyncing);
  }

  /** All that get writes, those in sync first. */
  List<MirrorLeg> writable() {
    if (resyncing.isEmpty()) {
      return inSync;
    }
    return Stream.concat(inSync.stream(), resyncing.stream()).toList();
  }

  /** A member is not in use: bits say what it misses, so none may be cleared. */
  boolean missesSome() {
    return inSync.size() + resyncing.size() < table.count();
  }

  MirrorSet withTable(MirrorTable next) {
    return of(next, inSync, resyncing);
  }

  MirrorSet without(MirrorLeg leg) {
    return of(
        table,
        inSync.stream().filter(each -> each != leg).toList(),
        resyncing.stream().filter(each -> each != leg).toList());
  }

  String legsLeft() {
    return inSync.size() + " of " + table.count() + " legs left";
  }

  /** The next event, in which only those that are in sync here are still called so. */
  MirrorTable leavingBehind(long nowMillis) {
    return table.without(slot -> inSync.stream().noneMatch(leg -> leg.slot == slot), nowMillis);
  }

  /** True for a leg in sync when no other is online, nor better than it. */
  boolean isLastGood(MirrorLeg leg) {
    int best = -1;
    for (MirrorLeg other : inSync) {
      if (other != leg) {
        best = Math.max(best, rank(other.device.state()));
      }
    }
    return inSync.contains(leg)
        && best < rank(DeviceState.ONLINE)
        && best <= rank(leg.device.state());
  }

  /** What of the content no leg can reach. */
  List<ByteRange> unavailable(ByteRange content) {
    return switch (state()) {
      case ONLINE, READ_ONLY, HUNG -> List.of();
      case OFFLINE, FOREIGN -> List.of(content);
      case PARTIAL -> {
        ByteRanges all = ByteRanges.of(content);
        for (MirrorLeg leg : inSync) {
          all = all.intersect(leg.content(leg.device.unavailable()));
        }
        yield all.asList();
      }
    };
  }

  /** The best state that a leg with all content is in. */
  DeviceState state() {
    DeviceState best = DeviceState.OFFLINE;
    for (MirrorLeg leg : inSync) {
      DeviceState state = leg.device.state();
      if (rank(state) > rank(best)) {
        best = state;
      }
    }
    return best;
  }

  private static int rank(DeviceState state) {
    return switch (state) {
      case ONLINE -> 5;
      case READ_ONLY -> 4;
      case PARTIAL -> 3;
      case HUNG -> 2;
      case FOREIGN -> 1;
      case OFFLINE -> 0;
    };
  }

  /** Of the device made of these legs. */
  DeviceInfo info(String name, long dataBytes) {
    int granule = 1;
    boolean verified = !inSync.isEmpty();
    boolean cheap = true;
    boolean blocking = false;
    for (MirrorLeg leg : inSync) {
      DeviceInfo below = leg.device.info();
      granule = Math.max(granule, below.granuleBytes());
      verified &= below.verified();
      cheap &= below.persistCheap();
      blocking |= below.blocking();
    }
    int domains = inSync.isEmpty() ? 1 : inSync.getFirst().device.info().failureDomains();
    return new DeviceInfo(name, dataBytes, granule, verified, cheap, blocking, domains);
  }
}

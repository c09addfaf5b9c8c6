package io.bezoar.target;

import io.bezoar.dax.Confidence;
import io.bezoar.dax.DeviceState;
import io.bezoar.dax.DeviceUnavailableException;
import io.bezoar.dax.PoisonedRangeException;
import io.bezoar.dax.RecoveryRead;
import io.bezoar.dax.RecoveryRuns;
import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import io.bezoar.media.Cause;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Reads from one leg in sync, for one place always the same; what it lacks, from the others, under
 * the range lock and healing it on the way. A healthy read takes one look at the set in use and no
 * lock.
 */
final class MirrorReader {
  private final MirrorTerms terms;
  private final long stretchBytes;
  private final MirrorMembers members;
  private final MirrorHealer healer;
  private final MirrorLocks locks;
  private final MirrorOwed owed;

  MirrorReader(
      MirrorTerms terms,
      long stretchBytes,
      MirrorMembers members,
      MirrorHealer healer,
      MirrorLocks locks,
      MirrorOwed owed) {
    this.terms = terms;
    this.stretchBytes = stretchBytes;
    this.members = members;
    this.healer = healer;
    this.locks = locks;
    this.owed = owed;
  }

  void read(long offset, MemorySegment dst) throws IOException {
    MirrorSet set = members.usable();
    long length = dst.byteSize();
    if (set.inSync().size() == 1) {
      readFrom(set.inSync().getFirst(), offset, dst);
      return;
    }
    long end = offset + length;
    if (length == 0 || offset / stretchBytes == (end - 1) / stretchBytes) {
      readStretch(set, offset, offset, dst);
      return;
    }
    for (long at = offset; at < end; ) {
      long to = Math.min(end, (at / stretchBytes + 1) * stretchBytes);
      readStretch(members.usable(), offset, at, dst.asSlice(at - offset, to - at));
      at = to;
    }
  }

  /** The leg that a place is read from. */
  private MirrorLeg legFor(MirrorSet set, long offset, long end) {
    List<MirrorLeg> legs = set.inSync();
    return legs.size() == 1 || (end > offset && owed.mayDiffer(offset, end))
        ? legs.getFirst()
        : legs.get((int) (offset / stretchBytes % legs.size()));
  }

  /** A mirror of one leg, or one that is down to one: nothing to heal from. */
  private void readFrom(MirrorLeg leg, long offset, MemorySegment dst) throws IOException {
    try {
      leg.device.read(offset, dst);
    } catch (PoisonedRangeException lost) {
      throw terms.lost(lost);
    } catch (DeviceUnavailableException gone) {
      if (members.set().inSync().contains(leg)) {
        members.drop(leg, gone);
      }
      // Another has taken its place since.
      read(offset, dst);
    }
  }

  private void readStretch(MirrorSet set, long requestStart, long offset, MemorySegment dst)
      throws IOException {
    try {
      legFor(set, offset, offset + dst.byteSize()).device.read(offset, dst);
    } catch (PoisonedRangeException | DeviceUnavailableException met) {
      readAround(requestStart, offset, dst, met);
    }
  }

  /** Goes on from what a leg could not give, until all is there, or some is lost. */
  private void readAround(long requestStart, long offset, MemorySegment dst, IOException first)
      throws IOException {
    long end = offset + dst.byteSize();
    long at = offset;
    IOException met = first;
    while (true) {
      ByteRange missing =
          met instanceof PoisonedRangeException bad
              ? missing(bad, at, end)
              : absent(members.usable(), met, at, end);
      if (!missing.isEmpty()) {
        ByteRanges lost = fetch(missing, dst.asSlice(missing.start() - offset, missing.length()));
        if (!lost.isEmpty()) {
          throw lost(lost.asList().getFirst(), met, requestStart);
        }
        at = missing.end();
      }
      if (at == end) {
        return;
      }
      try {
        MirrorSet set = members.usable();
        legFor(set, at, end).device.read(at, dst.asSlice(at - offset, end - at));
        return;
      } catch (PoisonedRangeException | DeviceUnavailableException again) {
        met = again;
      }
    }
  }

  /**
   * What is to be gathered because its leg is not all there and has to stay in use; nothing when
   * another can be asked instead.
   */
  private ByteRange absent(MirrorSet set, IOException gone, long at, long end) throws IOException {
    MirrorLeg leg = legFor(set, at, end);
    // If it is online, it is another leg than the one that failed, which has been dropped since.
    if (leg.online() || members.dropIfSpare(leg, gone)) {
      return new ByteRange(at, at);
    }
    requireOthers(set, leg, gone);
    long to = Math.min(end, at + MirrorHealer.CHUNK_BYTES);
    if (gone instanceof DeviceUnavailableException part) {
      ByteRange range = part.range();
      if (range != null && range.end() > at) {
        to = Math.min(to, range.end());
      }
    }
    return new ByteRange(at, to);
  }

  /** A leg has to stay of which not all is there: each of the others may have what it has not. */
  private void requireOthers(MirrorSet set, MirrorLeg leg, IOException gone) throws IOException {
    if (set.inSync().size() == 1 || leg.device.state() != DeviceState.PARTIAL) {
      throw terms.ofLast(leg, gone);
    }
  }

  private static ByteRange missing(PoisonedRangeException bad, long at, long end) {
    ByteRange part = bad.range().intersect(new ByteRange(at, end));
    if (part.isEmpty()) {
      part = new ByteRange(Math.min(end - 1, at + bad.goodPrefixBytes()), end);
    }
    return new ByteRange(
        part.start(), Math.min(part.end(), part.start() + MirrorHealer.CHUNK_BYTES));
  }

  private PoisonedRangeException lost(ByteRange lost, IOException met, long requestStart) {
    Cause cause = met instanceof PoisonedRangeException bad ? bad.poisonCause() : Cause.IO_ERROR;
    return terms.lost(lost, cause, Math.max(0, lost.start() - requestStart), met);
  }

  /**
   * Heals the granules around a range, and copies the range out.
   *
   * @return what of the range is lost
   * @throws DeviceUnavailableException when what is absent comes before that
   */
  private ByteRanges fetch(ByteRange range, MemorySegment dst) throws IOException {
    ByteRange granules = healer.granules(range);
    try (RowLocks.Held _ = locks.lock(granules);
        Arena memory = Arena.ofConfined()) {
      MirrorHealer.Gathered gathered = healer.heal(granules, MirrorHealer.Stuck.LEAVE, memory);
      dst.copyFrom(gathered.slice(range));
      ByteRanges missing = gathered.missing().intersect(range);
      if (!missing.isEmpty() && gathered.absent().contains(first(missing))) {
        throw terms.absent(gathered.absent().intersect(range));
      }
      return gathered.lost().intersect(range);
    }
  }

  private static ByteRange first(ByteRanges ranges) {
    return ByteRange.ofLength(ranges.asList().getFirst().start(), 1);
  }

  Optional<MemorySegment> window(ByteRange range) throws IOException {
    for (int attempt = 0; ; attempt++) {
      MirrorSet set = members.usable();
      if (set.inSync().size() > 1
          && range.start() / stretchBytes != (range.end() - 1) / stretchBytes) {
        return Optional.empty();
      }
      MirrorLeg leg = legFor(set, range.start(), range.end());
      try {
        return leg.device.window(range);
      } catch (PoisonedRangeException bad) {
        if (set.inSync().size() == 1) {
          throw lost(bad.range(), bad, range.start());
        }
        if (attempt > 0) {
          // Its bytes come from another leg only.
          return Optional.empty();
        }
        for (ByteRange chunk : MirrorWriter.chunks(range)) {
          try (Arena memory = Arena.ofConfined()) {
            ByteRanges lost = fetch(chunk, memory.allocate(chunk.length()));
            if (!lost.isEmpty()) {
              throw lost(lost.asList().getFirst(), bad, range.start());
            }
          }
        }
      } catch (DeviceUnavailableException gone) {
        if (!members.dropIfSpare(leg, gone)) {
          requireOthers(set, leg, gone);
          // A read may find all of it, on one leg and another.
          return Optional.empty();
        }
      }
    }
  }

  RecoveryRead recoveryRead(long offset, MemorySegment dst) throws IOException {
    RecoveryRuns runs = new RecoveryRuns();
    long end = offset + dst.byteSize();
    for (long at = offset; at < end; ) {
      long to = Math.min(end, (at / MirrorHealer.CHUNK_BYTES + 1) * MirrorHealer.CHUNK_BYTES);
      MirrorSet set = members.usable();
      MirrorLeg leg = legFor(set, at, to);
      ByteRange part = new ByteRange(at, to);
      MemorySegment into = dst.asSlice(at - offset, to - at);
      try {
        RecoveryRead read = leg.device.recoveryRead(at, into);
        if (set.inSync().size() == 1 || wholeAndGood(leg, part, read)) {
          read.runs().forEach(run -> runs.add(run, 0));
        } else {
          readAll(part, into, runs);
        }
        at = to;
      } catch (DeviceUnavailableException gone) {
        members.drop(leg, gone);
      }
    }
    return runs.build();
  }

  private static boolean wholeAndGood(MirrorLeg leg, ByteRange part, RecoveryRead read) {
    boolean verified = leg.verified();
    for (RecoveryRead.Run run : read.runs()) {
      boolean good =
          switch (run) {
            case RecoveryRead.Verified _ -> true;
            case RecoveryRead.Unverified _ -> !verified;
            case RecoveryRead.Hole _, RecoveryRead.Absent _ -> false;
          };
      if (!good) {
        return false;
      }
    }
    return verified || MirrorHealer.exact(leg, part).isEmpty();
  }

  /** Everything that any leg has: checked bytes, unchecked ones, doubtful ones, and holes. */
  private void readAll(ByteRange part, MemorySegment dst, RecoveryRuns runs) throws IOException {
    ByteRange granules = healer.granules(part);
    try (RowLocks.Held _ = locks.lock(granules);
        Arena memory = Arena.ofConfined()) {
      MirrorHealer.Gathered gathered =
          healer.heal(
              healer.gather(
                  granules, healer.look(granules, memory, MirrorImage::readPastCaches), memory),
              MirrorHealer.Stuck.LEAVE);
      dst.copyFrom(gathered.slice(part));
      boolean verified = members.set().inSync().stream().allMatch(MirrorLeg::verified);
      List<ByteRange> missing = new ArrayList<>(gathered.lost().intersect(part).asList());
      missing.addAll(gathered.absent().intersect(part).asList());
      missing.sort(null);
      long at = part.start();
      for (ByteRange each : missing) {
        good(new ByteRange(at, each.start()), verified, runs);
        if (gathered.absent().overlaps(each)) {
          runs.absent(each);
        } else {
          salvage(each, dst.asSlice(each.start() - part.start(), each.length()), runs);
        }
        at = each.end();
      }
      good(new ByteRange(at, part.end()), verified, runs);
    }
  }

  private static void good(ByteRange range, boolean verified, RecoveryRuns runs) {
    if (verified) {
      runs.verified(range);
    } else {
      runs.unverified(range);
    }
  }

  /** What the place's leg can still read of bytes that nobody vouches for. */
  private void salvage(ByteRange lost, MemorySegment dst, RecoveryRuns runs) throws IOException {
    MirrorLeg leg = legFor(members.usable(), lost.start(), lost.end());
    for (RecoveryRead.Run run : leg.device.recoveryRead(lost.start(), dst).runs()) {
      switch (run) {
        case RecoveryRead.Hole(ByteRange hole, Cause cause) -> runs.hole(hole, cause);
        case RecoveryRead.Absent(ByteRange absent) -> runs.absent(absent);
        case RecoveryRead.Verified(ByteRange some) -> runs.unverified(some);
        case RecoveryRead.Unverified(ByteRange some) -> runs.unverified(some);
      }
    }
  }

  /** Down to the place's leg, and healed from the others on the way back. */
  void report(ByteRange range, Cause cause, Confidence confidence) throws IOException {
    MirrorSet set = members.usable();
    if (set.inSync().size() == 1) {
      set.inSync().getFirst().device.report(range, cause, confidence);
      return;
    }
    for (long at = range.start(); at < range.end(); ) {
      long to = Math.min(range.end(), (at / stretchBytes + 1) * stretchBytes);
      ByteRange part = new ByteRange(at, to);
      MirrorLeg leg = legFor(members.usable(), at, to);
      leg.device.report(part, cause, confidence);
      // What is beyond is healed when it is read, or scrubbed.
      long healed = Math.min(to, at + MirrorAbsorber.ABSORB_BYTES_MAX);
      for (ByteRange chunk : MirrorWriter.chunks(new ByteRange(at, healed))) {
        ByteRange granules = healer.granules(chunk);
        try (RowLocks.Held _ = locks.lock(granules);
            Arena memory = Arena.ofConfined()) {
          if (members.set().state() == DeviceState.ONLINE) {
            healer.heal(granules, MirrorHealer.Stuck.LEAVE, memory);
          }
        }
      }
      at = to;
    }
  }
}

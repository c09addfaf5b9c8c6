package io.bezoar.target;

import io.bezoar.dax.Confidence;
import io.bezoar.dax.DeviceUnavailableException;
import io.bezoar.dax.PoisonEntry;
import io.bezoar.dax.RecoveryPatch;
import io.bezoar.dax.RecoveryWrite;
import io.bezoar.dax.Severity;
import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import io.bezoar.media.Cause;
import io.bezoar.media.Units;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.LongAdder;

/**
 * Heals a leg from the others.
 *
 * <p><b>Invariant.</b> A byte is stored on a leg only when another leg vouches for it: a verified
 * leg by having checked it, a bare one by having it readable and not on its list. What no leg in
 * sync vouches for is lost: exactly the intersection of what each of them lost, and it stays bad on
 * each.
 *
 * <p><b>Protocol.</b> Under the place's range lock: look at all legs, gather each byte from the
 * first leg that has it (verified ones first), recovery-write into each leg what it lacks and
 * another has. The leg verifies by reading back. What a leg cannot clear is remembered, so that
 * reads do not try it again and again; scrubs and overwrites do.
 */
final class MirrorHealer {
  /** Most bytes that are looked at under one set of locks. */
  static final int CHUNK_BYTES = 256 << 10;

  private final MirrorLayout layout;
  private final MirrorMembers members;
  private final MirrorOwed owed;
  private final MirrorNotices notices;
  final LongAdder repairedBytes = new LongAdder();

  MirrorHealer(MirrorLayout layout, MirrorMembers members, MirrorOwed owed, MirrorNotices notices) {
    this.layout = layout;
    this.members = members;
    this.owed = owed;
    this.notices = notices;
  }

  /** What becomes of media that could not be cleared before. */
  enum Stuck {
    /** It is left alone. */
    LEAVE,
    /** It is tried again. */
    TRY_AGAIN
  }

  /**
   * What all legs together have of a range.
   *
   * @param range whole granules
   * @param bytes zeroes where lost or absent
   * @param lost the bytes that no leg in sync has
   * @param absent those that no leg in sync has now, and one may have when it is all there again
   * @param images of the legs in sync, as they were before
   */
  record Gathered(
      ByteRange range,
      MemorySegment bytes,
      ByteRanges lost,
      ByteRanges absent,
      List<MirrorImage> images) {
    static Gathered whole(ByteRange range, MemorySegment bytes, List<MirrorImage> images) {
      return new Gathered(range, bytes, ByteRanges.EMPTY, ByteRanges.EMPTY, images);
    }

    /** What nobody has now. */
    ByteRanges missing() {
      return lost.union(absent);
    }

    MemorySegment slice(ByteRange part) {
      return bytes.asSlice(part.start() - range.start(), part.length());
    }

    Cause causeAt(long offset) {
      return images.getFirst().causeAt(offset);
    }
  }

  /** The granules around a range: what may be told good from bad. */
  ByteRange granules(ByteRange range) {
    int granule = Units.LINE_BYTES;
    for (MirrorLeg leg : members.set().writable()) {
      granule = Math.max(granule, leg.device.info().granuleBytes());
    }
    return range.alignOutward(granule, layout.dataBytes());
  }

  /** Looks at the legs in sync; the caller holds the range's lock. */
  List<MirrorImage> look(ByteRange range, SegmentAllocator memory) throws IOException {
    return look(range, memory, MirrorImage::read);
  }

  /** How an image is made. */
  interface Reading {
    MirrorImage of(MirrorLeg leg, ByteRange range, SegmentAllocator memory) throws IOException;
  }

  List<MirrorImage> look(ByteRange range, SegmentAllocator memory, Reading reading)
      throws IOException {
    List<MirrorImage> images = new ArrayList<>();
    for (MirrorLeg leg : members.usable().inSync()) {
      try {
        images.add(reading.of(leg, range, memory));
      } catch (IOException gone) {
        members.drop(leg, gone);
      }
    }
    return images;
  }

  /**
   * Puts together what the images have: from verified legs first, and where a crash may have left
   * legs apart, from the one that is read there.
   */
  Gathered gather(ByteRange range, List<MirrorImage> images, SegmentAllocator memory) {
    List<MirrorImage> order = new ArrayList<>(images);
    if (!owed.mayDiffer(range)) {
      order.sort((a, b) -> Boolean.compare(b.leg.verified(), a.leg.verified()));
    }
    MirrorImage first = order.getFirst();
    if (first.bad().isEmpty()) {
      return Gathered.whole(range, first.bytes, images);
    }
    MemorySegment bytes = memory.allocate(range.length(), Long.BYTES);
    ByteRanges missing = ByteRanges.of(range);
    for (MirrorImage image : order) {
      for (ByteRange part : missing.minus(image.bad()).asList()) {
        bytes.asSlice(part.start() - range.start(), part.length()).copyFrom(image.slice(part));
      }
      missing = missing.intersect(image.bad());
    }
    return gathered(range, bytes, missing, images);
  }

  /** What of the missing bytes is lost depends on who is still in sync. */
  private Gathered gathered(
      ByteRange range, MemorySegment bytes, ByteRanges missing, List<MirrorImage> images) {
    ByteRanges absent = ByteRanges.EMPTY;
    for (MirrorImage image : images) {
      if (members.set().inSync().contains(image.leg)) {
        absent = absent.union(image.absent().intersect(missing));
      }
    }
    return new Gathered(range, bytes, missing.minus(absent), absent, images);
  }

  /** The content of a range for a leg that is to be brought up to date; heals on the way. */
  Gathered source(ByteRange range, Arena memory) throws IOException {
    if (!owed.mayDiffer(range)) {
      MirrorLeg first = members.usable().inSync().getFirst();
      try {
        MirrorImage image = MirrorImage.read(first, range, memory);
        if (image.bad().isEmpty()) {
          return Gathered.whole(range, image.bytes, List.of(image));
        }
      } catch (DeviceUnavailableException gone) {
        members.drop(first, gone);
      }
    }
    return heal(range, Stuck.LEAVE, memory);
  }

  /**
   * Looks at all legs and heals those that lack what another has. The caller holds the range's
   * lock.
   *
   * @param range whole granules, at most {@link #CHUNK_BYTES} and a granule
   */
  Gathered heal(ByteRange range, Stuck stuck, Arena memory) throws IOException {
    return heal(gather(range, look(range, memory), memory), stuck);
  }

  Gathered heal(Gathered gathered, Stuck stuck) throws IOException {
    for (MirrorImage image : gathered.images()) {
      ByteRanges elsewhere = image.absent().minus(gathered.missing());
      if (elsewhere.isEmpty() || !members.dropIfSpare(image.leg, absent(image.leg, elsewhere))) {
        // Of a leg that has to stay, what is there is healed.
        ByteRanges wanted = image.bad().minus(image.absent()).minus(gathered.missing());
        repair(image.leg, wanted, image::causeAt, gathered, stuck);
      }
    }
    for (MirrorLeg leg : members.set().resyncing()) {
      ByteRanges bad = exact(leg, gathered.range());
      repair(leg, bad.minus(gathered.missing()), _ -> Cause.IO_ERROR, gathered, stuck);
    }
    Gathered left =
        gathered(gathered.range(), gathered.bytes(), gathered.missing(), gathered.images());
    notices.lostIn(left.range(), left.lost());
    return left;
  }

  private static DeviceUnavailableException absent(MirrorLeg leg, ByteRanges absent) {
    return new DeviceUnavailableException(
        leg.name(), absent.asList().getFirst(), "part of it is not there; bring it back", null);
  }

  /** How a byte was found to be bad. */
  private interface Causes {
    Cause at(long offset);
  }

  private void repair(
      MirrorLeg leg, ByteRanges wanted, Causes causes, Gathered gathered, Stuck stuck)
      throws IOException {
    ByteRanges todo = stuck == Stuck.LEAVE ? wanted.minus(leg.uncleared()) : wanted;
    if (todo.isEmpty()) {
      return;
    }
    List<RecoveryPatch> patches = new ArrayList<>();
    for (ByteRange run : todo.asList()) {
      patches.add(new RecoveryPatch(run.start(), gathered.slice(run)));
    }
    RecoveryWrite written;
    try {
      written = leg.device.recoveryWrite(patches);
    } catch (IOException cannot) {
      // The last leg stays as it is: what was gathered is good whether it can be stored or not.
      members.dropIfSpare(leg, cannot);
      return;
    }
    ByteRanges left = ByteRanges.of(written.notCleared());
    ByteRanges healed = todo.minus(left);
    Cause cause = causes.at(todo.asList().getFirst().start());
    ByteRanges toldBefore = leg.announced();
    leg.announced(ByteRanges.EMPTY, healed);
    ByteRanges newlyStuck = left.minus(leg.uncleared());
    leg.uncleared(left, healed);
    repairedBytes.add(healed.totalBytes());
    // Of the rest the leg itself has told, or is about to.
    notices.raise(Severity.HEALED, cause, leg, healed.intersect(toldBefore));
    notices.raise(Severity.DEGRADED, cause, leg, newlyStuck.intersect(toldBefore));
  }

  /** Legs that have each checked these bytes have different ones. */
  void tellContradiction(MirrorLeg leg, ByteRanges pages) {
    notices.raise(Severity.DEGRADED, Cause.CONFLICT, leg, pages);
  }

  /** Of a range only these bytes are lost now. */
  void lostIn(ByteRange range, ByteRanges lost) {
    notices.lostIn(range, lost);
  }

  /** What a leg's list calls bad without doubt. */
  static ByteRanges exact(MirrorLeg leg, ByteRange range) {
    return PoisonEntry.exact(leg.device.poison(range));
  }

  /** What every leg in sync has on its list: the mirror's own list. */
  static List<PoisonEntry> commonPoison(List<MirrorLeg> legs, ByteRange range) {
    if (legs.isEmpty()) {
      return List.of();
    }
    List<PoisonEntry> common = legs.getFirst().device.poison(range);
    for (MirrorLeg leg : legs.subList(1, legs.size())) {
      List<PoisonEntry> both = new ArrayList<>();
      for (PoisonEntry mine : common) {
        for (PoisonEntry other : leg.device.poison(mine.range())) {
          both.add(shared(mine, other));
        }
      }
      common = both;
    }
    return common;
  }

  private static PoisonEntry shared(PoisonEntry mine, PoisonEntry other) {
    boolean exact = mine.isExact() && other.isExact();
    return new PoisonEntry(
        mine.range().intersect(other.range()),
        mine.cause(),
        exact ? Confidence.EXACT : Confidence.SUSPECT,
        Math.min(mine.firstSeenMillis(), other.firstSeenMillis()),
        Math.max(mine.lastSeenMillis(), other.lastSeenMillis()),
        Math.max(mine.count(), other.count()),
        mine.sequence());
  }

  /** The exact part of {@link #commonPoison}. */
  static ByteRanges commonLost(List<MirrorLeg> legs, ByteRange range) {
    return PoisonEntry.exact(commonPoison(legs, range));
  }
}

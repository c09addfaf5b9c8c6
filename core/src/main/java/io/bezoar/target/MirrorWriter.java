package io.bezoar.target;

import io.bezoar.dax.PoisonedRangeException;
import io.bezoar.dax.RecoveryPatch;
import io.bezoar.dax.RecoveryWrite;
import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import io.bezoar.media.Cause;
import io.bezoar.media.Units;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * Stores bytes on all legs.
 *
 * <p>A write of which a leg fails is good when another in sync has it whole. Poison of some legs
 * only is in nobody's way: it is healed first, or by the new bytes. Poison of all of them refuses
 * the write, with nothing stored. When that is done is the affair of {@link MirrorChanges}.
 */
final class MirrorWriter {
  private static final int ATTEMPTS = 4;

  private final MirrorTerms terms;
  private final MirrorLayout layout;
  private final MirrorMembers members;
  private final MirrorHealer healer;
  private final MirrorCopier copier;
  private final MirrorChanges changes;

  MirrorWriter(
      MirrorTerms terms,
      MirrorLayout layout,
      MirrorMembers members,
      MirrorHealer healer,
      MirrorCopier copier,
      MirrorChanges changes) {
    this.terms = terms;
    this.layout = layout;
    this.members = members;
    this.healer = healer;
    this.copier = copier;
    this.changes = changes;
  }

  /** An ordinary write of at least one byte. */
  void write(long offset, MemorySegment src) throws IOException {
    ByteRange range = ByteRange.ofLength(offset, src.byteSize());
    changes.make(
        List.of(range),
        set -> {
          if (set.single()) {
            writeSingle(set.inSync().getFirst(), offset, src);
          } else {
            writeAll(set, range, src);
          }
          return range;
        });
  }

  private void writeSingle(MirrorLeg leg, long offset, MemorySegment src) throws IOException {
    try {
      leg.device.write(offset, src);
    } catch (PoisonedRangeException lost) {
      throw terms.lost(lost);
    }
  }

  private void writeAll(MirrorSet set, ByteRange range, MemorySegment src) throws IOException {
    List<MirrorLeg> poisoned = new ArrayList<>();
    boolean stored = false;
    for (MirrorLeg leg : set.writable()) {
      try {
        leg.device.write(range.start(), src);
        stored |= set.inSync().contains(leg);
      } catch (PoisonedRangeException inTheWay) {
        poisoned.add(leg);
      } catch (IOException gone) {
        members.drop(leg, gone);
      }
    }
    if (poisoned.isEmpty()) {
      return;
    }
    if (!stored) {
      refuseLost(range);
    }
    writeOverPoison(poisoned, range, src, stored);
  }

  /**
   * Nothing is stored when a byte is lost; also takes back what a leg stored before it met a fault.
   */
  private void refuseLost(ByteRange range) throws IOException {
    ByteRange granules = healer.granules(range);
    PoisonedRangeException refusal = null;
    for (ByteRange chunk : chunks(granules)) {
      try (Arena memory = Arena.ofConfined()) {
        MirrorHealer.Gathered all = healer.gather(chunk, healer.look(chunk, memory), memory);
        ByteRanges lost = all.lost().intersect(range);
        if (!lost.isEmpty() && refusal == null) {
          ByteRange first = lost.asList().getFirst();
          refusal =
              terms.lost(first, all.causeAt(first.start()), first.start() - range.start(), null);
        }
      }
    }
    if (refusal != null) {
      takeBack(granules);
      throw refusal;
    }
  }

  /**
   * Legs that are being brought up to date have taken what those in sync refused: they get what
   * stands there, once more. The place may have been copied to them already, and nobody would look
   * at it again. By whole pages, as a leg retires what is lost: locks are no narrower than that.
   */
  private void takeBackFromResyncing(ByteRange range) throws IOException {
    if (members.set().resyncing().isEmpty()) {
      return;
    }
    ByteRange pages = range.alignOutward(Units.PAGE_BYTES, layout.dataBytes());
    for (ByteRange chunk : chunks(pages)) {
      try (Arena memory = Arena.ofConfined()) {
        copier.copyAgain(healer.gather(chunk, healer.look(chunk, memory), memory));
      }
    }
  }

  /** Makes the legs in sync equal to the last of them, which was written to last. */
  private void takeBack(ByteRange granules) throws IOException {
    for (ByteRange chunk : chunks(granules)) {
      try (Arena memory = Arena.ofConfined()) {
        List<MirrorImage> images = healer.look(chunk, memory);
        MirrorImage last = images.getLast();
        for (MirrorImage image : images) {
          ByteRanges both = ByteRanges.of(chunk).minus(image.bad()).minus(last.bad());
          for (ByteRange part : both.asList()) {
            if (image != last && !image.equalIn(part, last)) {
              image.leg.device.write(part.start(), last.slice(part));
            }
          }
        }
      } catch (PoisonedRangeException struckNow) {
        changes.doubt(List.of(chunk));
      }
    }
    takeBackFromResyncing(granules);
  }

  /** Heals what is in the way, and stores again; no byte of the range is lost. */
  private void writeOverPoison(
      List<MirrorLeg> poisoned, ByteRange range, MemorySegment src, boolean storedElsewhere)
      throws IOException {
    List<MirrorLeg> left = poisoned;
    boolean stored = storedElsewhere;
    for (int attempt = 1; attempt < ATTEMPTS && !left.isEmpty(); attempt++) {
      healAround(range);
      List<MirrorLeg> again = new ArrayList<>();
      for (MirrorLeg leg : left) {
        try {
          leg.device.write(range.start(), src);
          stored |= members.set().inSync().contains(leg);
        } catch (PoisonedRangeException still) {
          again.add(leg);
        } catch (IOException gone) {
          members.drop(leg, gone);
        }
      }
      left = again;
    }
    // What cannot be cleared stays bad on that leg; each byte has to be on one of them.
    ByteRanges missing = stored ? ByteRanges.EMPTY : ByteRanges.of(range);
    for (MirrorLeg leg : left) {
      ByteRanges notThere = recover(leg, range, src);
      if (members.set().inSync().contains(leg)) {
        missing = missing.intersect(notThere);
      }
    }
    if (!missing.isEmpty()) {
      takeBackFromResyncing(range);
      ByteRange first = missing.asList().getFirst();
      throw terms.lost(first, Cause.IO_ERROR, first.start() - range.start(), null);
    }
  }

  /** Stores what a leg can store. Returns what it cannot. */
  private ByteRanges recover(MirrorLeg leg, ByteRange range, MemorySegment src) throws IOException {
    try {
      RecoveryWrite written = leg.device.recoveryWrite(range.start(), src);
      ByteRanges not = ByteRanges.of(written.notCleared());
      leg.uncleared(not, ByteRanges.of(range).minus(not));
      return not;
    } catch (IOException gone) {
      members.drop(leg, gone);
      return ByteRanges.of(range);
    }
  }

  /**
   * A leg that keeps all of a page or none of it cannot take a part of one that it has lost. With
   * what the others hold around the part it has all of it: it must not wait for a scrub to get it.
   */
  private void healPartlyStored(ByteRanges granules) throws IOException {
    for (ByteRange each : granules.asList()) {
      healAround(each);
    }
  }

  private void healAround(ByteRange range) throws IOException {
    for (ByteRange chunk : chunks(healer.granules(range))) {
      try (Arena memory = Arena.ofConfined()) {
        healer.heal(chunk, MirrorHealer.Stuck.TRY_AGAIN, memory);
      }
    }
  }

  static List<ByteRange> chunks(ByteRange range) {
    List<ByteRange> chunks = new ArrayList<>();
    for (long at = range.start(); at < range.end(); ) {
      long end =
          Math.min(range.end(), (at / MirrorHealer.CHUNK_BYTES + 1) * MirrorHealer.CHUNK_BYTES);
      chunks.add(new ByteRange(at, end));
      at = end;
    }
    return chunks;
  }

  /** A recovery write of at least one byte. */
  RecoveryWrite recoveryWrite(List<RecoveryPatch> patches) throws IOException {
    List<ByteRange> granules = new ArrayList<>();
    for (RecoveryPatch patch : patches) {
      granules.add(healer.granules(patch.range()));
    }
    return changes.make(
        ByteRanges.of(granules).asList(),
        set ->
            set.single()
                ? set.inSync().getFirst().device.recoveryWrite(patches)
                : recoverAll(patches, ByteRanges.of(granules)));
  }

  private RecoveryWrite recoverAll(List<RecoveryPatch> patches, ByteRanges granules)
      throws IOException {
    ByteRanges request = ByteRanges.of(patches.stream().map(RecoveryPatch::range).toList());
    ByteRanges lostBefore = ByteRanges.EMPTY;
    for (ByteRange each : granules.asList()) {
      healAround(each);
      lostBefore = lostBefore.union(MirrorHealer.commonLost(members.set().inSync(), each));
    }
    ByteRanges notCleared = request;
    ByteRanges stillLost = ByteRanges.EMPTY;
    boolean onAll = true;
    for (MirrorLeg leg : members.set().writable()) {
      try {
        RecoveryWrite written = leg.device.recoveryWrite(patches);
        ByteRanges not = ByteRanges.of(written.notCleared());
        onAll &= not.isEmpty();
        leg.uncleared(not, request.minus(not));
        leg.announced(ByteRanges.EMPTY, request.minus(not));
        if (members.set().inSync().contains(leg)) {
          notCleared = notCleared.intersect(not);
          stillLost = stillLost.union(ByteRanges.of(written.stillLost()));
        }
      } catch (IOException gone) {
        members.drop(leg, gone);
      }
    }
    if (!onAll) {
      healPartlyStored(granules);
    }
    ByteRanges lostNow = ByteRanges.EMPTY;
    List<MirrorLeg> inSync = members.usable().inSync();
    for (ByteRange each : granules.union(stillLost).asList()) {
      ByteRanges lost = MirrorHealer.commonLost(inSync, each);
      healer.lostIn(each, lost);
      lostNow = lostNow.union(lost);
    }
    return new RecoveryWrite(
        lostBefore.intersect(request).minus(notCleared).asList(),
        stillLost.intersect(lostNow).minus(request).asList(),
        notCleared.asList());
  }
}

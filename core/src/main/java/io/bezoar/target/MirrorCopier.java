package io.bezoar.target;

import io.bezoar.dax.PoisonedRangeException;
import io.bezoar.dax.RecoveryPatch;
import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import io.bezoar.media.Units;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;

/**
 * Gives legs what stands on those in sync, one chunk at a time.
 *
 * <p><b>Invariant.</b> Bytes that no leg in sync has never become good on a leg that is brought up
 * to date: the pages that hold them are retired there. What is only absent is not given up: nothing
 * is copied then.
 *
 * <p><b>Protocol.</b> A chunk is read and written under its range lock, so that foreground writes
 * come before or after it as a whole. A leg that does not take it is dropped.
 */
final class MirrorCopier {
  private static final int PAGE = Units.PAGE_BYTES;

  private final MirrorTerms terms;
  private final MirrorLayout layout;
  private final MirrorMembers members;
  private final MirrorOwed owed;
  private final MirrorHealer healer;
  private final MirrorLocks locks;

  MirrorCopier(
      MirrorTerms terms,
      MirrorLayout layout,
      MirrorMembers members,
      MirrorOwed owed,
      MirrorHealer healer,
      MirrorLocks locks) {
    this.terms = terms;
    this.layout = layout;
    this.members = members;
    this.owed = owed;
    this.healer = healer;
    this.locks = locks;
  }

  /** Brings legs up to date in a chunk, as far as they are in use. */
  void copy(ByteRange chunk, List<MirrorLeg> wanting) throws IOException {
    try (RowLocks.Held _ = locks.lock(chunk);
        Arena memory = Arena.ofConfined()) {
      MirrorHealer.Gathered gathered = healer.source(chunk, memory);
      for (MirrorLeg leg : wanting) {
        if (members.set().resyncing().contains(leg)) {
          copy(gathered, leg);
        }
      }
    }
  }

  /**
   * Gives what stands on legs in sync to every leg that is behind, under the range's lock; whatever
   * they are owed, for a region that was just copied may still be on that list.
   */
  void copyAgain(MirrorHealer.Gathered gathered) throws IOException {
    for (MirrorLeg leg : members.set().resyncing()) {
      copy(gathered, leg);
    }
  }

  private void copy(MirrorHealer.Gathered gathered, MirrorLeg leg) throws IOException {
    if (!gathered.absent().isEmpty()) {
      // It is not lost: to give it up here could lose it when this leg is the one that is left.
      throw terms.absent(gathered.absent());
    }
    ByteRanges lostPages = gathered.lost().alignOutward(PAGE);
    try {
      for (ByteRange part : ByteRanges.of(gathered.range()).minus(lostPages).asList()) {
        store(gathered, leg, part);
      }
      for (ByteRange lost : lostPages.asList()) {
        leg.device.retire(lost);
        // What is good beside the loss is good here too, where the leg keeps it apart.
        for (ByteRange good : ByteRanges.of(lost).minus(gathered.lost()).asList()) {
          leg.device.recoveryWrite(good.start(), gathered.slice(good));
        }
      }
    } catch (IOException cannot) {
      members.drop(leg, cannot);
    }
  }

  private static void store(MirrorHealer.Gathered gathered, MirrorLeg leg, ByteRange part)
      throws IOException {
    try {
      leg.device.write(part.start(), gathered.slice(part));
    } catch (PoisonedRangeException inTheWay) {
      var written = leg.device.recoveryWrite(part.start(), gathered.slice(part));
      // What cannot be cleared stays bad there: the other legs have it.
      leg.uncleared(ByteRanges.of(written.notCleared()), ByteRanges.EMPTY);
    }
  }

  /**
   * Makes the legs in sync equal in a chunk. The first of them is right where it is readable; only
   * what differs is written.
   */
  void makeEqual(ByteRange chunk) throws IOException {
    try (RowLocks.Held _ = locks.lock(chunk);
        Arena memory = Arena.ofConfined()) {
      List<MirrorImage> images = healer.look(chunk, memory);
      MirrorHealer.Gathered gathered = healer.gather(chunk, images, memory);
      for (MirrorImage image : images) {
        List<RecoveryPatch> patches = new ArrayList<>();
        for (long at = chunk.start(); at < chunk.end(); at += PAGE) {
          ByteRange page = ByteRange.ofLength(at, PAGE);
          ByteRanges good = ByteRanges.of(page).minus(image.bad()).minus(gathered.missing());
          for (ByteRange part : good.asList()) {
            if (image.slice(part).mismatch(gathered.slice(part)) != -1) {
              patches.add(new RecoveryPatch(part.start(), gathered.slice(part)));
            }
          }
        }
        storeAll(image.leg, patches);
      }
      gathered = healer.heal(gathered, MirrorHealer.Stuck.LEAVE);
      for (MirrorImage image : images) {
        if (!image.absent().isEmpty() && members.set().inSync().contains(image.leg)) {
          // It has to stay in use, and what is not there may differ.
          throw terms.absent(image.absent());
        }
      }
      copyToThosePast(chunk, gathered);
    }
  }

  /** Legs that have been copied to here, and took of an unfinished write what nobody else did. */
  private void copyToThosePast(ByteRange chunk, MirrorHealer.Gathered gathered) throws IOException {
    int region = layout.regionOf(chunk.start());
    for (MirrorLeg leg : members.set().resyncing()) {
      if (owed.isPast(leg, region)) {
        copy(gathered, leg);
      }
    }
  }

  private void storeAll(MirrorLeg leg, List<RecoveryPatch> patches) throws IOException {
    try {
      for (RecoveryPatch patch : patches) {
        leg.device.write(patch.offset(), patch.bytes());
      }
    } catch (IOException cannot) {
      // Also poison that struck just now: the recovery write is next to clear it.
      storeOver(leg, patches, cannot);
    }
  }

  private void storeOver(MirrorLeg leg, List<RecoveryPatch> patches, IOException met)
      throws IOException {
    if (!(met instanceof PoisonedRangeException)) {
      members.drop(leg, met);
      return;
    }
    try {
      var written = leg.device.recoveryWrite(patches);
      leg.uncleared(ByteRanges.of(written.notCleared()), ByteRanges.EMPTY);
    } catch (IOException cannot) {
      members.drop(leg, cannot);
    }
  }
}

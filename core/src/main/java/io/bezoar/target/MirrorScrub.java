package io.bezoar.target;

import io.bezoar.dax.Confidence;
import io.bezoar.dax.PoisonEntry;
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
import org.jspecify.annotations.Nullable;

/**
 * What is done to whole pages: comparing legs, settling what they disagree on, giving pages up and
 * taking them back.
 *
 * <p>Legs that can be read and differ are a conflict unless something says which is right: a
 * verified leg, if no other verified leg contradicts, or a strict majority of three or more. It is
 * never a coin toss. A conflict is recorded on every leg before it is told, durably; that of
 * verified legs, which keep no such record, is told as DEGRADED.
 */
final class MirrorScrub {
  private static final int PAGE = Units.PAGE_BYTES;

  private final MirrorTerms terms;
  private final MirrorMembers members;
  private final MirrorOwed owed;
  private final MirrorHealer healer;
  private final MirrorLocks locks;
  private final MirrorChanges changes;
  private final MirrorWriter writer;

  MirrorScrub(
      MirrorTerms terms,
      MirrorMembers members,
      MirrorOwed owed,
      MirrorHealer healer,
      MirrorLocks locks,
      MirrorChanges changes,
      MirrorWriter writer) {
    this.terms = terms;
    this.members = members;
    this.owed = owed;
    this.healer = healer;
    this.locks = locks;
    this.changes = changes;
    this.writer = writer;
  }

  ScrubStep compare(ByteRange range) throws IOException {
    ScrubStep total = ScrubStep.NONE;
    for (ByteRange chunk : MirrorWriter.chunks(range)) {
      total = total.plus(compareChunk(chunk));
    }
    return total;
  }

  private ScrubStep compareChunk(ByteRange chunk) throws IOException {
    try (Arena memory = Arena.ofConfined()) {
      List<MirrorImage> images = healer.look(chunk, memory, MirrorImage::readPastCaches);
      long pages = chunk.length() / PAGE * images.size();
      if (allGoodAndEqual(chunk, images)) {
        return new ScrubStep(pages, List.of(), 0, 0, 0);
      }
    }
    return settle(chunk);
  }

  private static boolean allGoodAndEqual(ByteRange chunk, List<MirrorImage> images) {
    MirrorImage first = images.getFirst();
    for (MirrorImage image : images) {
      if (!image.bad().isEmpty() || (image != first && !image.equalIn(chunk, first))) {
        return false;
      }
    }
    return true;
  }

  /** Looks again under the lock, since a write may have been under way, and settles. */
  private ScrubStep settle(ByteRange chunk) throws IOException {
    ByteRange granules = healer.granules(chunk);
    try (RowLocks.Held _ = locks.lock(granules);
        Arena memory = Arena.ofConfined()) {
      List<MirrorImage> images = healer.look(granules, memory, MirrorImage::readPastCaches);
      ByteRanges lostBefore = MirrorHealer.commonLost(members.set().inSync(), granules);
      ByteRanges found = ByteRanges.EMPTY;
      for (MirrorImage image : images) {
        found = found.union(image.bad().minus(image.absent()));
      }
      ByteRanges contradicted = ByteRanges.EMPTY;
      if (!owed.mayDiffer(chunk)) {
        contradicted = contradicted(chunk, images);
        found = found.union(contradicted).union(judgeAll(chunk, images, contradicted));
      }
      MirrorHealer.Gathered gathered =
          healer.heal(healer.gather(granules, images, memory), MirrorHealer.Stuck.TRY_AGAIN);
      return step(
          chunk, images, found.minus(lostBefore), gathered.lost().minus(lostBefore), contradicted);
    }
  }

  private static ScrubStep step(
      ByteRange chunk,
      List<MirrorImage> images,
      ByteRanges found,
      ByteRanges lost,
      ByteRanges contradicted) {
    ByteRanges degraded = contradicted;
    for (MirrorImage image : images) {
      degraded = degraded.union(image.leg.uncleared().intersect(found));
    }
    degraded = degraded.minus(lost);
    ByteRanges repaired = found.minus(lost).minus(degraded);
    return new ScrubStep(
        chunk.length() / PAGE * images.size(),
        found.alignOutward(PAGE).asList(),
        pages(repaired),
        pages(degraded),
        pages(lost));
  }

  private static long pages(ByteRanges ranges) {
    return ranges.alignOutward(PAGE).totalBytes() / PAGE;
  }

  /**
   * Pages on which verified legs differ: each has checked its own, so one of them missed writes.
   * They are not refused, since a verified leg cannot be told that what it checked is bad; they
   * stay what the place's leg has, nothing is copied over either, and every scrub tells of them.
   */
  private ByteRanges contradicted(ByteRange chunk, List<MirrorImage> images) {
    List<MirrorImage> verified = images.stream().filter(image -> image.leg.verified()).toList();
    List<ByteRange> pages = new ArrayList<>();
    for (long at = chunk.start(); at < chunk.end(); at += PAGE) {
      ByteRange page = ByteRange.ofLength(at, PAGE);
      if (differs(page, verified)) {
        pages.add(page);
      }
    }
    ByteRanges contradicted = ByteRanges.of(pages);
    if (!contradicted.isEmpty()) {
      healer.tellContradiction(verified.getFirst().leg, contradicted);
    }
    return contradicted;
  }

  /** Finds pages on which legs differ; what is outvoted, or in conflict, counts as bad after. */
  private ByteRanges judgeAll(ByteRange chunk, List<MirrorImage> images, ByteRanges contradicted)
      throws IOException {
    List<ByteRange> differing = new ArrayList<>();
    boolean conflicts = false;
    for (long at = chunk.start(); at < chunk.end(); at += PAGE) {
      ByteRange page = ByteRange.ofLength(at, PAGE);
      if (!contradicted.overlaps(page) && differs(page, images)) {
        differing.add(page);
        conflicts |= judge(page, images) == null;
      }
    }
    if (conflicts) {
      persistAll();
    }
    return ByteRanges.of(differing);
  }

  private static boolean differs(ByteRange page, List<MirrorImage> images) {
    for (int i = 0; i < images.size(); i++) {
      for (int j = i + 1; j < images.size(); j++) {
        if (differs(page, images.get(i), images.get(j))) {
          return true;
        }
      }
    }
    return false;
  }

  private static boolean differs(ByteRange page, MirrorImage one, MirrorImage other) {
    if (!one.bad().overlaps(page) && !other.bad().overlaps(page)) {
      return !one.equalIn(page, other);
    }
    ByteRanges both = ByteRanges.of(page).minus(one.bad()).minus(other.bad());
    for (ByteRange part : both.asList()) {
      if (!one.equalIn(part, other)) {
        return true;
      }
    }
    return false;
  }

  /** Returns the leg that is right, and counts the page as bad on those that are not. */
  private @Nullable MirrorImage judge(ByteRange page, List<MirrorImage> images) throws IOException {
    MirrorImage right = right(page, images);
    for (MirrorImage image : images) {
      if (right == null || !image.equalIn(page, right) || image.bad().overlaps(page)) {
        try {
          image.leg.device.report(page, Cause.CONFLICT, Confidence.EXACT);
          image.bad(page, Cause.CONFLICT);
        } catch (IOException gone) {
          members.drop(image.leg, gone);
        }
      }
    }
    return right;
  }

  private static @Nullable MirrorImage right(ByteRange page, List<MirrorImage> images) {
    List<MirrorImage> whole = images.stream().filter(image -> !image.bad().overlaps(page)).toList();
    List<MirrorImage> verified = whole.stream().filter(image -> image.leg.verified()).toList();
    if (!verified.isEmpty()) {
      // Those that contradict each other are not judged.
      return verified.getFirst();
    }
    for (MirrorImage image : whole) {
      long votes = whole.stream().filter(other -> other.equalIn(page, image)).count();
      if (whole.size() >= 3 && 2 * votes > whole.size()) {
        return image;
      }
    }
    return null;
  }

  private void persistAll() throws IOException {
    for (MirrorLeg leg : members.set().inSync()) {
      try {
        leg.device.persist();
      } catch (IOException cannot) {
        members.drop(leg, cannot);
      }
    }
    members.settle();
  }

  /** The bytes of one leg are right where legs are in conflict. */
  void resolve(ByteRange range, int slot) throws IOException {
    MirrorLeg right = members.set().inSlot(slot);
    if (right == null || !members.set().inSync().contains(right)) {
      throw terms.refused(
          slot, MirrorLegException.Reason.NO_SUCH_LEG, "is not in sync: name one that is");
    }
    for (ByteRange chunk : MirrorWriter.chunks(range)) {
      List<ByteRange> conflicts = new ArrayList<>();
      for (PoisonEntry entry : MirrorHealer.commonPoison(members.set().inSync(), chunk)) {
        if (entry.cause() == Cause.CONFLICT) {
          conflicts.add(entry.range());
        }
      }
      for (ByteRange conflict : ByteRanges.of(conflicts).asList()) {
        try (Arena memory = Arena.ofConfined()) {
          MemorySegment bytes = memory.allocate(conflict.length(), PAGE);
          if (right.device.recoveryRead(conflict.start(), bytes).holes().isEmpty()) {
            writer.recoveryWrite(List.of(new RecoveryPatch(conflict.start(), bytes)));
          }
        }
      }
    }
  }

  void retire(ByteRange range) throws IOException {
    changes.make(
        List.of(range),
        set -> {
          for (MirrorLeg leg : set.writable()) {
            try {
              leg.device.retire(range);
            } catch (IOException gone) {
              members.drop(leg, gone);
            }
          }
          return range;
        });
  }

  /** What no leg has becomes zeroes on all; what one still has, is healed and stays. */
  List<ByteRange> release(ByteRange range) throws IOException {
    MirrorSet set = members.usable();
    if (set.single()) {
      return set.inSync().getFirst().device.release(range);
    }
    List<ByteRange> left = new ArrayList<>();
    for (ByteRange chunk : MirrorWriter.chunks(range)) {
      ByteRanges lost = lostAfterHealing(chunk);
      try (Arena memory = Arena.ofConfined()) {
        MemorySegment zeroes = memory.allocate(chunk.length(), PAGE);
        List<RecoveryPatch> patches = new ArrayList<>();
        for (ByteRange part : lost.asList()) {
          patches.add(new RecoveryPatch(part.start(), zeroes.asSlice(0, part.length())));
        }
        if (!patches.isEmpty()) {
          RecoveryWrite written = writer.recoveryWrite(patches);
          left.addAll(written.notCleared());
        }
      }
    }
    return ByteRanges.of(left).asList();
  }

  private ByteRanges lostAfterHealing(ByteRange chunk) throws IOException {
    ByteRange granules = healer.granules(chunk);
    try (RowLocks.Held _ = locks.lock(granules);
        Arena memory = Arena.ofConfined()) {
      List<MirrorImage> images = healer.look(granules, memory, MirrorImage::readPastCaches);
      return healer
          .heal(healer.gather(granules, images, memory), MirrorHealer.Stuck.TRY_AGAIN)
          .lost()
          .intersect(chunk);
    }
  }
}

package io.bezoar.target;

import io.bezoar.dax.DaxDevice;
import io.bezoar.media.ByteRanges;
import io.bezoar.target.MirrorLegException.Reason;
import io.bezoar.target.MirrorTable.Member;
import io.bezoar.target.MirrorTable.State;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How legs leave that somebody wants to have, and members are forgotten.
 *
 * <p><b>Invariant.</b> Whoever asks for a leg gets it only when what is left holds everything; what
 * is gone anyway is let go of, whatever that costs.
 *
 * <p><b>Order.</b> Out of use → out in the superblocks of those that stay → out in its own, so that
 * it cannot pass for a good one when it is found alone → writes that are under way have ended → its
 * device is given back.
 */
final class MirrorLeaving {
  private final MirrorLayout layout;
  private final MirrorTerms terms;
  private final MirrorNotices notices;
  private final MirrorDevices devices;
  private final MirrorMembers members;
  private final MirrorLocks locks;
  private final MirrorPersist persist;

  MirrorLeaving(
      MirrorLayout layout,
      MirrorTerms terms,
      MirrorNotices notices,
      MirrorDevices devices,
      MirrorMembers members,
      MirrorLocks locks,
      MirrorPersist persist) {
    this.layout = layout;
    this.terms = terms;
    this.notices = notices;
    this.devices = devices;
    this.members = members;
    this.locks = locks;
    this.persist = persist;
  }

  /** Ends a leg's membership, durably. Returns its device. */
  DaxDevice detach(int slot) throws IOException {
    MirrorLeg leg = checkDispensable(slot);
    if (leg != null) {
      return letGo(leg, null, "detached");
    }
    DaxDevice unused = hasUnused(slot) ? detachMissing(slot) : null;
    if (unused == null) {
      throw terms.refused(
          slot,
          Reason.NO_SUCH_LEG,
          "no device is there to give back: forget a missing member with detachMissing");
    }
    return unused;
  }

  private boolean hasUnused(int slot) {
    members.lock.lock();
    try {
      return devices.unused(slot) != null;
    } finally {
      members.lock.unlock();
    }
  }

  /** Takes a leg out of use that has everything durable and may return. Returns its device. */
  DaxDevice takeOffline(int slot) throws IOException {
    MirrorLeg leg = checkDispensable(slot);
    if (leg == null) {
      throw terms.refused(slot, Reason.NO_SUCH_LEG, "is not in use");
    }
    persist.persistAndClear();
    return letGo(leg, State.OUT, "taken offline");
  }

  /**
   * Checks that a leg may go.
   *
   * @return the leg; null when it is not in use
   */
  private @Nullable MirrorLeg checkDispensable(int slot) throws IOException {
    MirrorSet set = members.set();
    MirrorLeg leg = set.inSlot(slot);
    if (leg == null || !set.inSync().contains(leg)) {
      return leg;
    }
    List<MirrorLeg> others = set.without(leg).inSync().stream().filter(MirrorLeg::online).toList();
    if (others.isEmpty()) {
      throw terms.refused(
          slot,
          Reason.LAST_COPY,
          leg.name()
              + " holds the only complete copy: attach another leg, and wait until it is in sync");
    }
    if (set.inSync().getFirst() == leg && members.owed().comparing()) {
      throw terms.refused(
          slot,
          Reason.LAST_COPY,
          "the others are being made equal to it after a crash: wait until that is done");
    }
    ByteRanges onlyHere =
        MirrorHealer.commonLost(others, layout.data())
            .minus(MirrorHealer.commonLost(set.inSync(), layout.data()));
    if (!onlyHere.isEmpty()) {
      throw terms.refused(
          slot,
          Reason.BYTES_ONLY_HERE,
          "bytes "
              + onlyHere.asList().getFirst()
              + " and "
              + (onlyHere.totalBytes() - onlyHere.asList().getFirst().length())
              + " more are nowhere else: scrub the mirror, or replace the device that lost them");
    }
    return leg;
  }

  /** Takes a leg out of use, durably, as {@code left} (null: no member any more). */
  private DaxDevice letGo(MirrorLeg leg, @Nullable State left, String detail) throws IOException {
    members.lock.lock();
    try {
      Member member = members.set().table().member(leg.slot);
      if (member == null || members.set().inSlot(leg.slot) != leg) {
        throw terms.refused(leg.slot, Reason.NO_SUCH_LEG, "is not in use");
      }
      // A bit that a crash left on one leg only is no use once that leg is gone.
      members.storeBits(members.intent()::share);
      checkDispensable(leg.slot);
      members.remove(List.of(leg));
      Member out = new Member(leg.uuid, State.OUT, member.lastEvent());
      MirrorTable next = members.next(leg.slot, left == null ? null : out);
      members.record(next);
      devices.because(leg.slot, detail);
      MirrorSuperblocks.tellLeaving(leg, next.with(leg.slot, out, next.atMillis()));
      notices.tell(members.set(), leg + ": " + detail);
    } finally {
      members.lock.unlock();
    }
    locks.awaitOthers();
    leg.release();
    return leg.device;
  }

  /**
   * Gives the device in a slot back though it may be the last: it is gone, or about to go. It stays
   * a member that may return. Durable with the next write, as when a leg fails.
   *
   * @return its device, if there is one
   */
  @Nullable DaxDevice letGone(int slot, String why) {
    try (RowLocks.Held _ = members.change()) {
      MirrorSet set = members.set();
      MirrorLeg leg = set.inSlot(slot);
      if (leg == null) {
        return devices.handOut(slot);
      }
      List<MirrorLeg> out = new ArrayList<>(List.of(leg));
      if (set.without(leg).inSync().isEmpty()) {
        // Nobody can bring the others up to date now.
        out.addAll(set.without(leg).resyncing());
      }
      members.remove(out);
      out.subList(1, out.size()).forEach(devices::drop);
      devices.because(slot, why);
      devices.leave(leg);
      notices.tell(members.set(), leg + ": gone (" + why + ")");
      notices.tellLost(members.set());
      return leg.device;
    }
  }

  /** Forgets a member that is not in use, durably. Returns its device, if it is still there. */
  @Nullable DaxDevice detachMissing(int slot) throws IOException {
    try (RowLocks.Held _ = members.change()) {
      if (members.set().inSlot(slot) != null) {
        throw terms.refused(slot, Reason.SLOT_TAKEN, "is in use: detach it");
      }
      boolean member = members.set().table().member(slot) != null;
      if (!member && !devices.hasRejected(slot)) {
        throw terms.refused(slot, Reason.NO_SUCH_LEG, "is no member");
      }
      if (member) {
        members.usable();
        members.record(members.next(slot, null));
        notices.tell(members.set(), "leg " + slot + ": forgotten");
      }
      devices.clearReason(slot);
      return devices.handOut(slot);
    }
  }
}

package io.bezoar.target;

import io.bezoar.dax.DaxDevice;
import io.bezoar.target.MirrorTable.Member;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What the legs are doing, for people. Only looks. */
final class MirrorStatus {
  private final MirrorLayout layout;
  private final MirrorMembers members;
  private final MirrorIntent intent;
  private final MirrorOwed owed;
  private final MirrorDevices devices;

  MirrorStatus(
      MirrorLayout layout,
      MirrorMembers members,
      MirrorIntent intent,
      MirrorOwed owed,
      MirrorDevices devices) {
    this.layout = layout;
    this.members = members;
    this.intent = intent;
    this.owed = owed;
    this.devices = devices;
  }

  /** Every member, and every device that was handed in for a slot, by slot. */
  List<LegStatus> legs() {
    members.lock.lock();
    try {
      MirrorSet set = members.set();
      List<LegStatus> legs = new ArrayList<>();
      for (int slot = 0; slot < MirrorTable.SLOTS; slot++) {
        Member member = set.table().member(slot);
        if (member != null || devices.hasRejected(slot)) {
          legs.add(leg(set, slot, member));
        }
      }
      return legs;
    } finally {
      members.lock.unlock();
    }
  }

  private LegStatus leg(MirrorSet set, int slot, @Nullable Member member) {
    MirrorLeg leg = set.inSlot(slot);
    String why = devices.reason(slot);
    long event = member == null ? 0 : member.lastEvent();
    if (leg != null && set.inSync().contains(leg)) {
      return new LegStatus(slot, leg.name(), LegStatus.State.IN_SYNC, event, 0, null, why);
    }
    if (leg != null) {
      ResyncProgress progress = owed.progress(leg);
      long behind = progress == null ? 0 : progress.totalBytes() - progress.doneBytes();
      return new LegStatus(
          slot, leg.name(), LegStatus.State.RESYNCING, event, behind, progress, why);
    }
    long behind =
        Math.min(layout.dataBytes(), intent.snapshot().cardinality() * layout.regionBytes());
    DaxDevice unused = devices.unused(slot);
    if (unused == null) {
      return new LegStatus(slot, "", LegStatus.State.MISSING, event, behind, null, why);
    }
    return new LegStatus(
        slot, unused.info().name(), LegStatus.State.FAILED, event, behind, null, why);
  }
}

package io.bezoar.target;

import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.DeviceState;
import io.bezoar.dax.DeviceUnavailableException;
import io.bezoar.target.MirrorAssembly.Found;
import io.bezoar.target.MirrorAssembly.Plan;
import io.bezoar.target.MirrorLegException.Reason;
import io.bezoar.target.MirrorTable.Member;
import io.bezoar.target.MirrorTable.State;
import java.io.IOException;
import java.util.List;

/**
 * How a member comes back that was away, while the mirror is open.
 *
 * <p><b>Invariant.</b> It is taken back only when nothing that was acknowledged is missed for it:
 * one that went on alone is refused, and one that finds no other leg here must hold all of it.
 */
final class MirrorReturning {
  private final MirrorTerms terms;
  private final MirrorNotices notices;
  private final MirrorAssembly assembly;
  private final MirrorDevices devices;
  private final MirrorMembers members;
  private final MirrorPersist persist;
  private final MirrorOpening opening;
  private final MirrorJoining joining;

  MirrorReturning(
      MirrorTerms terms,
      MirrorNotices notices,
      MirrorAssembly assembly,
      MirrorDevices devices,
      MirrorMembers members,
      MirrorPersist persist,
      MirrorOpening opening,
      MirrorJoining joining) {
    this.terms = terms;
    this.notices = notices;
    this.assembly = assembly;
    this.devices = devices;
    this.members = members;
    this.persist = persist;
    this.opening = opening;
    this.joining = joining;
  }

  /** A device that was dropped says that it is well again. */
  void recovered(MirrorLeg leg) throws IOException {
    members.lock.lock();
    try {
      if (!devices.hasDropped(leg) || !leg.online()) {
        return;
      }
    } finally {
      members.lock.unlock();
    }
    returned(leg.slot, leg.device);
  }

  /** Takes a leg back that was away. */
  void returned(int slot, DaxDevice device) throws IOException {
    Found found = assembly.look(slot, device);
    boolean same = letGoOf(slot, device);
    try (RowLocks.Held _ = members.change()) {
      takeBack(found);
    } catch (IOException | RuntimeException refused) {
      if (same) {
        keepForClosing(slot, device, refused);
      }
      throw refused;
    }
  }

  /** A device that was dropped and is well again, itself, is held from before. */
  private boolean letGoOf(int slot, DaxDevice device) {
    try (RowLocks.Held _ = members.change()) {
      return devices.leaveIfDropped(slot, device);
    }
  }

  private void keepForClosing(int slot, DaxDevice device, Exception why) {
    members.lock.lock();
    try {
      devices.reject(slot, device, why instanceof IOException said ? said : new IOException(why));
    } finally {
      members.lock.unlock();
    }
  }

  private void takeBack(Found found) throws IOException {
    dropFormer(found.slot());
    if (members.set().state() == DeviceState.OFFLINE) {
      bringUp(found);
      return;
    }
    joining.checkJoinable(found.slot(), found.device());
    Member member = members.set().table().member(found.slot());
    if (member == null || !member.uuid().equals(found.uuid())) {
      throw assembly.stale(found.slot(), found.table());
    }
    List<Found> here = here();
    if (!assembly.prefersOneOf(members.set()) && MirrorAssembly.wentOnAlone(found, here)) {
      throw assembly.conflict(here.getFirst(), found);
    }
    members.settleWithLock();
    Member left = members.set().table().member(found.slot());
    joining.rejoin(found, MirrorAssembly.missing(found, left == null ? member : left, here));
  }

  /** The one that comes takes the place of one that is in use and no longer any good. */
  private void dropFormer(int slot) throws IOException {
    MirrorSet set = members.set();
    MirrorLeg there = set.inSlot(slot);
    if (there == null || set.state() == DeviceState.OFFLINE) {
      return;
    }
    if (there.online()) {
      throw terms.refused(slot, Reason.SLOT_TAKEN, "is in use already");
    }
    members.drop(
        there, new DeviceUnavailableException(there.name(), there.device.state(), "", null));
  }

  private List<Found> here() {
    MirrorSet set = members.set();
    return set.inSync().stream().map(leg -> new Found(leg.slot, leg.device, set.table())).toList();
  }

  /** The first leg that comes back to a mirror of which none was left. */
  private void bringUp(Found found) throws IOException {
    if (persist.owesPersist()) {
      // It may have lost them; who reads them as good, or is told that they are durable, is
      // deceived.
      throw terms.refused(
          found.slot(),
          Reason.BEHIND,
          found.device().info().name()
              + " was the last leg, and went away with writes that were not made durable:"
              + " close the pool and open it again");
    }
    Plan plan = assembly.decide(List.of(found));
    MirrorTable table = plan.table();
    if (table == null) {
      throw plan.rejected().getFirst().why();
    }
    MirrorSet former = members.set();
    // A last leg in sync may have failed to take the latest table; one that is further behind is
    // an old copy of it.
    long behind = former.table().event() - table.event();
    boolean wasInSync = former.table().is(found.slot(), State.IN_SYNC);
    if (behind > (wasInSync ? 1 : 0)) {
      throw terms.refused(
          found.slot(),
          Reason.BEHIND,
          found.device().info().name()
              + " misses writes that were acknowledged: bring back another leg first");
    }
    members.remove(former.writable());
    former.writable().forEach(devices::drop);
    devices.clearReason(found.slot());
    opening.adopt(plan);
    devices.replaced(found.slot(), members.set().inSlot(found.slot()));
    notices.tell(
        members.set(), "leg " + found.slot() + " (" + found.device().info().name() + "): back");
  }
}

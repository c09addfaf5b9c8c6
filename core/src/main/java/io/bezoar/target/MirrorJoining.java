package io.bezoar.target;

import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.DeviceState;
import io.bezoar.dax.DeviceUnavailableException;
import io.bezoar.target.MirrorAssembly.Found;
import io.bezoar.target.MirrorAssembly.Missing;
import io.bezoar.target.MirrorLegException.Reason;
import io.bezoar.target.MirrorTable.Member;
import io.bezoar.target.MirrorTable.State;
import java.io.IOException;
import java.util.List;
import java.util.UUID;

/**
 * How a leg gets into use that does not hold everything, and is called in sync when it does.
 *
 * <p><b>Order.</b> The bits of those in sync say all that it misses → resyncing in its own
 * superblock → it gets all writes → resyncing in the others' → copied, by {@link MirrorResync} →
 * its bits are those of the others → in sync, in all superblocks. So it has a new table first, and
 * a crash anywhere leaves a leg that is behind and says so.
 */
final class MirrorJoining {
  private final MirrorLayout layout;
  private final MirrorTerms terms;
  private final MirrorNotices notices;
  private final MirrorDevices devices;
  private final MirrorMembers members;
  private final MirrorIntent intent;
  private final MirrorOwed owed;

  MirrorJoining(
      MirrorLayout layout,
      MirrorTerms terms,
      MirrorNotices notices,
      MirrorDevices devices,
      MirrorMembers members) {
    this.layout = layout;
    this.terms = terms;
    this.notices = notices;
    this.devices = devices;
    this.members = members;
    this.intent = members.intent();
    this.owed = members.owed();
  }

  /** Makes a device a new leg, with everything to be copied to it. */
  void attach(int slot, DaxDevice device) throws IOException {
    try (RowLocks.Held _ = members.change()) {
      if (members.set().table().member(slot) != null) {
        throw terms.refused(slot, Reason.SLOT_TAKEN, "is a member already: detach it first");
      }
      checkJoinable(slot, device);
      join(devices.take(slot, UUID.randomUUID(), device), () -> members.storeBits(intent::setAll));
    }
  }

  void checkJoinable(int slot, DaxDevice device) throws IOException {
    if (device.sizeBytes() < layout.legBytes()) {
      throw terms.tooSmall(slot, device, "");
    }
    if (device.state() != DeviceState.ONLINE) {
      throw new DeviceUnavailableException(
          device.info().name(), device.state(), "a leg must be writable", null);
    }
    DeviceState mirror = members.usable().state();
    if (mirror != DeviceState.ONLINE) {
      throw terms.unavailable(mirror, "the mirror must be writable for a leg to join");
    }
  }

  /** Puts a member into use that was away. The caller holds the lock of the members. */
  void rejoin(Found found, Missing missing) throws IOException {
    MirrorLeg leg = devices.take(found.slot(), found.uuid(), found.device());
    join(
        leg,
        () -> {
          if (missing == Missing.ALL) {
            members.storeBits(intent::setAll);
          } else if (found.callsItselfInSync()) {
            // Where it was written to and the others perhaps not, only it knows. It has bits of its
            // own from being in sync; what it took while it was behind, those in sync have noted.
            MirrorBits own = MirrorBits.on(List.of(leg), layout);
            members.storeBits(() -> intent.add(own));
          }
        });
  }

  /** Sets the bits of what a leg misses. */
  private interface Missed {
    void set() throws IOException;
  }

  private void join(MirrorLeg leg, Missed missed) throws IOException {
    boolean joined = false;
    // No bit may be cleared between the look at the bits and the leg's being in use.
    intent.lock.lock();
    try {
      members.settleWithLock();
      missed.set();
      MirrorTable next = members.next(leg.slot, new Member(leg.uuid, State.RESYNCING, 0));
      MirrorSet others = members.set();
      leg.storeTable(next.storedOn(slot -> slot == leg.slot || others.inSlot(slot) != null));
      owed.owe(leg, intent.snapshot());
      members.addResyncing(leg);
      devices.replaced(leg.slot, leg);
      devices.clearReason(leg.slot);
      members.record(next);
      joined = true;
      notices.tell(members.set(), leg + ": being brought up to date");
    } finally {
      intent.lock.unlock();
      if (!joined && !devices.hasDropped(leg)) {
        members.remove(List.of(leg));
        devices.leave(leg);
      }
    }
  }

  /** A leg's content is complete now, and durable. */
  void finished(MirrorLeg leg) throws IOException {
    members.lock.lock();
    try {
      if (!members.set().resyncing().contains(leg)) {
        return;
      }
      intent.lock.lock();
      try {
        intent.storeAll(leg);
        members.addInSync(leg);
      } catch (IOException cannot) {
        members.drop(leg, cannot);
        return;
      } finally {
        intent.lock.unlock();
      }
      members.record(members.next(leg.slot, new Member(leg.uuid, State.IN_SYNC, 0)));
      owed.forget(leg);
      notices.tell(members.set(), leg + ": in sync");
    } finally {
      members.lock.unlock();
    }
  }
}

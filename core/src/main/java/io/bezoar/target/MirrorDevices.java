package io.bezoar.target;

import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.DeviceClaimedException;
import io.bezoar.target.MirrorAssembly.Rejected;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * The devices that were handed to a mirror: takes them, keeps those that it does not use, with the
 * reason, and gives them back.
 *
 * <p><b>Invariant.</b> A device that was handed in is in use, or here, until it is given back; so
 * whoever closes the mirror closes all of them. Of a slot there is at most one here that was
 * dropped and one that does not belong there.
 *
 * <p><b>Protocol.</b> All calls, and all fields, are under the lock of {@link MirrorMembers},
 * except for {@link Leaving#giveBack}: a device is given back with no lock held, since its last
 * notice may be on its way to the mirror.
 */
final class MirrorDevices {
  private static final System.Logger LOG = System.getLogger(MirrorDevices.class.getName());

  private final String name;
  private final UUID mirror;
  private final MirrorLayout layout;
  private final MirrorTerms terms;
  private final MirrorLeg.Listener listener;

  // All guarded by the lock of the members.
  private final Map<Integer, MirrorLeg> dropped = new TreeMap<>();
  private final Map<Integer, Rejected> rejected = new TreeMap<>();

  /** Why a slot's leg is not in sync, for people. */
  private final Map<Integer, String> reasons = new TreeMap<>();

  private final List<MirrorLeg> leaving = new ArrayList<>();
  private final List<DaxDevice> closing = new ArrayList<>();

  MirrorDevices(
      String name,
      UUID mirror,
      MirrorLayout layout,
      MirrorTerms terms,
      MirrorLeg.Listener listener) {
    this.name = name;
    this.mirror = mirror;
    this.layout = layout;
    this.terms = terms;
    this.listener = listener;
  }

  MirrorLeg take(int slot, UUID uuid, DaxDevice device) throws DeviceClaimedException {
    return new MirrorLeg(slot, uuid, mirror, device, layout, "mirror " + name, listener);
  }

  // What is not used.

  /** Keeps a leg that is out of use, and may come back by itself. */
  void drop(MirrorLeg leg) {
    dropped.put(leg.slot, leg);
  }

  void drop(MirrorLeg leg, String why) {
    drop(leg);
    reasons.put(leg.slot, why);
  }

  /** Keeps a device that is not taken. Returns why, in the mirror's terms. */
  MirrorLegException reject(int slot, DaxDevice device, IOException why) {
    MirrorLegException refusal = terms.refused(slot, why);
    rejected.put(slot, new Rejected(slot, device, refusal));
    reasons.put(slot, refusal.getReason());
    return refusal;
  }

  boolean hasDropped(MirrorLeg leg) {
    return dropped.get(leg.slot) == leg;
  }

  boolean hasRejected(int slot) {
    return rejected.containsKey(slot);
  }

  /** The device in a slot that is not used, if there is one. */
  @Nullable DaxDevice unused(int slot) {
    MirrorLeg gone = dropped.get(slot);
    Rejected odd = rejected.get(slot);
    return gone != null ? gone.device : odd == null ? null : odd.device();
  }

  String reason(int slot) {
    return reasons.getOrDefault(slot, "");
  }

  void because(int slot, String why) {
    reasons.put(slot, why);
  }

  void clearReason(int slot) {
    reasons.remove(slot);
  }

  // What is given back.

  /** A leg is given back when the lock is. */
  void leave(MirrorLeg leg) {
    leaving.add(leg);
  }

  /** Of a leg that was dropped and holds this very device; false when none does. */
  boolean leaveIfDropped(int slot, DaxDevice device) {
    MirrorLeg before = dropped.get(slot);
    if (before == null || !isSame(before.device, device)) {
      return false;
    }
    dropped.remove(slot);
    leaving.add(before);
    return true;
  }

  /**
   * Hands out what is in a slot and not used; the caller closes it. Of two, the one that belongs
   * there; the other is closed.
   */
  @Nullable DaxDevice handOut(int slot) {
    MirrorLeg gone = dropped.remove(slot);
    Rejected odd = rejected.remove(slot);
    if (gone == null) {
      return odd == null ? null : odd.device();
    }
    leaving.add(gone);
    if (odd != null && !isSame(gone.device, odd.device())) {
      closing.add(odd.device());
    }
    return gone.device;
  }

  /**
   * Another device stands in this slot now: the one before is given back, and closed.
   *
   * @param now the leg in this slot that is in use
   */
  void replaced(int slot, @Nullable MirrorLeg now) {
    MirrorLeg former = dropped.remove(slot);
    if (former != null) {
      leaving.add(former);
      closing.add(former.device);
    }
    Rejected odd = rejected.remove(slot);
    if (odd != null && (now == null || !isSame(now.device, odd.device()))) {
      closing.add(odd.device());
    }
  }

  /** Gives back, too, what is not used; returns all devices, which the caller closes. */
  List<DaxDevice> leaveAll(List<MirrorLeg> inUse) {
    leaving.addAll(inUse);
    leaving.addAll(dropped.values());
    List<DaxDevice> devices = new ArrayList<>();
    leaving.forEach(leg -> devices.add(leg.device));
    rejected.values().forEach(each -> devices.add(each.device()));
    return devices;
  }

  /** What is to be given back, once: the caller gives it back when it has left the lock. */
  Leaving takeLeaving() {
    Leaving taken = new Leaving(name, List.copyOf(leaving), List.copyOf(closing));
    leaving.clear();
    closing.clear();
    return taken;
  }

  /** Devices on their way out. */
  record Leaving(String mirror, List<MirrorLeg> legs, List<DaxDevice> closing) {
    void giveBack() {
      legs.forEach(MirrorLeg::release);
      for (DaxDevice device : closing) {
        try {
          device.close();
        } catch (IOException cannot) {
          LOG.log(
              System.Logger.Level.WARNING,
              mirror + ": " + device.info().name() + " was replaced, and does not close",
              cannot);
        }
      }
    }
  }

  /** Devices have no equality but that of being the same one. */
  @SuppressWarnings("ReferenceEquality")
  private static boolean isSame(DaxDevice one, DaxDevice other) {
    return one == other;
  }
}

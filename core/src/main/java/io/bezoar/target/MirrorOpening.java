package io.bezoar.target;

import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.DeviceState;
import io.bezoar.dax.DeviceUnavailableException;
import io.bezoar.target.MirrorAssembly.Behind;
import io.bezoar.target.MirrorAssembly.Found;
import io.bezoar.target.MirrorAssembly.Plan;
import java.io.IOException;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * How a mirror gets its first legs: when it is opened, or when one comes back and none was left.
 *
 * <p>What {@link MirrorAssembly} calls in sync is taken as it is; nothing is written to it but a
 * superblock that a crash has left but once. What is behind joins at once, where it can be written
 * to. Every other device is kept, with the reason.
 */
final class MirrorOpening {
  private final MirrorLayout layout;
  private final MirrorNotices notices;
  private final MirrorAssembly assembly;
  private final MirrorDevices devices;
  private final MirrorMembers members;
  private final MirrorJoining joining;

  MirrorOpening(
      MirrorLayout layout,
      MirrorNotices notices,
      MirrorAssembly assembly,
      MirrorDevices devices,
      MirrorMembers members,
      MirrorJoining joining) {
    this.layout = layout;
    this.notices = notices;
    this.assembly = assembly;
    this.devices = devices;
    this.members = members;
    this.joining = joining;
  }

  /**
   * Looks at all devices, decides, and takes them.
   *
   * @throws MirrorLegException when there are devices, and none belongs here
   */
  void open(Map<Integer, DaxDevice> handedIn) throws IOException {
    try (RowLocks.Held _ = members.change()) {
      List<Found> found = new ArrayList<>();
      MirrorLegException first = null;
      for (Map.Entry<Integer, DaxDevice> each : new TreeMap<>(handedIn).entrySet()) {
        try {
          found.add(assembly.look(each.getKey(), each.getValue()));
        } catch (MirrorLegException | DeviceUnavailableException notOurs) {
          MirrorLegException why = devices.reject(each.getKey(), each.getValue(), notOurs);
          first = first == null ? why : first;
        }
      }
      Plan plan = assembly.decide(found);
      if (first != null && plan.table() == null && plan.rejected().isEmpty()) {
        throw first;
      }
      adopt(plan);
    }
  }

  /**
   * Takes the legs that are good, and sees to those that are behind. The caller holds the lock of
   * the members.
   */
  void adopt(Plan plan) throws IOException {
    plan.rejected().forEach(each -> devices.reject(each.slot(), each.device(), each.why()));
    MirrorTable table = plan.table();
    if (table == null) {
      notices.knownState(DeviceState.OFFLINE);
      return;
    }
    boolean writable =
        plan.inSync().stream().anyMatch(leg -> leg.device().state() == DeviceState.ONLINE);
    List<MirrorLeg> inSync = new ArrayList<>();
    List<MirrorLeg> lagging = new ArrayList<>();
    for (Found leg : plan.inSync()) {
      MirrorLeg taken = take(leg);
      if (writable && !taken.online()) {
        devices.drop(taken, "the device is " + leg.device().state());
      } else {
        inSync.add(taken);
        if (leg.table().event() < table.event()) {
          lagging.add(taken);
        }
      }
    }
    members.begin(table, inSync, lagging);
    if (writable) {
      MirrorSuperblocks.mend(inSync, table);
    }
    BitSet mayDiffer = table.count() > 1 ? loadBits(inSync) : new BitSet();
    if (inSync.size() > 1) {
      members.owed().doubt(mayDiffer);
    }
    for (Behind each : plan.behind()) {
      if (writable && each.leg().device().state() == DeviceState.ONLINE) {
        bringUpToDate(each);
      } else {
        devices.drop(take(each.leg()), "misses writes, and cannot be written to");
      }
    }
  }

  private BitSet loadBits(List<MirrorLeg> legs) throws IOException {
    members.intent().load(MirrorBits.on(legs, layout));
    return members.intent().snapshot();
  }

  private void bringUpToDate(Behind behind) throws IOException {
    Found leg = behind.leg();
    try {
      joining.rejoin(leg, behind.missing());
    } catch (IOException cannot) {
      members.usable();
      devices.reject(leg.slot(), leg.device(), cannot);
    }
  }

  private MirrorLeg take(Found leg) throws IOException {
    return devices.take(leg.slot(), leg.uuid(), leg.device());
  }
}

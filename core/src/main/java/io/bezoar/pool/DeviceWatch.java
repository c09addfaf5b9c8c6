package io.bezoar.pool;

import io.bezoar.health.Event;
import io.bezoar.target.LegStatus;
import io.bezoar.target.MirroredTarget;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Looks after the devices of an open pool: what a crash left half done, devices that go away and
 * come back by themselves, legs that are in sync now. Called by {@link DeviceAdmin} alone, under
 * its lock.
 */
final class DeviceWatch {
  /** A device that went away is looked for at most so often, in milliseconds. */
  private static final long LOOK_AGAIN_MILLIS = 2000;

  private final MediaSource source;
  private final PoolTools tools;
  private final PoolDevices devices;
  private final PoolLabels labels;
  private final DeviceMoves moves;
  private final Map<Integer, LegStatus.State> seen = new HashMap<>();
  private long lookedAtMillis;

  DeviceWatch(
      MediaSource source,
      PoolTools tools,
      PoolDevices devices,
      PoolLabels labels,
      DeviceMoves moves) {
    this.source = source;
    this.tools = tools;
    this.devices = devices;
    this.labels = labels;
    this.moves = moves;
  }

  /** A device is not there any more: its mirror goes on without it, or with a spare. */
  void gone(Member member, String why) throws IOException {
    Optional<Member> still = devices.member(member.number());
    if (still.isEmpty() || still.get() != member) {
      return;
    }
    DeviceEntry entry = devices.config().find(member.number()).orElse(null);
    if (entry == null) {
      // It was on its way out of the pool when something failed.
      devices.left(member.number());
      return;
    }
    moves.record(Event.DeviceStep.LOST, entry.number(), why);
    moves.dropQuietly(member, why);
    if (entry.use() == DeviceEntry.Use.MEMBER) {
      moves.useSpare(entry);
    }
  }

  /** What opening a pool for work begins with. */
  void begin() throws IOException {
    takeOutWhatIsNotListed();
    for (Member member : devices.members()) {
      String path = source.absolute(member.path()).toString();
      DeviceEntry entry = devices.config().device(member.number());
      if (!devices.config().isVersion1() && !path.equals(entry.path())) {
        labels.reconfigure(config -> config.withDevice(entry.withPath(path)));
      }
    }
    devices.away().forEach((number, how) -> moves.record(Event.DeviceStep.LOST, number, how.why()));
    tick();
  }

  /** Takes out of the mirrors what the config does not list: a change that a crash interrupted. */
  private void takeOutWhatIsNotListed() throws IOException {
    if (devices.config().isVersion1()) {
      return;
    }
    for (Stack.Mirror mirror : devices.config().stack().mirrors()) {
      MirroredTarget target = devices.mirror(mirror.id());
      for (LegStatus leg : target.legs()) {
        if (!mirror.legs().containsKey(leg.slot())) {
          DeviceMoves.takeOut(target, leg.slot());
        }
      }
    }
  }

  /**
   * Looks at what changed by itself: a leg that is in sync now, a device whose place is taken, one
   * that came back.
   */
  void tick() throws IOException {
    for (Member member : List.copyOf(devices.members())) {
      if (!member.isThere()) {
        gone(member, "it went away");
      }
    }
    for (DeviceEntry entry : List.copyOf(devices.config().devices())) {
      devices.placeOf(entry.number()).ifPresent(place -> lookAt(entry, place));
    }
    finishReplacements();
    long now = tools.clock().millis();
    if (now - lookedAtMillis >= LOOK_AGAIN_MILLIS) {
      lookedAtMillis = now;
      lookForMissing();
    }
  }

  private void lookAt(DeviceEntry entry, PoolDevices.Place place) {
    for (LegStatus leg : place.target().legs()) {
      if (leg.slot() == place.slot()) {
        LegStatus.State before = seen.put(entry.number(), leg.state());
        if (before == LegStatus.State.RESYNCING && leg.state() == LegStatus.State.IN_SYNC) {
          moves.record(Event.DeviceStep.RESYNC_FINISHED, entry.number(), "");
        }
      }
    }
  }

  private void finishReplacements() throws IOException {
    for (DeviceEntry entry : List.copyOf(devices.config().devices())) {
      boolean done =
          entry.replaces() != DeviceEntry.NONE
              && seen.get(entry.number()) == LegStatus.State.IN_SYNC;
      if (!done) {
        continue;
      }
      Optional<DeviceEntry> old = devices.config().find(entry.replaces());
      if (old.isPresent()) {
        moves.detach(old.get(), Event.DeviceStep.REPLACED, "by device " + entry.number());
      }
      if (devices.config().device(entry.number()).replaces() != DeviceEntry.NONE) {
        labels.reconfigure(config -> config.withReplaced(entry.number()));
      }
    }
  }

  private void lookForMissing() {
    for (Map.Entry<Integer, PoolDevices.Away> gone : Map.copyOf(devices.away()).entrySet()) {
      Optional<DeviceEntry> entry = devices.config().find(gone.getKey());
      if (entry.isEmpty() || gone.getValue().presence() != StackStatus.Presence.MISSING) {
        continue;
      }
      Path at = Path.of(entry.get().path());
      if (source.peek(at) instanceof LabelStore.Peek.Label(PoolLabel label)
          && label.deviceUuid().equals(entry.get().uuid())) {
        try {
          moves.takeBack(entry.get(), at);
        } catch (IOException refused) {
          // Said in the log of events; somebody has to decide before it is tried again.
          devices.went(
              gone.getKey(),
              new PoolDevices.Away(
                  StackStatus.Presence.OFFLINE, String.valueOf(refused.getMessage())));
        }
      }
    }
  }
}

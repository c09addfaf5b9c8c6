package io.bezoar.pool;

import io.bezoar.dax.DaxDevice;
import io.bezoar.health.Event;
import io.bezoar.health.EventLog;
import io.bezoar.media.MediaOpenException;
import io.bezoar.media.MediaOpenException.Reason;
import io.bezoar.target.LegStatus;
import io.bezoar.target.MirroredTarget;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * How a device comes to an open pool, and how it leaves: the steps, in their order. Called by
 * {@link DeviceAdmin} and {@link DeviceWatch} alone, under the one lock that they share.
 *
 * <p><b>Order.</b> A device that comes: made and filled → its mirror's legs know it → the config,
 * on all labels. A device that goes: the config → the mirror → its label is taken away. So a crash
 * between any two steps leaves at most a leg that the config does not list, which opening the pool
 * takes out again ({@link DeviceWatch#begin}), or a file that is no device.
 */
final class DeviceMoves {
  private static final System.Logger LOG = System.getLogger(DeviceMoves.class.getName());

  private final PoolOptions options;
  private final MediaSource source;
  private final PoolTools tools;
  private final PoolDevices devices;
  private final PoolLabels labels;
  private final EventLog events;
  private final Runnable changed;
  private final Member.Gone gone;
  private final DeviceMaker maker;

  /**
   * Moves devices of one pool.
   *
   * @param changed told after each change of the devices that are there
   * @param gone told when a device that came goes away by itself
   */
  DeviceMoves(
      PoolOptions options,
      MediaSource source,
      PoolTools tools,
      PoolDevices devices,
      PoolLabels labels,
      EventLog events,
      DeviceMaker maker,
      Runnable changed,
      Member.Gone gone) {
    this.options = options;
    this.source = source;
    this.tools = tools;
    this.devices = devices;
    this.labels = labels;
    this.events = events;
    this.maker = maker;
    this.changed = changed;
    this.gone = gone;
  }

  /** Makes a spare. */
  int addSpare(NewDevice device) throws IOException {
    DeviceEntry like =
        devices.config().devices().stream()
            .filter(entry -> entry.use() == DeviceEntry.Use.MEMBER)
            .max(java.util.Comparator.comparingLong(DeviceEntry::sizeBytes))
            .orElseThrow();
    requirePlace(like);
    try (DeviceMaker.Made made =
        maker.make(device, like, DeviceEntry.Use.SPARE, DeviceEntry.NONE)) {
      labels.add(made.member());
      labels.reconfigure(config -> config.withSpare(made.entry()));
      welcome(made.keep(), Event.DeviceStep.SPARE_ADDED, "");
      return made.entry().number();
    }
  }

  int attach(DeviceEntry beside, NewDevice device, int replaces) throws IOException {
    PoolDevices.Place place = requirePlace(beside);
    int slot = freeSlot(place, beside);
    try (DeviceMaker.Made made = maker.make(device, beside, DeviceEntry.Use.MEMBER, replaces)) {
      made.requireContentFor(place);
      DaxDevice content = made.member().openContent(tools).device();
      place.target().attach(slot, content);
      try {
        labels.add(made.member());
        labels.reconfigure(config -> config.withLegBeside(beside.number(), made.entry()));
      } catch (IOException | RuntimeException failed) {
        labels.remove(made.number());
        place.target().detach(slot);
        throw failed;
      }
      welcome(made.keep(), Event.DeviceStep.ATTACHED, made.entry().path());
      record(Event.DeviceStep.RESYNC_STARTED, made.number(), "");
      return made.number();
    }
  }

  /** What a device that has come needs besides its place in the stack. */
  private void welcome(Member member, Event.DeviceStep step, String detail) throws IOException {
    devices.came(member);
    events.addPlace(member.eventPlace());
    member.watch(events, tools, gone);
    record(step, member.number(), detail);
    changed.run();
  }

  void detach(DeviceEntry entry, Event.DeviceStep step, String detail) throws IOException {
    int number = entry.number();
    Optional<Member> member = devices.member(number);
    if (entry.use() == DeviceEntry.Use.SPARE) {
      labels.remove(number);
      labels.reconfigure(config -> config.without(number));
      member.ifPresent(spare -> letGo(spare));
      devices.left(number);
      record(Event.DeviceStep.SPARE_REMOVED, number, entry.path());
      changed.run();
      return;
    }
    PoolDevices.Place place = requirePlace(entry);
    if (place.config().legs().size() == 1) {
      throw refused(
          entry,
          "it is the only device that holds its bytes: move them first,"
              + " with \"device evacuate\" or \"device replace\"");
    }
    PoolConfig before = devices.config();
    labels.remove(number);
    labels.reconfigure(config -> config.without(number));
    try {
      takeOut(place.target(), place.slot());
    } catch (IOException | RuntimeException refused) {
      labels.reconfigure(config -> config.next(before.stack(), before.devices()));
      member.ifPresent(labels::add);
      labels.align();
      throw refused;
    }
    member.ifPresent(gone -> letGo(gone));
    devices.left(number);
    record(step, number, detail.isEmpty() ? entry.path() : detail);
    changed.run();
  }

  /** Ends the membership of a leg, whether it is in use or not. */
  static void takeOut(MirroredTarget mirror, int slot) throws IOException {
    boolean inUse =
        mirror.legs().stream()
            .filter(leg -> leg.slot() == slot)
            .anyMatch(
                leg ->
                    leg.state() == LegStatus.State.IN_SYNC
                        || leg.state() == LegStatus.State.RESYNCING);
    if (inUse) {
      mirror.detach(slot);
    } else {
      mirror.detachMissing(slot);
    }
  }

  /** Closes a device that is the pool's no more, and takes its label away. */
  private void letGo(Member member) {
    events.removePlace(member.leaf());
    try {
      member.stopWatching();
      if (member.isThere()) {
        member.labels().erase();
      }
    } catch (IOException failed) {
      LOG.log(
          System.Logger.Level.WARNING,
          member.name() + " left the pool, but its label could not be taken away",
          failed);
    }
    closeQuietly(member);
  }

  private static void closeQuietly(Member member) {
    try {
      member.close();
    } catch (IOException failed) {
      LOG.log(System.Logger.Level.WARNING, member.name() + " could not be closed", failed);
    }
  }

  /** Takes a device out of its mirror and closes it; it stays the pool's. */
  void release(PoolDevices.Place place, Member member, StackStatus.Presence how, String why)
      throws IOException {
    place.target().letGone(place.slot(), why);
    labels.remove(member.number());
    events.removePlace(member.leaf());
    devices.went(member.number(), new PoolDevices.Away(how, why));
    member.stopWatching();
    closeQuietly(member);
    changed.run();
  }

  void dropQuietly(Member member, String why) {
    try {
      Optional<PoolDevices.Place> place = devices.placeOf(member.number());
      if (place.isPresent()) {
        release(place.get(), member, StackStatus.Presence.MISSING, why);
      } else {
        labels.remove(member.number());
        events.removePlace(member.leaf());
        devices.went(member.number(), new PoolDevices.Away(StackStatus.Presence.MISSING, why));
        closeQuietly(member);
      }
    } catch (IOException failed) {
      LOG.log(System.Logger.Level.WARNING, member.name() + " could not be let go", failed);
    }
  }

  void takeBack(DeviceEntry entry, Path at) throws IOException {
    requireSame(entry, at);
    Member member =
        Member.open(at, source.open(at, options.choice(), PoolOptions.Intent.WORK), tools);
    boolean done = false;
    try {
      if (entry.use() == DeviceEntry.Use.MEMBER) {
        PoolDevices.Place place = requirePlace(entry);
        place.target().legReturned(place.slot(), member.openContent(tools).device());
      }
      labels.add(member);
      String path = source.absolute(at).toString();
      if (path.equals(entry.path())) {
        labels.align();
      } else {
        labels.reconfigure(config -> config.withDevice(entry.withPath(path)));
      }
      welcome(member, Event.DeviceStep.RETURNED, "");
      done = true;
    } catch (IOException refused) {
      record(Event.DeviceStep.REFUSED, entry.number(), String.valueOf(refused.getMessage()));
      throw refused;
    } finally {
      if (!done) {
        labels.remove(member.number());
        closeQuietly(member);
      }
    }
  }

  private void requireSame(DeviceEntry entry, Path at) throws IOException {
    String found =
        switch (source.peek(at)) {
          case LabelStore.Peek.Label(PoolLabel label)
              when label.uuid().equals(labels.newest().uuid())
                  && label.deviceUuid().equals(entry.uuid()) ->
              "";
          case LabelStore.Peek.Label(PoolLabel label) ->
              label.uuid().equals(labels.newest().uuid())
                  ? "device " + label.deviceNumber() + " of this pool"
                  : "a device of another pool (" + label.uuid() + ")";
          case LabelStore.Peek.NoLabel _ -> "a file without a pool label";
          case LabelStore.Peek.Damaged(String why) -> "a file with a damaged label (" + why + ")";
          case LabelStore.Peek.Newer(int version) -> "a device of format version " + version;
          case LabelStore.Peek.Unreadable(IOException why) -> throw why;
        };
    if (!found.isEmpty()) {
      record(Event.DeviceStep.REFUSED, entry.number(), "there is " + found);
      throw new MediaOpenException(
          at.toString(),
          Reason.DETACHED,
          "it is %s, not device %d (%s); nothing was changed"
              .formatted(found, entry.number(), entry.path()));
    }
  }

  Optional<Integer> useSpare(DeviceEntry lost) throws IOException {
    Optional<PoolDevices.Place> place = devices.placeOf(lost.number());
    if (place.isEmpty()) {
      return Optional.empty();
    }
    for (DeviceEntry entry : devices.config().devices()) {
      Optional<Member> spare = devices.member(entry.number());
      if (entry.use() == DeviceEntry.Use.SPARE
          && spare.filter(Member::isThere).isPresent()
          && MirroredTarget.dataBytes(PoolFactory.contentBytes(entry))
              >= place.get().config().dataBytes()) {
        int slot = freeSlot(place.get(), lost);
        place.get().target().attach(slot, spare.get().openContent(tools).device());
        try {
          labels.reconfigure(config -> config.withSpareUsed(entry.number(), lost.number()));
        } catch (IOException | RuntimeException failed) {
          place.get().target().detach(slot);
          throw failed;
        }
        record(Event.DeviceStep.SPARE_USED, entry.number(), "for device " + lost.number());
        changed.run();
        return Optional.of(entry.number());
      }
    }
    return Optional.empty();
  }

  Member requireThere(DeviceEntry entry) throws MediaOpenException {
    return devices
        .member(entry.number())
        .filter(Member::isThere)
        .orElseThrow(
            () ->
                new MediaOpenException(entry.path(), Reason.DEVICE_MISSING, "it is not there now"));
  }

  PoolDevices.Place requirePlace(DeviceEntry entry) throws MediaOpenException {
    if (devices.config().isVersion1()) {
      throw new MediaOpenException(
          entry.path(),
          Reason.REFUSED,
          "the pool was made before there were mirrors and has no room for their notes:"
              + " make a new pool and copy the volume over");
    }
    return devices
        .placeOf(entry.number())
        .orElseThrow(() -> refused(entry, "it is a spare and holds nothing"));
  }

  private static int freeSlot(PoolDevices.Place place, DeviceEntry beside)
      throws MediaOpenException {
    for (int slot = 0; slot < MirroredTarget.LEGS_MAX; slot++) {
      int candidate = slot;
      if (!place.config().legs().containsKey(candidate)
          && place.target().legs().stream().noneMatch(leg -> leg.slot() == candidate)) {
        return candidate;
      }
    }
    throw refused(
        beside, "its mirror has " + MirroredTarget.LEGS_MAX + " legs already: detach one first");
  }

  static List<LegStatus> othersInSync(PoolDevices.Place place) {
    return place.target().legs().stream()
        .filter(leg -> leg.slot() != place.slot() && leg.state() == LegStatus.State.IN_SYNC)
        .toList();
  }

  static MediaOpenException refused(DeviceEntry entry, String why) {
    return new MediaOpenException(entry.path(), Reason.REFUSED, why);
  }

  static MediaOpenException noSpare(DeviceEntry entry) {
    return refused(
        entry,
        "there is no spare large enough to take its place: name a new device, or add a spare");
  }

  void record(Event.DeviceStep step, int device, String detail) {
    events.append((sequence, now) -> new Event.Device(sequence, now, device, step, detail));
  }
}

package io.bezoar.pool;

import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.DeviceState;
import io.bezoar.health.Event;
import io.bezoar.health.EventLog;
import io.bezoar.media.MediaOpenException;
import io.bezoar.media.MediaOpenException.Reason;
import io.bezoar.target.LegStatus;
import io.bezoar.target.MirroredTarget;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * What can be done with the devices of an open pool, while it is used.
 *
 * <p><b>Invariant.</b> The config says which device stands where; the mirrors say whose content is
 * right. A device that the config does not list is never read, and a leg is never read before its
 * mirror says that it is in sync.
 *
 * <p><b>Order.</b> A device that comes: made and filled → its mirror's legs know it → the config,
 * on all labels. A device that goes: the config → the mirror → its label is taken away. So a crash
 * between any two steps leaves at most a leg that the config does not list, which opening the pool
 * takes out again ({@link #begin}), or a file that is no device.
 *
 * <p>One thing at a time, under one lock; no caller of the volume waits for it. Thread-safe.
 */
public final class DeviceAdmin {
  private static final System.Logger LOG = System.getLogger(DeviceAdmin.class.getName());

  /** A device that went away is looked for at most so often, in milliseconds. */
  private static final long LOOK_AGAIN_MILLIS = 2000;

  private final String pool;
  private final PoolOptions options;
  private final MediaSource source;
  private final PoolTools tools;
  private final PoolDevices devices;
  private final PoolLabels labels;
  private final EventLog events;
  private final Runnable changed;
  private final DeviceMaker maker;
  private final ReentrantLock lock = new ReentrantLock();
  // Guarded by lock.
  private final Map<Integer, LegStatus.State> seen = new HashMap<>();
  private long lookedAtMillis;

  DeviceAdmin(
      String pool,
      PoolOptions options,
      MediaSource source,
      PoolTools tools,
      PoolDevices devices,
      PoolLabels labels,
      EventLog events,
      Runnable changed) {
    this.pool = pool;
    this.options = options;
    this.source = source;
    this.tools = tools;
    this.devices = devices;
    this.labels = labels;
    this.events = events;
    this.changed = changed;
    this.maker = new DeviceMaker(pool, options, source, tools, labels);
  }

  /**
   * Makes a device and has it hold what {@code beside} holds: one device becomes a mirror, a mirror
   * gets a leg more. The copy is made in the background.
   *
   * @param beside number, path, file name or beginning of the uuid of a device of the stack
   * @return the new device's number
   * @throws MediaOpenException REFUSED when the mirror has no place left, or the pool was made
   *     before there were mirrors; BAD_GEOMETRY when the new device is too small; EXISTS when there
   *     is something at its path
   */
  public int attach(String beside, NewDevice device) throws IOException {
    return locked(() -> attach(find(beside), device, DeviceEntry.NONE));
  }

  /**
   * Takes a leg out of a mirror, or a spare out of the pool. What lies on it is no pool's any more.
   *
   * @throws MediaOpenException REFUSED when it is the only device that holds its bytes
   */
  public void detach(String device) throws IOException {
    locked(
        () -> {
          detach(find(device), Event.DeviceStep.DETACHED, "");
          return null;
        });
  }

  /**
   * Announces that a device is going to be taken away: everything on it is made durable first, and
   * the pool goes on without it.
   *
   * @throws MediaOpenException REFUSED when nothing would be left of the volume
   */
  public void offline(String device) throws IOException {
    locked(
        () -> {
          DeviceEntry entry = find(device);
          Member member = requireThere(entry);
          PoolDevices.Place place = requirePlace(entry);
          if (devices.config().stack() instanceof Stack.Mirror root
              && root.id().equals(place.config().id())
              && othersInSync(place).isEmpty()) {
            throw refused(entry, "it is all that is left of the volume: stop serving instead");
          }
          if (othersInSync(place).isEmpty()) {
            // Its bytes are nowhere else: unavailable until it is back.
            place.target().persist();
          } else {
            place.target().takeOffline(place.slot());
          }
          release(place, member, StackStatus.Presence.OFFLINE, "somebody took it offline");
          record(Event.DeviceStep.OFFLINE, entry.number(), "");
          return null;
        });
  }

  /**
   * Takes a device back that was away. What it missed is copied in the background.
   *
   * @param at where it lies now; null for where it was
   * @throws MediaOpenException DETACHED when what is there is not that device, or went on alone
   */
  public void online(String device, @Nullable Path at) throws IOException {
    locked(
        () -> {
          DeviceEntry entry = find(device);
          devices
              .member(entry.number())
              .filter(member -> !member.isThere() || member.leaf().state() != DeviceState.ONLINE)
              .ifPresent(member -> dropQuietly(member, "to be opened again"));
          if (devices.member(entry.number()).isPresent()) {
            throw refused(entry, "it is in use already");
          }
          takeBack(entry, at == null ? Path.of(entry.path()) : at);
          return null;
        });
  }

  /**
   * Makes a device that takes the place of {@code old}, which leaves the pool as soon as the new
   * one holds everything.
   *
   * @param device the new one; null to use a spare
   * @return the new device's number
   */
  public int replace(String old, @Nullable NewDevice device) throws IOException {
    return locked(
        () -> {
          DeviceEntry entry = find(old);
          requirePlace(entry);
          int number =
              device == null
                  ? useSpare(entry).orElseThrow(() -> noSpare(entry))
                  : attach(entry, device, entry.number());
          record(Event.DeviceStep.REPLACING, entry.number(), "by device " + number);
          return number;
        });
  }

  /**
   * Moves everything off a failing device before it leaves the pool: to {@code device}, else to a
   * spare, else to nothing when another leg holds it all. It serves until then.
   *
   * @return the number of the device that takes its place; empty when none has to
   */
  public Optional<Integer> evacuate(String failing, @Nullable NewDevice device) throws IOException {
    return locked(
        () -> {
          DeviceEntry entry = find(failing);
          requireThere(entry);
          PoolDevices.Place place = requirePlace(entry);
          Optional<Integer> to =
              device != null ? Optional.of(attach(entry, device, entry.number())) : useSpare(entry);
          if (to.isPresent()) {
            record(Event.DeviceStep.REPLACING, entry.number(), "evacuated to device " + to.get());
            return to;
          }
          if (othersInSync(place).isEmpty()) {
            throw noSpare(entry);
          }
          detach(entry, Event.DeviceStep.EVACUATED, "");
          return to;
        });
  }

  /** Makes a device that takes the place of the first one that goes away for good. */
  public int addSpare(NewDevice device) throws IOException {
    return locked(
        () -> {
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
        });
  }

  /** Waits until no mirror is copying anything to a leg. */
  public void awaitResync() throws InterruptedException {
    for (MirroredTarget mirror : devices.mirrors()) {
      mirror.awaitResync();
    }
  }

  /**
   * The one device that somebody means.
   *
   * @param said number, path, file name or beginning of the uuid
   * @throws MediaOpenException MISSING when none is meant, REFUSED when several are
   */
  public DeviceEntry device(String said) throws MediaOpenException {
    return find(said);
  }

  // Coming and going.

  private int attach(DeviceEntry beside, NewDevice device, int replaces) throws IOException {
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
    member.watch(events, tools, this::onDeviceGone);
    record(step, member.number(), detail);
    changed.run();
  }

  private void detach(DeviceEntry entry, Event.DeviceStep step, String detail) throws IOException {
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
  private static void takeOut(MirroredTarget mirror, int slot) throws IOException {
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
  private void release(PoolDevices.Place place, Member member, StackStatus.Presence how, String why)
      throws IOException {
    place.target().letGone(place.slot(), why);
    labels.remove(member.number());
    events.removePlace(member.leaf());
    devices.went(member.number(), new PoolDevices.Away(how, why));
    member.stopWatching();
    closeQuietly(member);
    changed.run();
  }

  private void dropQuietly(Member member, String why) {
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

  private void takeBack(DeviceEntry entry, Path at) throws IOException {
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

  private Optional<Integer> useSpare(DeviceEntry lost) throws IOException {
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
        labels.reconfigure(config -> config.withSpareUsed(entry.number(), lost.number()));
        record(Event.DeviceStep.SPARE_USED, entry.number(), "for device " + lost.number());
        changed.run();
        return Optional.of(entry.number());
      }
    }
    return Optional.empty();
  }

  // What happens by itself.

  /** Called on a worker, with no lock held, when a device said that it is not there any more. */
  void onDeviceGone(Member member, String why) {
    try {
      locked(
          () -> {
            goneWithLock(member, why);
            return null;
          });
    } catch (IOException failed) {
      LOG.log(
          System.Logger.Level.WARNING,
          pool + ": no spare could take the place of device " + member.number(),
          failed);
    }
  }

  private void goneWithLock(Member member, String why) throws IOException {
    Optional<Member> still = devices.member(member.number());
    if (still.isEmpty() || still.get() != member) {
      return;
    }
    DeviceEntry entry = devices.config().device(member.number());
    record(Event.DeviceStep.LOST, entry.number(), why);
    dropQuietly(member, why);
    if (entry.use() == DeviceEntry.Use.MEMBER) {
      useSpare(entry);
    }
  }

  /** What opening a pool for work begins with. */
  void begin() throws IOException {
    locked(
        () -> {
          takeOutWhatIsNotListed();
          for (Member member : devices.members()) {
            String path = source.absolute(member.path()).toString();
            DeviceEntry entry = devices.config().device(member.number());
            if (!devices.config().isVersion1() && !path.equals(entry.path())) {
              labels.reconfigure(config -> config.withDevice(entry.withPath(path)));
            }
          }
          devices.away().forEach((number, how) -> record(Event.DeviceStep.LOST, number, how.why()));
          tickWithLock();
          return null;
        });
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
          takeOut(target, leg.slot());
        }
      }
    }
  }

  /**
   * Looks at what changed by itself: a leg that is in sync now, a device whose place is taken, one
   * that came back.
   */
  void tick() throws IOException {
    locked(
        () -> {
          tickWithLock();
          return null;
        });
  }

  private void tickWithLock() throws IOException {
    for (Member member : List.copyOf(devices.members())) {
      if (!member.isThere()) {
        goneWithLock(member, "it went away");
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
          record(Event.DeviceStep.RESYNC_FINISHED, entry.number(), "");
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
        detach(old.get(), Event.DeviceStep.REPLACED, "by device " + entry.number());
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
          takeBack(entry.get(), at);
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

  // What is asked for, and whether it can be.

  /** Something done under the lock. */
  @FunctionalInterface
  private interface Work<T extends @Nullable Object> {
    T run() throws IOException;
  }

  private <T extends @Nullable Object> T locked(Work<T> work) throws IOException {
    lock.lock();
    try {
      return work.run();
    } finally {
      lock.unlock();
    }
  }

  private DeviceEntry find(String said) throws MediaOpenException {
    return DeviceRef.find(devices.config(), said, source);
  }

  private Member requireThere(DeviceEntry entry) throws MediaOpenException {
    return devices
        .member(entry.number())
        .filter(Member::isThere)
        .orElseThrow(
            () ->
                new MediaOpenException(entry.path(), Reason.DEVICE_MISSING, "it is not there now"));
  }

  private PoolDevices.Place requirePlace(DeviceEntry entry) throws MediaOpenException {
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

  private static List<LegStatus> othersInSync(PoolDevices.Place place) {
    return place.target().legs().stream()
        .filter(leg -> leg.slot() != place.slot() && leg.state() == LegStatus.State.IN_SYNC)
        .toList();
  }

  private static MediaOpenException refused(DeviceEntry entry, String why) {
    return new MediaOpenException(entry.path(), Reason.REFUSED, why);
  }

  private static MediaOpenException noSpare(DeviceEntry entry) {
    return refused(
        entry,
        "there is no spare large enough to take its place: name a new device, or add a spare");
  }

  private void record(Event.DeviceStep step, int device, String detail) {
    events.append((sequence, now) -> new Event.Device(sequence, now, device, step, detail));
  }
}

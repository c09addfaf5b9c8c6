package io.bezoar.pool;

import io.bezoar.dax.DeviceState;
import io.bezoar.health.Event;
import io.bezoar.health.EventLog;
import io.bezoar.media.MediaOpenException;
import io.bezoar.target.MirroredTarget;
import java.io.IOException;
import java.nio.file.Path;
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
 * <p>One thing at a time, under one lock; no caller of the volume waits for it. The steps are those
 * of {@link DeviceMoves}; what happens by itself is seen to by {@link DeviceWatch}. Thread-safe.
 */
public final class DeviceAdmin {
  private static final System.Logger LOG = System.getLogger(DeviceAdmin.class.getName());

  private final String pool;
  private final MediaSource source;
  private final PoolDevices devices;
  private final DeviceMoves moves;
  private final DeviceWatch watch;
  private final ReentrantLock lock = new ReentrantLock();

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
    this.source = source;
    this.devices = devices;
    this.moves =
        new DeviceMoves(
            options,
            source,
            tools,
            devices,
            labels,
            events,
            new DeviceMaker(pool, options, source, tools, labels),
            changed,
            this::onDeviceGone);
    this.watch = new DeviceWatch(source, tools, devices, labels, moves);
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
    return locked(() -> moves.attach(find(beside), device, DeviceEntry.NONE));
  }

  /**
   * Takes a leg out of a mirror, or a spare out of the pool. What lies on it is no pool's any more.
   *
   * @throws MediaOpenException REFUSED when it is the only device that holds its bytes
   */
  public void detach(String device) throws IOException {
    locked(
        () -> {
          moves.detach(find(device), Event.DeviceStep.DETACHED, "");
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
          Member member = moves.requireThere(entry);
          PoolDevices.Place place = moves.requirePlace(entry);
          if (devices.config().stack() instanceof Stack.Mirror root
              && root.id().equals(place.config().id())
              && DeviceMoves.othersInSync(place).isEmpty()) {
            throw DeviceMoves.refused(
                entry, "it is all that is left of the volume: stop serving instead");
          }
          if (DeviceMoves.othersInSync(place).isEmpty()) {
            // Its bytes are nowhere else: unavailable until it is back.
            place.target().persist();
          } else {
            place.target().takeOffline(place.slot());
          }
          moves.release(place, member, StackStatus.Presence.OFFLINE, "somebody took it offline");
          moves.record(Event.DeviceStep.OFFLINE, entry.number(), "");
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
              .ifPresent(member -> moves.dropQuietly(member, "to be opened again"));
          if (devices.member(entry.number()).isPresent()) {
            throw DeviceMoves.refused(entry, "it is in use already");
          }
          moves.takeBack(entry, at == null ? Path.of(entry.path()) : at);
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
          moves.requirePlace(entry);
          int number =
              device == null
                  ? moves.useSpare(entry).orElseThrow(() -> DeviceMoves.noSpare(entry))
                  : moves.attach(entry, device, entry.number());
          moves.record(Event.DeviceStep.REPLACING, entry.number(), "by device " + number);
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
          moves.requireThere(entry);
          PoolDevices.Place place = moves.requirePlace(entry);
          Optional<Integer> to =
              device != null
                  ? Optional.of(moves.attach(entry, device, entry.number()))
                  : moves.useSpare(entry);
          if (to.isPresent()) {
            moves.record(
                Event.DeviceStep.REPLACING, entry.number(), "evacuated to device " + to.get());
            return to;
          }
          if (DeviceMoves.othersInSync(place).isEmpty()) {
            throw DeviceMoves.noSpare(entry);
          }
          moves.detach(entry, Event.DeviceStep.EVACUATED, "");
          return to;
        });
  }

  /** Makes a device that takes the place of the first one that goes away for good. */
  public int addSpare(NewDevice device) throws IOException {
    return locked(() -> moves.addSpare(device));
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

  // What happens by itself.

  /** What opening a pool for work begins with. */
  void begin() throws IOException {
    locked(
        () -> {
          watch.begin();
          return null;
        });
  }

  /** Looks at what changed by itself; called every second. */
  void tick() throws IOException {
    locked(
        () -> {
          watch.tick();
          return null;
        });
  }

  /** Called on a worker, with no lock held, when a device said that it is not there any more. */
  void onDeviceGone(Member member, String why) {
    try {
      locked(
          () -> {
            watch.gone(member, why);
            return null;
          });
    } catch (IOException failed) {
      LOG.log(
          System.Logger.Level.WARNING,
          pool + ": no spare could take the place of device " + member.number(),
          failed);
    }
  }

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
}

package io.bezoar.cli.control;

import io.bezoar.cli.control.Request.DeviceChange;
import io.bezoar.cli.control.Request.Wait;
import io.bezoar.pool.DeviceAdmin;
import io.bezoar.pool.DeviceEntry;
import io.bezoar.pool.Pool;
import io.bezoar.pool.PoolConfig;
import io.bezoar.pool.PoolStatus;
import io.bezoar.pool.StackStatus;
import io.bezoar.target.LegStatus;
import io.bezoar.target.ResyncProgress;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Changes of a pool's devices, and the resyncs that follow from them.
 *
 * <p>A change has been made, durably, when its first reply is sent; what follows (copying) is shown
 * until it is done or nobody looks any more. It goes on without being looked at for as long as the
 * pool is open.
 */
final class DeviceOperations {
  private static final long LOOK_UP_EVERY_MILLIS = 100;

  /** A replaced device leaves within a second or two after the new one is in sync. */
  private static final long LEAVES_WITHIN_NANOS = TimeUnit.SECONDS.toNanos(15);

  private final Pool pool;
  private final @Nullable Served served;

  DeviceOperations(Pool pool, @Nullable Served served) {
    this.pool = pool;
    this.served = served;
  }

  int change(DeviceChange change, Replies replies) throws IOException, InterruptedException {
    DeviceAdmin admin = pool.devices();
    return switch (change) {
      case DeviceChange.Attach r -> {
        DeviceEntry beside = admin.device(r.device());
        int number = admin.attach(r.device(), r.made());
        replies.send(done("attached", entry(number), beside));
        yield follow(new Goal.InSync(number), r.waiting(), replies);
      }
      case DeviceChange.Detach r -> {
        DeviceEntry gone = admin.device(r.device());
        admin.detach(r.device());
        replies.send(done("detached", gone, null));
        yield Exit.OK;
      }
      case DeviceChange.Offline r -> {
        DeviceEntry away = admin.device(r.device());
        admin.offline(r.device());
        replies.send(done("offline", away, null));
        yield Exit.OK;
      }
      case DeviceChange.Online r -> {
        DeviceEntry back = admin.device(r.device());
        boolean isUsed = isUsed(back.number());
        if (!isUsed) {
          admin.online(r.device(), r.at());
        }
        replies.send(done(isUsed ? "in-use" : "online", entry(back.number()), null));
        yield follow(new Goal.InSync(back.number()), r.waiting(), replies);
      }
      case DeviceChange.Replace r -> {
        DeviceEntry old = admin.device(r.device());
        int number = admin.replace(r.device(), r.by());
        replies.send(done("replacing", entry(number), old));
        yield follow(new Goal.Replaced(old.number(), number), r.waiting(), replies);
      }
      case DeviceChange.Evacuate r -> {
        DeviceEntry old = admin.device(r.device());
        Optional<Integer> to = admin.evacuate(r.device(), r.to());
        if (to.isEmpty()) {
          replies.send(done("evacuated", old, null));
          yield Exit.OK;
        }
        replies.send(done("replacing", entry(to.get()), old));
        yield follow(new Goal.Replaced(old.number(), to.get()), r.waiting(), replies);
      }
      case DeviceChange.Spare r -> {
        int number = admin.addSpare(r.made());
        replies.send(done("spare", entry(number), null));
        yield Exit.OK;
      }
    };
  }

  private DeviceEntry entry(int number) {
    return pool.label().config().device(number);
  }

  private boolean isUsed(int number) {
    return pool.status().devices().stream()
        .filter(device -> device.entry().number() == number)
        .anyMatch(DeviceOperations::isUsed);
  }

  private static boolean isUsed(StackStatus.Device device) {
    LegStatus leg = device.leg();
    return device.presence() == StackStatus.Presence.THERE
        && (leg == null
            || leg.state() == LegStatus.State.IN_SYNC
            || leg.state() == LegStatus.State.RESYNCING);
  }

  private ObjectNode done(String step, DeviceEntry device, @Nullable DeviceEntry other) {
    ObjectNode json = Json.object().put("type", "device").put("step", step);
    put(json, device);
    if (other != null) {
      json.put("other", other.number()).put("other_name", StackWords.name(other));
    }
    return json.put("served", served != null);
  }

  private static void put(ObjectNode json, DeviceEntry device) {
    json.put("device", device.number())
        .put("name", StackWords.name(device))
        .put("path", device.path());
  }

  /** What is waited for. */
  private sealed interface Goal {
    /** A leg holds everything. */
    record InSync(int device) implements Goal {}

    /** A leg holds everything, and the one that it replaces has left. */
    record Replaced(int old, int device) implements Goal {}

    /** No resync is going on. */
    record Quiet() implements Goal {}
  }

  /** How far it is. */
  private enum Progress {
    GOING_ON,
    /** The copy is made; the old device has still to leave. */
    LEAVING,
    DONE,
    /** It does not come to an end by itself. */
    STUCK
  }

  /** Follows every resync to its end. */
  int followAll(Replies replies) throws InterruptedException {
    return follow(new Goal.Quiet(), Wait.UNTIL_IN_SYNC, replies);
  }

  private int follow(Goal goal, Wait wait, Replies replies) throws InterruptedException {
    if (wait == Wait.FOR_NOTHING) {
      return Exit.OK;
    }
    ObjectNode shown = Json.object();
    Progress before = Progress.GOING_ON;
    long leavingSince = 0;
    while (true) {
      PoolStatus status = pool.status();
      Progress now = progress(goal, status);
      // A change that cannot be made is taken back: that the old one left counts when seen twice.
      Progress progress =
          now == Progress.DONE && before == Progress.LEAVING ? Progress.LEAVING : now;
      before = now;
      if (progress == Progress.LEAVING) {
        leavingSince = leavingSince == 0 ? System.nanoTime() : leavingSince;
        if (System.nanoTime() - leavingSince > LEAVES_WITHIN_NANOS) {
          progress = Progress.STUCK;
        }
      }
      switch (progress) {
        case DONE -> {
          return end(goal, status, replies);
        }
        case STUCK -> {
          replies.send(stuck(goal, status));
          return Exit.DEGRADED;
        }
        case GOING_ON, LEAVING -> {
          if (replies.gone()) {
            replies.send(Json.object().put("type", "left").put("served", served != null));
            return Exit.INTERRUPTED;
          }
          ObjectNode resyncs = resyncs(status);
          if (!resyncs.equals(shown)) {
            replies.send(resyncs);
            shown = resyncs;
          }
        }
      }
      TimeUnit.MILLISECONDS.sleep(LOOK_UP_EVERY_MILLIS);
    }
  }

  private static Progress progress(Goal goal, PoolStatus status) {
    return switch (goal) {
      case Goal.InSync(int number) -> progress(number, status);
      case Goal.Replaced(int old, int number) -> {
        Progress copy = progress(number, status);
        boolean left =
            status.label().config().find(old).isEmpty()
                && status.devices().stream().noneMatch(device -> device.entry().number() == old);
        yield copy == Progress.DONE && !left ? Progress.LEAVING : copy;
      }
      case Goal.Quiet _ ->
          StackWalk.allLegs(status.stack()).stream()
                  .noneMatch(leg -> leg.is(LegStatus.State.RESYNCING))
              ? Progress.DONE
              : Progress.GOING_ON;
    };
  }

  private static Progress progress(int number, PoolStatus status) {
    for (StackStatus.Device device : status.devices()) {
      if (device.entry().number() == number) {
        LegStatus leg = device.leg();
        if (leg == null) {
          return Progress.DONE;
        }
        return switch (leg.state()) {
          case IN_SYNC -> Progress.DONE;
          case RESYNCING -> Progress.GOING_ON;
          case MISSING, FAILED -> Progress.STUCK;
        };
      }
    }
    boolean isSpare = status.spares().stream().anyMatch(spare -> spare.entry().number() == number);
    return isSpare ? Progress.DONE : Progress.STUCK;
  }

  private static int end(Goal goal, PoolStatus status, Replies replies) {
    ObjectNode json = Json.object().put("type", "in-sync");
    PoolConfig config = status.label().config();
    switch (goal) {
      case Goal.InSync(int number) -> put(json, config.device(number));
      case Goal.Replaced(int old, int number) -> {
        put(json, config.device(number));
        json.put("other", old);
      }
      case Goal.Quiet _ -> {}
    }
    boolean all =
        StackWalk.allLegs(status.stack()).stream().allMatch(leg -> leg.is(LegStatus.State.IN_SYNC));
    replies.send(json.put("all_legs", all));
    return goal instanceof Goal.Quiet && !all ? Exit.DEGRADED : Exit.OK;
  }

  private static ObjectNode stuck(Goal goal, PoolStatus status) {
    int number =
        switch (goal) {
          case Goal.InSync(int device) -> device;
          case Goal.Replaced(int _, int device) -> device;
          case Goal.Quiet _ -> DeviceEntry.NONE;
        };
    ObjectNode json = Json.object().put("type", "stuck").put("device", number);
    String why = "it is not in the pool any more";
    Optional<DeviceEntry> entry = status.label().config().find(number);
    if (entry.isPresent()) {
      put(json, entry.get());
      why = why(status.devices(), number);
    }
    return json.put("detail", why);
  }

  private static String why(List<StackStatus.Device> devices, int number) {
    for (StackStatus.Device device : devices) {
      LegStatus leg = device.leg();
      if (device.entry().number() == number && leg != null) {
        return switch (leg.state()) {
          case IN_SYNC -> "it holds everything, but the other one has not left the pool";
          case RESYNCING -> "it is being filled";
          case MISSING -> device.detail().isEmpty() ? "it is not there" : device.detail();
          case FAILED -> leg.detail();
        };
      }
    }
    return "it is not there";
  }

  private static ObjectNode resyncs(PoolStatus status) {
    ObjectNode json = Json.object().put("type", "resync");
    ArrayNode legs = json.putArray("legs");
    for (StackWalk.Leg leg : StackWalk.allLegs(status.stack())) {
      LegStatus how = leg.status();
      ResyncProgress resync = how == null ? null : how.resync();
      if (resync != null) {
        ObjectNode one = StackJson.resync(resync);
        put(one, leg.device().entry());
        legs.add(one);
      }
    }
    return json;
  }
}

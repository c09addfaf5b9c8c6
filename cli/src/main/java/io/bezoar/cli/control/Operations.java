package io.bezoar.cli.control;

import io.bezoar.health.Event;
import io.bezoar.health.EventHistory;
import io.bezoar.health.EventLog;
import io.bezoar.health.EventSubscription;
import io.bezoar.health.ScrubActiveException;
import io.bezoar.health.ScrubProgress;
import io.bezoar.health.ScrubRequest;
import io.bezoar.health.Scrubber;
import io.bezoar.media.ByteRange;
import io.bezoar.pool.BadRange;
import io.bezoar.pool.DeviceEntry;
import io.bezoar.pool.LossAccepted;
import io.bezoar.pool.Pool;
import io.bezoar.pool.PoolConfig;
import io.bezoar.pool.PoolStatus;
import io.bezoar.pool.Strike;
import io.bezoar.pool.StrikeOrder;
import io.bezoar.pool.StrikePlan;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/**
 * Every operation on an open pool, once: the same code answers in the process that asks, when it
 * can have the pool, and behind the control socket, when another process has it.
 */
public final class Operations {
  private static final Duration LOOK_UP_EVERY = Duration.ofMillis(200);
  private static final int FOLLOW_CAPACITY = 4096;

  private final Pool pool;
  private final @Nullable Served served;
  private final DeviceOperations devices;
  private final FileOperations files;
  private volatile Runnable afterChange = () -> {};

  /**
   * Operations on {@code pool}.
   *
   * @param served how it is served; null when it is not
   */
  public Operations(Pool pool, @Nullable Served served) {
    this.pool = pool;
    this.served = served;
    this.devices = new DeviceOperations(pool, served);
    this.files = new FileOperations(pool, served);
  }

  /** Calls {@code then} after every change of the pool's devices that was asked for here. */
  void whenDevicesChange(Runnable then) {
    afterChange = then;
  }

  /** Which pool it is. */
  UUID poolId() {
    return pool.label().uuid();
  }

  /** Where its devices lie. */
  List<Path> devicePaths() {
    return pool.label().config().devices().stream()
        .map(DeviceEntry::path)
        .filter(path -> !path.isEmpty())
        .map(Path::of)
        .toList();
  }

  /**
   * Answers {@code request}.
   *
   * @return the exit code
   */
  public int run(Request request, Replies replies) throws IOException, InterruptedException {
    return switch (request) {
      case Request.Status _ -> status(replies);
      case Request.BadList _ -> badList(replies);
      case Request.Inject inject -> inject(inject, replies);
      case Request.Clear clear -> clear(clear, replies);
      case Request.Scrub scrub -> scrub(scrub.request(), replies);
      case Request.ScrubControl control -> control(control.action(), replies);
      case Request.Events events -> events(events, replies);
      case Request.DeviceChange change -> change(change, replies);
      case Request.DeviceProgress _ -> devices.followAll(replies);
      case FileRequest aboutFiles -> files.run(aboutFiles, replies);
    };
  }

  private int change(Request.DeviceChange change, Replies replies)
      throws IOException, InterruptedException {
    // The devices are others before what follows from it is waited for.
    AtomicBoolean changed = new AtomicBoolean();
    Replies watched =
        new Replies() {
          @Override
          public void send(ObjectNode json) {
            if (!changed.getAndSet(true)) {
              afterChange.run();
            }
            replies.send(json);
          }

          @Override
          public boolean gone() {
            return replies.gone();
          }
        };
    int exit = devices.change(change, watched);
    afterChange.run();
    return exit;
  }

  private int status(Replies replies) {
    PoolStatus status = pool.status();
    replies.send(PoolJson.status(pool.path().toString(), status, served));
    return switch (status.condition()) {
      case HEALTHY -> Exit.OK;
      case DEGRADED -> Exit.DEGRADED;
      case DAMAGED -> Exit.DAMAGED;
      case UNAVAILABLE -> Exit.UNAVAILABLE;
    };
  }

  private PoolConfig config() {
    return pool.label().config();
  }

  private int badList(Replies replies) {
    for (BadRange bad : pool.bad()) {
      if (replies.gone()) {
        break;
      }
      replies.send(PoolJson.bad(bad, config()));
    }
    return Exit.OK;
  }

  private int inject(Request.Inject request, Replies replies) throws IOException {
    String only = request.device();
    Integer device = only == null ? null : pool.devices().device(only).number();
    StrikePlan plan =
        pool.planStrikes(
            new StrikeOrder(
                request.kinds(),
                request.at(),
                request.lengthBytes(),
                request.count(),
                request.seed(),
                request.overlap() == Request.Overlap.ALLOWED
                    ? StrikeOrder.Rows.ANY
                    : StrikeOrder.Rows.DISTINCT,
                device));
    ObjectNode announced = Json.object().put("type", "plan");
    announced.put("count", plan.strikes().size()).put("seed", request.seed());
    announced.set("must_be_lost", PoolJson.ranges(plan.mustBeLost()));
    announced.set("undetectable", PoolJson.ranges(plan.undetectable()));
    replies.send(announced);
    pool.recordDrill(plan.strikes().size() + " strikes, seed " + request.seed());
    for (Strike strike : plan.strikes()) {
      // Carried out to the end even when nobody listens: the plan counts on all of them.
      ByteRange struck = pool.strike(strike);
      replies.send(PoolJson.strike(strike, struck, config()));
    }
    return Exit.OK;
  }

  private int clear(Request.Clear request, Replies replies) throws IOException {
    LossAccepted accepted = pool.acceptLoss(request.fill(), request.range());
    pool.settle();
    ObjectNode json = Json.object().put("type", "cleared");
    json.set("filled", PoolJson.ranges(accepted.filled()));
    json.set("not_cleared", PoolJson.ranges(accepted.notCleared()));
    json.set("owned", PoolJson.ranges(accepted.owned()));
    replies.send(json);
    boolean allFilled = accepted.notCleared().isEmpty() && accepted.owned().isEmpty();
    return allFilled ? Exit.OK : Exit.DAMAGED;
  }

  private int scrub(ScrubRequest request, Replies replies)
      throws IOException, InterruptedException {
    Scrubber scrubber = pool.scrubber();
    boolean ours = true;
    try {
      scrubber.start(request);
    } catch (ScrubActiveException e) {
      // Somebody else's: shown, but not stopped when we go.
      ours = false;
      replies.send(Json.object().put("type", "attached"));
    }
    ScrubProgress seen = scrubber.progress();
    replies.send(PoolJson.progress(seen));
    while (seen.state().active()) {
      if (replies.gone()) {
        if (!ours) {
          return Exit.INTERRUPTED;
        }
        scrubber.stop();
      }
      ScrubProgress next = scrubber.awaitChange(seen, LOOK_UP_EVERY.toNanos());
      if (next.state().active() && !replies.gone()) {
        // A chunk takes a millisecond; nobody reads so fast.
        TimeUnit.MILLISECONDS.sleep(50);
        next = scrubber.progress();
      }
      if (!next.equals(seen)) {
        replies.send(PoolJson.progress(next));
      }
      seen = next;
    }
    if (seen.state() != ScrubProgress.State.FAILED) {
      pool.settle();
    }
    return switch (seen.state()) {
      case FINISHED -> exitOf(seen);
      case STOPPED -> Exit.INTERRUPTED;
      case FAILED -> Exit.UNAVAILABLE;
      case IDLE, RUNNING, PAUSED -> throw new IllegalStateException("scrub is " + seen.state());
    };
  }

  private static int exitOf(ScrubProgress finished) {
    if (finished.totals().lostBytes() > 0) {
      return Exit.DAMAGED;
    }
    return finished.totals().degradedBytes() > 0 ? Exit.DEGRADED : Exit.OK;
  }

  private int control(Request.ScrubControl.Action action, Replies replies) {
    Scrubber scrubber = pool.scrubber();
    boolean done =
        switch (action) {
          case PAUSE -> scrubber.pause();
          case RESUME -> scrubber.resume();
          case STOP -> scrubber.stop();
        };
    replies.send(
        PoolJson.progress(scrubber.progress())
            .put("type", "scrub-control")
            .put("action", Json.word(action))
            .put("done_it", done));
    return done ? Exit.OK : Exit.REFUSED;
  }

  private int events(Request.Events request, Replies replies)
      throws IOException, InterruptedException {
    // What was noticed a moment ago belongs to the answer, durable or not.
    pool.hear();
    return switch (request.mode()) {
      case HISTORY -> {
        sendHistory(pool.events().query(request.query()), replies);
        yield Exit.OK;
      }
      case FOLLOW -> follow(request, replies);
    };
  }

  private int follow(Request.Events request, Replies replies) throws InterruptedException {
    EventLog.Followed followed = pool.events().follow(request.query(), FOLLOW_CAPACITY);
    try (EventSubscription subscription = followed.subscription()) {
      sendHistory(followed.history(), replies);
      while (!replies.gone()) {
        Optional<Event> event = subscription.poll(LOOK_UP_EVERY);
        sendMissed(subscription.takeMissed(), replies);
        if (event.isPresent()) {
          replies.send(PoolJson.event(event.get(), config()));
        } else if (subscription.isClosed()) {
          break;
        }
      }
    }
    return Exit.OK;
  }

  private void sendHistory(EventHistory history, Replies replies) {
    sendMissed(history.missed(), replies);
    for (Event event : history.events()) {
      if (replies.gone()) {
        return;
      }
      replies.send(PoolJson.event(event, config()));
    }
  }

  private static void sendMissed(long missed, Replies replies) {
    if (missed > 0) {
      replies.send(Json.object().put("type", "missed").put("count", missed));
    }
  }
}

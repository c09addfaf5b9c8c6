package io.bezoar.cli.control;

import io.bezoar.health.EventQuery;
import java.io.IOException;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import tools.jackson.databind.node.ObjectNode;

/**
 * Follows the events of a pool over the lives of the processes that have it. It never keeps the
 * pool itself: while nobody has it nothing happens to it, and whoever wants it must get it.
 */
final class EventFollower implements Replies {
  private static final long LOOK_UP_EVERY_MILLIS = 250;

  private final PoolRef pool;
  private final EventQuery query;
  private final Replies listener;
  private long lastSequence;

  EventFollower(PoolRef pool, EventQuery query, Replies listener) {
    this.pool = pool;
    this.query = query;
    this.listener = listener;
    this.lastSequence = query.afterSequence();
  }

  /** Returns when the listener is gone. */
  int run() throws IOException, InterruptedException {
    int exit = PoolAccess.runOnce(pool, request(Request.Events.Mode.HISTORY), this);
    while (exit == Exit.OK && !gone()) {
      Optional<ControlClient> holder = HolderSearch.connect(pool.path(), PoolAccess.PATIENCE);
      if (holder.isPresent()) {
        follow(holder.get());
      } else {
        TimeUnit.MILLISECONDS.sleep(LOOK_UP_EVERY_MILLIS);
      }
    }
    return exit;
  }

  private void follow(ControlClient holder) throws IOException {
    try (holder) {
      holder.ask(request(Request.Events.Mode.FOLLOW), this);
    } catch (RemoteException refused) {
      throw refused;
    } catch (IOException wentAway) {
      System.getLogger(EventFollower.class.getName())
          .log(System.Logger.Level.DEBUG, "the holder of the pool went away", wentAway);
    }
  }

  private Request request(Request.Events.Mode mode) {
    return new Request.Events(new EventQuery(lastSequence, query.since(), query.outcomes()), mode);
  }

  @Override
  public void send(ObjectNode json) {
    lastSequence = Math.max(lastSequence, json.path("sequence").asLong(0));
    listener.send(json);
  }

  @Override
  public boolean gone() {
    return listener.gone();
  }
}

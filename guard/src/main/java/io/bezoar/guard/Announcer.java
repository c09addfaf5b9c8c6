package io.bezoar.guard;

import static java.lang.System.Logger.Level.ERROR;
import static java.lang.System.Logger.Level.INFO;
import static java.lang.System.Logger.Level.WARNING;

import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;

/** Tells the log, the flight recorder and every subscriber; never under a lock. */
final class Announcer {
  private static final System.Logger LOG = System.getLogger("io.bezoar.guard");

  private final List<Consumer<? super GuardEvent>> subscribers;

  /** With these from the beginning. */
  Announcer(List<Consumer<? super GuardEvent>> subscribers) {
    this.subscribers = new CopyOnWriteArrayList<>(subscribers);
  }

  /** A subscription; each call is one of its own. */
  AutoCloseable subscribe(Consumer<? super GuardEvent> subscriber) {
    Consumer<GuardEvent> once = subscriber::accept;
    subscribers.add(once);
    return () -> subscribers.remove(once);
  }

  void tell(List<GuardEvent> events) {
    for (GuardEvent event : events) {
      log(event);
      record(event);
      for (Consumer<? super GuardEvent> subscriber : subscribers) {
        try {
          subscriber.accept(event);
        } catch (RuntimeException e) {
          LOG.log(ERROR, "a subscriber of guarded files failed on " + event, e);
        }
      }
    }
  }

  void sourceFailed(Path file, Throwable failure) {
    LOG.log(WARNING, "a repair source failed for " + file, failure);
  }

  void notWrittenBack(Path file, Exception failure) {
    LOG.log(WARNING, "repaired bytes of " + file + " stay in memory: the file takes none", failure);
  }

  private static void log(GuardEvent event) {
    switch (event) {
      case GuardEvent.Damaged damaged ->
          LOG.log(WARNING, "{0}: {1} lost ({2})", damaged.file(), damaged.range(), damaged.cause());
      case GuardEvent.Healed healed ->
          LOG.log(
              INFO,
              "{0}: {1} healed from {2}, in {3}",
              healed.file(),
              healed.range(),
              healed.source(),
              healed.place());
      case GuardEvent.Truncated cut ->
          LOG.log(
              WARNING, "{0}: shorter than {1} bytes now", cut.file(), "" + cut.sizeAtMapBytes());
    }
  }

  private static void record(GuardEvent event) {
    switch (event) {
      case GuardEvent.Damaged damaged -> Jfr.damaged(damaged);
      case GuardEvent.Healed healed -> Jfr.healed(healed);
      case GuardEvent.Truncated cut -> Jfr.truncated(cut);
    }
  }
}

package io.bezoar.health;

import io.bezoar.dax.Severity;
import java.time.Instant;
import java.util.Set;

/**
 * Which events are wanted.
 *
 * @param afterSequence only events with a greater number; 0 for all
 * @param since only events at or after this time
 * @param outcomes only failures with one of these outcomes; empty for every event
 */
public record EventQuery(long afterSequence, Instant since, Set<Severity> outcomes) {
  /** Every event. */
  public static final EventQuery ALL = new EventQuery(0, Instant.EPOCH, Set.of());

  /** Copies the set. */
  public EventQuery {
    outcomes = Set.copyOf(outcomes);
  }

  /** True when {@code event} is wanted. */
  public boolean matches(Event event) {
    return event.sequence() > afterSequence
        && !event.at().isBefore(since)
        && (outcomes.isEmpty()
            || (event instanceof Event.Failure failure && outcomes.contains(failure.outcome())));
  }
}

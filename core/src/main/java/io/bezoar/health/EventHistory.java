package io.bezoar.health;

import java.util.List;

/**
 * What the log still knows.
 *
 * @param events ascending by sequence
 * @param missed events that are known to have happened after {@link EventQuery#afterSequence()} and
 *     whose records were overwritten by later ones or damaged; whatever the other filters are,
 *     because nobody knows what they said
 */
public record EventHistory(List<Event> events, long missed) {
  /** Copies the list. */
  public EventHistory {
    events = List.copyOf(events);
  }
}

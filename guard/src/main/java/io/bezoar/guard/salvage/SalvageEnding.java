package io.bezoar.guard.salvage;

import io.bezoar.media.Presence;

/** How a rescue ended; whatever it was, destination and map are durable and agree. */
public sealed interface SalvageEnding {
  /** Everything was tried. What the map calls bad cannot be read. */
  record Finished() implements SalvageEnding {}

  /** Somebody asked for it to stop; the same rescue goes on where it was. */
  record Stopped() implements SalvageEnding {}

  /**
   * Bytes of the source are not there: it was cut, or is gone. They are absent, not bad, and the
   * map calls them untried.
   *
   * @param presence what was found in place of the source
   * @param detail what to do about it, for people
   */
  record SourceAbsent(Presence presence, String detail) implements SalvageEnding {}
}

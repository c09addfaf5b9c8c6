package io.bezoar.health;

import java.io.IOException;

/** Where a scrub keeps its place durably. */
public interface ScrubLedger {
  /** What was saved last. */
  ScrubRecord load();

  /** Replaces it, durably and atomically. */
  void save(ScrubRecord record) throws IOException;
}

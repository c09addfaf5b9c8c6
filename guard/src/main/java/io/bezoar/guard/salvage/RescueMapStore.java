package io.bezoar.guard.salvage;

import java.io.IOException;

/** Where a rescue keeps its map. */
@FunctionalInterface
public interface RescueMapStore {
  /**
   * Replaces the map that is kept, durably and as a whole: after a crash at any moment the old or
   * the new one is there.
   *
   * @throws IOException when it could not; the old one is kept then
   */
  void save(RescueMap map) throws IOException;
}

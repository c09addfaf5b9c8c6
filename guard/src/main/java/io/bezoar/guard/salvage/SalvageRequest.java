package io.bezoar.guard.salvage;

import java.nio.file.Path;
import java.util.List;

/**
 * What to rescue, and where to.
 *
 * @param source the file or block device that is read
 * @param destination the file that is made or gone on with, or a block device
 * @param map the mapfile that is made or gone on with
 * @param devices whether the destination may be a block device
 * @param remarks lines for people that head the map
 */
public record SalvageRequest(
    Path source, Path destination, Path map, Devices devices, List<String> remarks) {
  /** Whether a block device may be overwritten. */
  public enum Devices {
    /** A destination that is a block device is refused. */
    REFUSED,
    /** The user has said that what is on it may be overwritten. */
    OVERWRITTEN
  }

  /** The map's name where none is given: the destination's, with {@code .map} behind it. */
  public static Path mapOf(Path destination) {
    return destination.resolveSibling(destination.getFileName() + ".map");
  }
}

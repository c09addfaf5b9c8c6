package io.bezoar.cli.control;

import io.bezoar.nbd.SocketPlace;
import io.bezoar.pool.DeviceEntry;
import io.bezoar.pool.Pool;
import io.bezoar.pool.PoolLabel;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashSet;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;

/**
 * Finds the process that has a pool, by whichever of its devices is named: it listens beside the
 * one by which it opened the pool, and beside all others that it can.
 *
 * <p>A device that was away may have a label that is out of date, and name files that are another
 * pool's by now. So whoever answers must say that it has this pool.
 */
final class HolderSearch {
  private HolderSearch() {}

  /** Connects to the process that has the pool; empty when none answers. */
  static Optional<ControlClient> connect(Path device, Duration patience) throws IOException {
    Optional<UUID> pool = Pool.peek(device).map(PoolLabel::uuid);
    for (Path socket : sockets(device)) {
      Optional<ControlClient> holder = ControlClient.connect(socket, patience);
      if (holder.isPresent()) {
        if (pool.isEmpty() || holder.get().hasPool(pool.get())) {
          return holder;
        }
        holder.get().close();
      }
    }
    return Optional.empty();
  }

  private static Set<Path> sockets(Path device) throws IOException {
    Set<Path> sockets = new LinkedHashSet<>();
    sockets.add(beside(device, ".ctl"));
    Optional<PoolLabel> label = Pool.peek(device);
    if (label.isPresent()) {
      for (DeviceEntry entry : label.get().config().devices()) {
        // In a pool of one that was made by an earlier version, it was not noted.
        if (!entry.path().isEmpty()) {
          sockets.add(beside(Path.of(entry.path()), ".ctl"));
        }
      }
    }
    return sockets;
  }

  /** Where the socket {@code suffix} of a device stands, whether the device is there or not. */
  static Path beside(Path device, String suffix) throws IOException {
    Path real = PoolAccess.realPath(device);
    return SocketPlace.choose(real.resolveSibling(real.getFileName() + suffix));
  }
}

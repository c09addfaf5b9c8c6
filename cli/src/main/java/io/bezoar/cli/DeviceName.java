package io.bezoar.cli;

import io.bezoar.cli.control.PoolAccess;
import io.bezoar.pool.Pool;
import io.bezoar.pool.PoolLabel;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What people call a device, as it is sent to the process that has the pool. */
final class DeviceName {
  private DeviceName() {}

  /**
   * A path is sent as a whole one, because that process may have been started in another folder; a
   * number, a bare file name or the beginning of a uuid is sent as it is.
   */
  static @Nullable String sent(@Nullable String said, Path pool) {
    if (said == null) {
      return null;
    }
    try {
      Path path = PoolAccess.realPath(Path.of(said));
      return said.contains("/") || isDeviceOf(path, pool) ? path.toString() : said;
    } catch (InvalidPathException notOne) {
      return said;
    }
  }

  private static boolean isDeviceOf(Path path, Path pool) {
    Optional<PoolLabel> label = Pool.peek(pool);
    return label.isPresent()
        && label.get().config().devices().stream()
            .anyMatch(entry -> entry.path().equals(path.toString()));
  }
}

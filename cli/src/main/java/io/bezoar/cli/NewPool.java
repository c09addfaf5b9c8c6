package io.bezoar.cli;

import io.bezoar.fs.NewFile;
import io.bezoar.media.Allocation;
import io.bezoar.media.MediaChoice;
import io.bezoar.pool.Pool;
import io.bezoar.pool.PoolLabel;
import io.bezoar.pool.PoolOptions;
import io.bezoar.pool.PoolSpec;
import io.bezoar.pool.Redundancy;
import io.bezoar.pool.StackDraft;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;

/** Makes pools for {@code create} and {@code serve}. */
final class NewPool {
  private NewPool() {}

  static Redundancy redundancy(Parity parity) {
    return parity.columns() == 0 ? Redundancy.NONE : Redundancy.ofColumns(parity.columns());
  }

  /** A root directory of whoever makes the pool. */
  static NewFile root() throws IOException {
    Path self = Path.of("/proc/self");
    return new NewFile(
        0755,
        (int) Files.getAttribute(self, "unix:uid"),
        (int) Files.getAttribute(self, "unix:gid"));
  }

  static void make(
      Path path,
      long sizeBytes,
      Parity parity,
      Allocation allocation,
      PoolLabel.Drill drill,
      MediaChoice choice)
      throws IOException {
    PoolOptions options =
        PoolOptions.of(PoolOptions.Intent.WORK, choice, InstantSource.system(), () -> false);
    Pool.create(path, new PoolSpec(sizeBytes, redundancy(parity), allocation, drill), options);
  }

  static void make(StackDraft draft, PoolSpec spec, MediaChoice choice) throws IOException {
    PoolOptions options =
        PoolOptions.of(PoolOptions.Intent.WORK, choice, InstantSource.system(), () -> false);
    Pool.create(draft, spec, options);
  }
}

package io.bezoar.cli;

import io.bezoar.cli.control.PoolAccess;
import io.bezoar.media.Allocation;
import io.bezoar.pool.NewDevice;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** How a new device of a pool is made. */
final class NewDeviceOptions {
  @Option(
      names = "--size",
      paramLabel = "SIZE",
      converter = Sizes.class,
      description = "Size of NEW. Default: that of the device beside which it stands.")
  private @Nullable Long sizeBytes;

  @Option(
      names = "--parity",
      paramLabel = "N",
      converter = Parity.Converter.class,
      description = "Redundancy of NEW, see create. Default: that of the other device.")
  private @Nullable Parity parity;

  @Option(names = "--sparse", description = "NEW takes space as it is written.")
  private boolean sparse;

  /** Whether something was said of a new device. */
  boolean isUsed() {
    return sizeBytes != null || parity != null || sparse;
  }

  NewDevice at(Path path) {
    Long size = sizeBytes;
    Parity columns = parity;
    return new NewDevice(
        PoolAccess.realPath(path),
        size == null ? -1 : size,
        columns == null ? null : NewPool.redundancy(columns),
        sparse ? Allocation.SPARSE : Allocation.PREALLOCATED);
  }
}

package io.bezoar.cli;

import io.bezoar.cli.control.PoolRef;
import io.bezoar.pool.PoolOptions;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** How the other devices of a pool are found, when this process opens it. */
final class PoolWay {
  @Option(
      names = "--search",
      paramLabel = "DIR",
      description =
          "Look for the pool's other devices in this folder, too, besides where they were and where"
              + " POOL lies. Can be given more than once.")
  private List<Path> searchIn = List.of();

  @Option(
      names = "--partial",
      description = "Go on with what is there, when part of the pool is missing.")
  private boolean partial;

  PoolRef of(Path path) {
    return preferring(path, null);
  }

  /** As above, with one device's word for what is right. */
  PoolRef preferring(Path path, @Nullable String device) {
    return new PoolRef(
        path, partial ? PoolOptions.Missing.ALLOW : PoolOptions.Missing.REFUSE, searchIn, device);
  }
}

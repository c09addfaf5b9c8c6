package io.bezoar.cli;

import io.bezoar.cli.control.PoolRef;
import java.nio.file.Path;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** The pool that a command is about. */
final class PoolArgument {
  /** What {@code serve} makes when nobody names a pool. */
  static final String DEFAULT = "bezoar.pool";

  @Parameters(
      index = "0",
      paramLabel = "POOL",
      defaultValue = DEFAULT,
      description =
          "The pool: its file, or any one of its devices; ${DEFAULT-VALUE} if it is left out.")
  Path path;

  @Mixin private PoolWay way;

  PoolRef ref() {
    return way.of(path);
  }
}

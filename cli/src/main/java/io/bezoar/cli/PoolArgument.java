package io.bezoar.cli;

import java.nio.file.Path;
import picocli.CommandLine.Parameters;

/** The pool that a command is about. */
final class PoolArgument {
  /** What {@code serve} makes when nobody names a pool. */
  static final String DEFAULT = "bezoar.pool";

  @Parameters(
      index = "0",
      paramLabel = "POOL",
      defaultValue = DEFAULT,
      description = "The pool's file; ${DEFAULT-VALUE} if it is left out.")
  Path path;
}

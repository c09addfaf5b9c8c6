package io.bezoar.cli;

import io.bezoar.cli.control.PoolAccess;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * A file in a pool as people write it: {@code POOL:/path}, or {@code POOL:} for everything in it.
 * The first {@code ":/"} is where the pool's name ends; but where there is nothing of this name,
 * and a directory with a colon at the end of its own, a file in that directory is meant.
 *
 * @param pool any one of its devices
 * @param path an absolute path in it
 */
record PoolPath(Path pool, String path) {
  /** Reads one; empty when it names no pool. */
  static Optional<PoolPath> of(String text) {
    int colon = text.indexOf(":/");
    if (colon < 0 && text.endsWith(":")) {
      colon = text.length() - 1;
    }
    if (colon <= 0) {
      return Optional.empty();
    }
    String path = text.substring(colon + 1);
    try {
      Path pool = Path.of(text.substring(0, colon));
      if (!Files.exists(pool) && Files.isDirectory(Path.of(text.substring(0, colon + 1)))) {
        return Optional.empty();
      }
      return Optional.of(new PoolPath(pool, path.isEmpty() ? "/" : path));
    } catch (InvalidPathException e) {
      throw new TypeConversionException("'" + text + "' is no path");
    }
  }

  /** True when it names this pool by the same device. */
  boolean isIn(Path other) {
    return PoolAccess.realPath(pool).equals(PoolAccess.realPath(other));
  }

  /** As it is written. */
  String text() {
    return pool + ":" + path;
  }

  /** For arguments that cannot be anything else. */
  static final class Converter implements ITypeConverter<PoolPath> {
    @Override
    public PoolPath convert(String text) {
      if (text.startsWith("-")) {
        throw new TypeConversionException("Unknown option: '" + text + "'");
      }
      return of(text)
          .orElseThrow(
              () ->
                  new TypeConversionException(
                      "'" + text + "' names no file in a pool: write POOL:/path"));
    }
  }
}

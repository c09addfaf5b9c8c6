package io.bezoar.cli;

import java.nio.file.Path;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** A pool as a whole; {@code POOL:} and {@code POOL:/} mean the same. */
final class PoolName implements ITypeConverter<Path> {
  @Override
  public Path convert(String text) {
    return PoolPath.of(text)
        .map(
            inPool -> {
              if (!inPool.path().equals("/")) {
                throw new TypeConversionException(
                    "'" + text + "' is a file in a pool: name the pool alone");
              }
              return inPool.pool();
            })
        .orElseGet(() -> Path.of(text));
  }
}

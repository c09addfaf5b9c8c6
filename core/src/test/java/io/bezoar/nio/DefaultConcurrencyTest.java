package io.bezoar.nio;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;

/** The contract, as the default provider fulfils it. */
class DefaultConcurrencyTest extends ConcurrencyContract {
  @TempDir private Path folder = Path.of("");

  @Override
  Path newRoot() throws IOException {
    return Files.createTempDirectory(folder, "root");
  }
}

package io.bezoar.nio;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.io.TempDir;

/** The contract, as the default provider fulfils it. */
class DefaultFilesTest extends FilesContract {
  @TempDir private Path folder = Path.of("");
  private final PoolRig other;

  DefaultFilesTest() throws IOException {
    other = PoolRig.create(8);
  }

  @AfterEach
  void close() throws IOException {
    other.close();
  }

  @Override
  Path newRoot() throws IOException {
    return Files.createTempDirectory(folder, "root");
  }

  @Override
  Path otherProvidersPath() {
    return other.root();
  }
}

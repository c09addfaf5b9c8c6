package io.bezoar.nio;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;

/** The contract, in a pool. */
class PoolAttributesTest extends AttributesContract {
  private final PoolRig rig;

  PoolAttributesTest() throws IOException {
    rig = PoolRig.create(32);
  }

  @AfterEach
  void close() throws IOException {
    rig.close();
  }

  @Override
  Path newRoot() throws IOException {
    return Files.createDirectory(rig.root().resolve("root"));
  }
}

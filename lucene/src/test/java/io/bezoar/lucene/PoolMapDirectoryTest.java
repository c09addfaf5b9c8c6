package io.bezoar.lucene;

import java.io.IOException;
import java.nio.file.Path;
import org.apache.lucene.store.Directory;
import org.apache.lucene.store.MMapDirectory;

/** {@link MMapDirectory} in a pool. */
public class PoolMapDirectoryTest extends PoolDirectoryContract {
  @Override
  Directory open(Path inPool) throws IOException {
    return new MMapDirectory(inPool);
  }
}

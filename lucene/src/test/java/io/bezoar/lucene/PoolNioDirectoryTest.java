package io.bezoar.lucene;

import java.io.IOException;
import java.nio.file.Path;
import org.apache.lucene.store.Directory;
import org.apache.lucene.store.NIOFSDirectory;

/** {@link NIOFSDirectory} in a pool. */
public class PoolNioDirectoryTest extends PoolDirectoryContract {
  @Override
  Directory open(Path inPool) throws IOException {
    return new NIOFSDirectory(inPool);
  }
}

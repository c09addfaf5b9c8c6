package io.bezoar.lucene;

import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.lucene.store.Directory;
import org.apache.lucene.tests.store.BaseDirectoryTestCase;
import org.apache.lucene.tests.util.LuceneTestCase.SuppressFileSystems;
import org.jspecify.annotations.Nullable;
import org.junit.AfterClass;
import org.junit.BeforeClass;

/** Lucene's own contract of a directory, for one that lies in a pool. */
@SuppressFileSystems("*") // the pool is a real file
public abstract class PoolDirectoryContract extends BaseDirectoryTestCase {
  private static final long POOL_BYTES = 512L << 20;
  private static @Nullable FileSystem pool;

  /** Makes the pool. */
  @BeforeClass
  public static void createPool() throws IOException {
    pool = PoolOfFiles.create(createTempDir("pool"), POOL_BYTES);
  }

  /** Closes it. */
  @AfterClass
  public static void closePool() throws IOException {
    FileSystem open = pool;
    pool = null;
    if (open != null) {
      open.close();
    }
  }

  /** The directory to be tested, at a path in the pool. */
  abstract Directory open(Path inPool) throws IOException;

  @Override
  protected final Directory getDirectory(Path folder) throws IOException {
    return open(Files.createDirectories(inPool(folder)));
  }

  /** The same path in the pool. */
  static Path inPool(Path outside) {
    FileSystem open = pool;
    if (open == null) {
      throw new IllegalStateException("there is no pool");
    }
    return open.getPath(outside.toString());
  }

  /** The original reaches into the folder past the directory: here, past the pool. */
  @Override
  public void testFsyncDoesntCreateNewFiles() throws Exception {
    Path folder = createTempDir("nocreate");
    try (Directory directory = getDirectory(folder)) {
      try (org.apache.lucene.store.IndexOutput out =
          directory.createOutput("afile", newIOContext(random()))) {
        out.writeString("boo");
      }
      Files.delete(inPool(folder).resolve("afile"));
      expectThrows(
          IOException.class, () -> directory.sync(java.util.Collections.singleton("afile")));
      assertFalse(Files.exists(inPool(folder).resolve("afile")));
    }
  }

  /** The original deletes until a virus scanner, of Lucene's own file system, refuses once. */
  @Override
  public void testPendingDeletions() {
    assumeTrue("there is no virus scanner in a pool", false);
  }
}

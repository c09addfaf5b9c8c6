package io.bezoar.lucene;

import io.bezoar.fs.FileType;
import io.bezoar.fs.NewFile;
import io.bezoar.media.Allocation;
import io.bezoar.pool.Pool;
import io.bezoar.pool.PoolLabel;
import io.bezoar.pool.PoolOptions;
import io.bezoar.pool.PoolSpec;
import io.bezoar.pool.Redundancy;
import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Path;

/** A pool for tests, as a file system. */
final class PoolOfFiles {
  private PoolOfFiles() {}

  /** Makes a pool in {@code folder} and opens it. */
  static FileSystem create(Path folder, long sizeBytes) throws IOException {
    Path pool = folder.resolve("index.pool");
    PoolSpec spec =
        new PoolSpec(sizeBytes, Redundancy.DEFAULT, Allocation.SPARSE, PoolLabel.Drill.FORBIDDEN);
    Pool.create(
        pool,
        spec.withFilesystem(NewFile.standard(FileType.DIRECTORY)),
        PoolOptions.of(PoolOptions.Intent.WORK));
    return FileSystems.newFileSystem(pool);
  }
}

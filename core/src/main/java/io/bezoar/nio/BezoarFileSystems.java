package io.bezoar.nio;

import io.bezoar.fs.Filesystem;
import io.bezoar.pool.Pool;
import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.Path;
import java.nio.file.spi.FileSystemProvider;

/**
 * File systems of pools that are open already. Others are opened with {@link
 * java.nio.file.FileSystems#newFileSystem(Path)}.
 *
 * <p>Thread-safe.
 */
public final class BezoarFileSystems {
  private BezoarFileSystems() {}

  /**
   * The files of an open pool. Closing the file system closes its channels and leaves the pool
   * open; close it before the pool.
   *
   * @throws java.nio.file.FileSystemAlreadyExistsException when there is one of this pool
   * @throws io.bezoar.media.MediaOpenException when the pool holds no files
   */
  public static FileSystem of(Pool pool) throws IOException {
    return of(pool.path(), pool.filesystem());
  }

  /**
   * The files of an open filesystem. Closing the file system closes its channels and leaves the
   * filesystem open; close it before the filesystem.
   *
   * @param name the path of the pool, which stands in URIs and is its key in this process; there
   *     need not be such a file
   * @throws java.nio.file.FileSystemAlreadyExistsException when there is one of this name
   */
  public static FileSystem of(Path name, Filesystem files) {
    return OpenPools.ALL.add(provider(), name, files);
  }

  /** The installed one; where another class loader loaded these classes, one of its own. */
  private static BezoarFileSystemProvider provider() {
    for (FileSystemProvider installed : FileSystemProvider.installedProviders()) {
      if (installed instanceof BezoarFileSystemProvider ours) {
        return ours;
      }
    }
    return Own.PROVIDER;
  }

  private static final class Own {
    static final BezoarFileSystemProvider PROVIDER = new BezoarFileSystemProvider();
  }
}

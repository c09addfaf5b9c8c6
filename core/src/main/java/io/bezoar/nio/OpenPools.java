package io.bezoar.nio;

import io.bezoar.fs.Filesystem;
import io.bezoar.media.MediaOpenException;
import io.bezoar.pool.Pool;
import io.bezoar.pool.PoolOptions;
import java.io.IOException;
import java.nio.file.FileSystemAlreadyExistsException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The pools that this process has open as file systems, by their real paths: one each.
 *
 * <p>A pool is in the table from before it is opened until it is closed, so that nobody opens it
 * twice; while it is being opened or closed there is nothing to be had of it. Thread-safe: the
 * table is guarded by itself, and nothing else is done with that lock held.
 */
final class OpenPools {
  private static final System.Logger LOG = System.getLogger(OpenPools.class.getName());

  static final OpenPools ALL = new OpenPools();

  /** Null for one that is being opened. */
  private final Map<Path, @Nullable PoolFileSystem> open = new HashMap<>();

  /** One path for all ways to write it. */
  static Path key(Path pool) {
    try {
      return pool.toRealPath();
    } catch (IOException notThere) {
      return pool.toAbsolutePath().normalize();
    }
  }

  @Nullable PoolFileSystem find(Path pool) {
    Path key = key(pool);
    synchronized (open) {
      PoolFileSystem found = open.get(key);
      return found != null && found.isOpen() ? found : null;
    }
  }

  private void reserve(Path key) {
    synchronized (open) {
      PoolFileSystem before = open.get(key);
      boolean abandoned = before != null && !before.files().isOpen();
      if (open.containsKey(key) && !abandoned) {
        throw new FileSystemAlreadyExistsException(
            key + " is open in this process: use getFileSystem");
      }
      open.put(key, null);
    }
  }

  private void put(Path key, PoolFileSystem fs) {
    synchronized (open) {
      open.put(key, fs);
    }
  }

  private void remove(Path key, @Nullable PoolFileSystem fs) {
    synchronized (open) {
      if (open.get(key) == fs) {
        open.remove(key);
      }
    }
  }

  /**
   * Opens a pool.
   *
   * @throws FileSystemAlreadyExistsException when it is open as a file system already
   * @throws MediaOpenException when it cannot be opened, or holds no files
   */
  PoolFileSystem open(BezoarFileSystemProvider provider, Path path, PoolFileSystem.Access access)
      throws IOException {
    Path key = key(path);
    reserve(key);
    boolean done = false;
    try {
      PoolFileSystem fs = openPool(provider, key, access);
      put(key, fs);
      done = true;
      return fs;
    } finally {
      if (!done) {
        remove(key, null);
      }
    }
  }

  private PoolFileSystem openPool(
      BezoarFileSystemProvider provider, Path key, PoolFileSystem.Access access)
      throws IOException {
    PoolOptions.Intent intent =
        access == PoolFileSystem.Access.READ_ONLY
            ? PoolOptions.Intent.LOOK
            : PoolOptions.Intent.WORK;
    Pool pool = Pool.open(key, PoolOptions.of(intent));
    try {
      Filesystem files = pool.filesystem();
      // Java's interfaces have no place for it.
      files.notes().forEach(note -> LOG.log(System.Logger.Level.WARNING, "{0}: {1}", key, note));
      PoolFileSystem[] made = new PoolFileSystem[1];
      made[0] =
          new PoolFileSystem(
              provider,
              key,
              files,
              files.isWritable() ? access : PoolFileSystem.Access.READ_ONLY,
              () -> {
                try {
                  pool.close();
                } finally {
                  remove(key, made[0]);
                }
              });
      return made[0];
    } catch (IOException | RuntimeException e) {
      try (pool) {
        throw e;
      }
    }
  }

  /**
   * Makes an open filesystem one of these; closing it leaves the filesystem open.
   *
   * @throws FileSystemAlreadyExistsException when there is one of this path
   */
  PoolFileSystem add(BezoarFileSystemProvider provider, Path path, Filesystem files) {
    Path key = key(path);
    reserve(key);
    PoolFileSystem[] made = new PoolFileSystem[1];
    made[0] =
        new PoolFileSystem(
            provider,
            key,
            files,
            files.isWritable() ? PoolFileSystem.Access.READ_WRITE : PoolFileSystem.Access.READ_ONLY,
            () -> remove(key, made[0]));
    put(key, made[0]);
    return made[0];
  }
}

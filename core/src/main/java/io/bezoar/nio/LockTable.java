package io.bezoar.nio;

import io.bezoar.fs.FileId;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.stream.Stream;

/**
 * Who has locked what. A pool is open in one process at a time, so there is nobody else to lock
 * against, and nobody ever waits: within a process, overlapping locks are an error. Thread-safe.
 */
final class LockTable {
  private final ConcurrentMap<FileId, List<FileLock>> locks = new ConcurrentHashMap<>();

  /**
   * Adds a lock.
   *
   * @throws OverlappingFileLockException when one is held, by any channel, that overlaps it
   */
  void add(FileId file, FileLock lock) {
    locks.compute(
        file,
        (_, held) -> {
          if (held == null) {
            return List.of(lock);
          }
          if (held.stream().anyMatch(other -> other.overlaps(lock.position(), lock.size()))) {
            throw new OverlappingFileLockException();
          }
          return Stream.concat(held.stream(), Stream.of(lock)).toList();
        });
  }

  void remove(FileId file, FileLock lock) {
    locks.computeIfPresent(
        file,
        (_, held) -> {
          List<FileLock> left = held.stream().filter(other -> !other.equals(lock)).toList();
          return left.isEmpty() ? null : left;
        });
  }

  /** Takes away all locks that a channel holds. */
  void removeAll(FileId file, PoolFileChannel channel) {
    locks.computeIfPresent(
        file,
        (_, held) -> {
          List<FileLock> left =
              held.stream().filter(other -> other.acquiredBy() != channel).toList();
          return left.isEmpty() ? null : left;
        });
  }
}

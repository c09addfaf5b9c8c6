package io.bezoar.pool;

import io.bezoar.fs.FileType;
import io.bezoar.fs.NewFile;
import io.bezoar.media.Allocation;

/**
 * A pool to be made.
 *
 * @param sizeBytes of the file, whole pages
 * @param redundancy how its content is protected
 * @param allocation whether its space is taken now
 * @param drill whether its media may be made to go bad on purpose
 * @param content what the volume shall hold
 * @param root mode and owner of the root directory of a filesystem
 */
public record PoolSpec(
    long sizeBytes,
    Redundancy redundancy,
    Allocation allocation,
    PoolLabel.Drill drill,
    PoolLabel.Content content,
    NewFile root) {
  /** What a pool has when nobody says otherwise. */
  public static final PoolSpec DEFAULT =
      new PoolSpec(
          1L << 30, Redundancy.DEFAULT, Allocation.PREALLOCATED, PoolLabel.Drill.FORBIDDEN);

  /** A raw volume. */
  public PoolSpec(
      long sizeBytes, Redundancy redundancy, Allocation allocation, PoolLabel.Drill drill) {
    this(
        sizeBytes,
        redundancy,
        allocation,
        drill,
        PoolLabel.Content.RAW,
        NewFile.standard(FileType.DIRECTORY));
  }

  /** The same, for files. */
  public PoolSpec withFilesystem(NewFile newRoot) {
    return new PoolSpec(sizeBytes, redundancy, allocation, drill, PoolLabel.Content.FS, newRoot);
  }
}

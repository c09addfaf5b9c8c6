package io.bezoar.pool;

import io.bezoar.media.Allocation;

/**
 * A pool to be made.
 *
 * @param sizeBytes of the file, whole pages
 * @param redundancy how its content is protected
 * @param allocation whether its space is taken now
 * @param drill whether its media may be made to go bad on purpose
 */
public record PoolSpec(
    long sizeBytes, Redundancy redundancy, Allocation allocation, PoolLabel.Drill drill) {
  /** What a pool has when nobody says otherwise. */
  public static final PoolSpec DEFAULT =
      new PoolSpec(
          1L << 30, Redundancy.DEFAULT, Allocation.PREALLOCATED, PoolLabel.Drill.FORBIDDEN);
}

package io.bezoar.tree;

import java.util.concurrent.Executor;

/**
 * How a forest is opened.
 *
 * @param cacheBytes memory for nodes that were read or written lately, at least 64 KiB
 * @param dirtyBytes memory for changes that wait to be committed: a transaction that makes more is
 *     stored in part before it is committed; at least 64 KiB
 * @param executor makes the commits that {@link Transaction#commit} asks for, and rewrites bad
 *     copies of nodes; may run its tasks in the calling thread
 */
public record ForestOptions(long cacheBytes, long dirtyBytes, Executor executor) {
  private static final long BYTES_MIN = 64 << 10;

  /** Checks the sizes. */
  public ForestOptions {
    if (cacheBytes < BYTES_MIN || dirtyBytes < BYTES_MIN) {
      throw new IllegalArgumentException(
          "a forest needs "
              + BYTES_MIN
              + " bytes at least for each: cache "
              + cacheBytes
              + ", changes "
              + dirtyBytes);
    }
  }

  /** 64 MiB for the cache, 32 MiB for changes. */
  public static ForestOptions with(Executor executor) {
    return new ForestOptions(64L << 20, 32L << 20, executor);
  }
}

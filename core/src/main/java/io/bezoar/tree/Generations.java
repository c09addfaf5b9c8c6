package io.bezoar.tree;

/**
 * The numbers that tell one writing of a node from every other: the commit that it belongs to, and
 * a count within that commit. No two nodes ever have the same one, so that an older node found in
 * its place is known for what it is.
 */
final class Generations {
  private static final int COUNT_BITS = 24;

  /** Most nodes that one commit can write: 64 GiB of them. */
  static final int NODES_PER_COMMIT_MAX = 1 << COUNT_BITS;

  private Generations() {}

  static long of(long commit, int count) {
    if (count >= NODES_PER_COMMIT_MAX) {
      throw new IllegalStateException(
          "more than " + NODES_PER_COMMIT_MAX + " nodes in one commit: commit more often");
    }
    return commit << COUNT_BITS | count;
  }

  /** The commit that a node was written by. */
  static long commitOf(long generation) {
    return generation >>> COUNT_BITS;
  }
}

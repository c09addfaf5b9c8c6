package io.bezoar.tree;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What transactions that have been applied leave for the next commit. Guarded by the right to write
 * until it is taken, and then the committer's own.
 */
final class Gathering {
  final long commit;

  /** By id; of the forest's own trees these are not the newest. */
  List<TreeRoot> roots;

  final Extents allocated = new Extents();
  final Extents freed = new Extents();

  /** Nodes that another commit was still writing when they were replaced. */
  final List<Node> replaced = new ArrayList<>();

  /** Groups of pages in which something was allocated or freed. */
  final BitSet groups = new BitSet();

  /** Commits of holds to be released. */
  final List<Long> releases = new ArrayList<>();

  /** Runs of pages freed that a hold may have. */
  long olderFreed;

  /** Nodes in memory that have no place yet. */
  long dirtyNodes;

  /** Numbers given to nodes of this commit. */
  int numbers;

  /** Name of the hold to be made of exactly this state. */
  @Nullable String hold;

  /** Number of the last transaction in it. */
  long ticket;

  /** Data pages freed by transactions that were applied. */
  final ExtentSet dataFreed = new ExtentSet();

  /** How many entries of released holds are to be taken apart. */
  int pruned;

  /** What is in use in the commit before, when the tree that says so is to be made anew. */
  @Nullable Rebuilt rebuilt;

  Gathering(long commit, List<TreeRoot> roots, long ticket) {
    this.commit = commit;
    this.roots = roots;
    this.ticket = ticket;
  }

  boolean changes(List<TreeRoot> durable) {
    return !allocated.isEmpty()
        || !freed.isEmpty()
        || !replaced.isEmpty()
        || !releases.isEmpty()
        || hold != null
        || roots.size() != durable.size()
        || dirtyNodes > 0;
  }

  long nextGeneration() {
    return Generations.of(commit, numbers++);
  }
}

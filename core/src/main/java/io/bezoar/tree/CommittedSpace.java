package io.bezoar.tree;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * Which pages the newest durable commit has in use: what its space tree says, or, while that is
 * made anew, what was worked out instead.
 */
final class CommittedSpace implements PageAllocator.Committed {
  private final String forest;
  private final NodeStore store;
  private final Readers readers;
  private volatile @Nullable Rebuilt instead;

  CommittedSpace(String forest, NodeStore store, Readers readers) {
    this.forest = forest;
    this.store = store;
    this.readers = readers;
  }

  /** What was worked out, while the tree is made anew. */
  @Nullable Rebuilt rebuilt() {
    return instead;
  }

  /** From now on says what was worked out; or, with null, what the tree says. */
  void sayInstead(@Nullable Rebuilt rebuilt) {
    instead = rebuilt;
  }

  /**
   * Bits of a group.
   *
   * @throws TreeDamagedException when that part of the tree is lost
   */
  @Override
  public long[] group(int group) throws IOException {
    Rebuilt rebuilt = instead;
    if (rebuilt != null) {
      return rebuilt.group(group);
    }
    TreeRoot space = readers.durable().root().trees().get(SystemTrees.SPACE);
    try {
      return Committer.spaceOf(store, space, group);
    } catch (UnreadableNodeException lost) {
      throw TreeReads.damage(forest, store, space, SpaceLayout.key(group), lost);
    }
  }
}

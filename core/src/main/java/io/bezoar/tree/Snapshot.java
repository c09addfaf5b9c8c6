package io.bezoar.tree;

import java.io.IOException;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * The forest as it was after one transaction: unchanging, whatever is committed meanwhile. Takes no
 * lock and waits for nobody. While it is open, no page that it can reach is used again, so close it
 * soon. Thread-safe.
 */
public final class Snapshot implements View, AutoCloseable {
  private final String device;
  private final NodeStore store;
  private final List<TreeRoot> roots;
  private final long commit;
  private final Runnable unpin;
  private final AtomicBoolean closed = new AtomicBoolean();

  Snapshot(String device, NodeStore store, List<TreeRoot> roots, long commit, Runnable unpin) {
    this.device = device;
    this.store = store;
    this.roots = roots;
    this.commit = commit;
    this.unpin = unpin;
  }

  /**
   * A commit that this includes as a whole: the newest durable one when it was taken, or the one
   * that a hold keeps. Later transactions that were not durable by then may be included too.
   */
  public long commit() {
    return commit;
  }

  @Override
  public byte @Nullable [] get(Tree tree, byte[] key) throws IOException {
    TreeRoot root = root(tree);
    try {
      return TreeReads.get(store, root, key);
    } catch (UnreadableNodeException lost) {
      throw TreeReads.damage(device, store, root, key, lost);
    }
  }

  @Override
  public boolean contains(Tree tree, byte[] key) throws IOException {
    TreeRoot root = root(tree);
    try {
      return TreeReads.contains(store, root, key);
    } catch (UnreadableNodeException lost) {
      throw TreeReads.damage(device, store, root, key, lost);
    }
  }

  @Override
  public Cursor cursor(Tree tree) {
    TreeRoot root = root(tree);
    return new Cursor(device, store, () -> root, () -> closed.get() ? 1 : 0);
  }

  TreeRoot root(Tree tree) {
    if (closed.get()) {
      throw new IllegalStateException("the snapshot is closed");
    }
    if (tree.id() < SystemTrees.COUNT) {
      throw new IllegalArgumentException("no tree of this forest's users: " + tree);
    }
    // A tree that was made later is empty here.
    return tree.id() < roots.size() ? roots.get(tree.id()) : TreeRoot.empty(tree.id(), tree.name());
  }

  List<TreeRoot> roots() {
    return roots;
  }

  /** Lets go of the pages. Idempotent. */
  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      unpin.run();
    }
  }
}

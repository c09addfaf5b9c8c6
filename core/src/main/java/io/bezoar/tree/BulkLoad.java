package io.bezoar.tree;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Builds a tree from the bottom up, out of entries in ascending order. Nodes are filled to the brim
 * and stored in runs, so that neighbours in the tree are neighbours on the device. Used by the
 * thread that has the transaction.
 */
public final class BulkLoad {
  private static final byte[] LEAST = {};

  private final Transaction transaction;
  private final TreeRoot root;
  private final List<Level> levels = new ArrayList<>();
  private final List<Node> waiting = new ArrayList<>();
  private byte @Nullable [] lastKey;
  private boolean finished;

  /** The node under construction on one level. */
  private static final class Level {
    Node node;

    /** The least key that the node may hold: what its parent will say. */
    byte[] low;

    Level(Node node, byte[] low) {
      this.node = node;
      this.low = low;
    }
  }

  BulkLoad(Transaction transaction, TreeRoot root) {
    this.transaction = transaction;
    this.root = root;
  }

  /**
   * Adds an entry.
   *
   * @param key greater than the one before
   * @throws IllegalArgumentException when the key is not, or either is longer than a {@link Tree}
   *     takes
   * @throws ForestFullException when there is no room; the transaction is to be aborted
   */
  public void add(byte[] key, byte[] value) throws IOException {
    if (finished) {
      throw new IllegalStateException("the load is finished");
    }
    byte[] before = lastKey;
    if ((before != null && Arrays.compareUnsigned(before, key) >= 0)
        || key.length > Tree.KEY_BYTES_MAX
        || value.length > Tree.VALUE_BYTES_MAX) {
      throw new IllegalArgumentException(
          "key of "
              + key.length
              + " and value of "
              + value.length
              + " bytes: not in ascending order, or too long");
    }
    if (levels.isEmpty()) {
      levels.add(new Level(transaction.newNode(root.id(), 0), LEAST));
    }
    Level leaf = levels.getFirst();
    if (!NodeLayout.fits(leaf.node.page, key.length, value.length)) {
      byte[] low = before == null ? LEAST : TreeEdit.separator(before, key);
      close(0, low);
      leaf = levels.getFirst();
    }
    NodeLayout.insert(leaf.node.page, leaf.node.count(), key, value);
    lastKey = key.clone();
  }

  /** Stores the node of a level, and begins the next one, whose least key is {@code nextLow}. */
  private void close(int level, byte[] nextLow) throws IOException {
    Level full = levels.get(level);
    Ref ref = store(full.node);
    addToParent(level, ref, full.low);
    full.node = transaction.newNode(root.id(), level);
    full.low = nextLow;
  }

  private void addToParent(int level, Ref ref, byte[] low) throws IOException {
    if (levels.size() == level + 1) {
      levels.add(new Level(transaction.newNode(root.id(), level + 1), low));
    }
    Level parent = levels.get(level + 1);
    if (!NodeLayout.fits(parent.node.page, low.length, NodeLayout.REF_BYTES)) {
      close(level + 1, low);
      parent = levels.get(level + 1);
    }
    int i = parent.node.count();
    NodeLayout.insert(parent.node.page, i, i == 0 ? LEAST : low, new byte[NodeLayout.REF_BYTES]);
    NodeLayout.setRef(parent.node.page, i, ref);
  }

  private Ref store(Node node) throws IOException {
    transaction.requireRoom(levels.size() + 1L, 0);
    Ref ref = transaction.place();
    node.placed = ref;
    waiting.add(node);
    if (waiting.size() == PageIo.RUN_PAGES) {
      flush();
    }
    return ref;
  }

  private void flush() throws IOException {
    transaction.storeNodes(waiting);
    waiting.clear();
  }

  /** Ends the load: the transaction sees the entries. */
  public void finish() throws IOException {
    if (finished) {
      throw new IllegalStateException("the load is finished");
    }
    finished = true;
    if (levels.isEmpty()) {
      return;
    }
    Ref top = Ref.NONE;
    for (int level = 0; level < levels.size(); level++) {
      Level last = levels.get(level);
      boolean isTop = level == levels.size() - 1;
      top = store(last.node);
      if (!isTop) {
        addToParent(level, top, last.low);
      }
    }
    flush();
    transaction.loaded(root.withRef(top, levels.size()));
  }
}

package io.bezoar.tree;

import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** Look-ups in one state of a tree. */
final class TreeReads {
  private TreeReads() {}

  /** The leaf that holds, or would hold, a key; null in an empty tree. */
  private static @Nullable Node leaf(NodeStore store, TreeRoot root, byte[] key)
      throws IOException {
    if (root.isEmpty()) {
      return null;
    }
    Node node = store.root(root);
    while (node.level > 0) {
      node = store.child(node, NodeLayout.childIndex(node.page, key));
    }
    return node;
  }

  static byte @Nullable [] get(NodeStore store, TreeRoot root, byte[] key) throws IOException {
    Node leaf = leaf(store, root, key);
    if (leaf == null) {
      return null;
    }
    int i = NodeLayout.find(leaf.page, key);
    return i < 0 ? null : NodeLayout.value(leaf.page, i);
  }

  static boolean contains(NodeStore store, TreeRoot root, byte[] key) throws IOException {
    Node leaf = leaf(store, root, key);
    return leaf != null && NodeLayout.find(leaf.page, key) >= 0;
  }

  /** As {@link #damageOnPath}, for a node that is known to be on the way to {@code key}. */
  static IOException damage(
      String device, NodeStore store, TreeRoot root, byte[] key, UnreadableNodeException unreadable)
      throws IOException {
    IOException damage = damageOnPath(device, store, root, key, unreadable);
    return damage == null ? unreadable : damage;
  }

  /**
   * What is lost with a node that lies on the way to {@code key}: the range of keys between its
   * parent's separators. Null when it does not lie there.
   */
  static @Nullable IOException damageOnPath(
      String device, NodeStore store, TreeRoot root, byte[] key, UnreadableNodeException unreadable)
      throws IOException {
    Tree tree = new Tree(root.id(), root.name());
    byte[] low = {};
    byte[] high = null;
    if (root.node() == null && root.ref().equals(unreadable.ref())) {
      return new TreeDamagedException(device, tree, low, high, unreadable);
    }
    Node node = store.root(root);
    while (node.level > 0) {
      int i = NodeLayout.childIndex(node.page, key);
      if (i > 0) {
        low = NodeLayout.key(node.page, i);
      }
      if (i + 1 < node.count()) {
        high = NodeLayout.key(node.page, i + 1);
      }
      if (node.kid(i) == null && NodeLayout.ref(node.page, i).equals(unreadable.ref())) {
        return new TreeDamagedException(device, tree, low, high, unreadable);
      }
      node = store.child(node, i);
    }
    return null;
  }
}

package io.bezoar.tree;

import org.jspecify.annotations.Nullable;

/**
 * The top of one tree in one state of it. Immutable, as far as its node is frozen.
 *
 * @param id number of the tree
 * @param name what the tree is called
 * @param height levels of it; 0 for an empty tree
 * @param ref where the root node is, when {@code node} is null
 * @param node the root node, when it is in memory only
 */
record TreeRoot(int id, String name, int height, Ref ref, @Nullable Node node) {

  static TreeRoot empty(int id, String name) {
    return new TreeRoot(id, name, 0, Ref.NONE, null);
  }

  boolean isEmpty() {
    return height == 0;
  }

  TreeRoot withNode(Node root) {
    return new TreeRoot(id, name, root.level + 1, Ref.NONE, root);
  }

  TreeRoot withRef(Ref root, int levels) {
    return new TreeRoot(id, name, levels, root, null);
  }

  TreeRoot emptied() {
    return empty(id, name);
  }

  /** The same, by reference when the node was stored meanwhile. */
  TreeRoot settled() {
    Ref placed = node == null || !node.stored ? null : node.placed;
    return placed == null ? this : withRef(placed, height);
  }

  /** The same, by reference: for what is about to be stored. */
  TreeRoot placed() {
    Ref placed = node == null ? null : node.placed;
    return placed == null ? this : withRef(placed, height);
  }
}

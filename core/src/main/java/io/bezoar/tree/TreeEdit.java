package io.bezoar.tree;

import java.io.IOException;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Changes trees by copying the path from the root to what changes.
 *
 * <p>Invariant: a node that this edit did not make is never changed; one that it made is changed in
 * place. So whoever holds an older root sees what it always saw, and to abort is to forget.
 *
 * <p>Nodes are read on the way down and changed on the way up: an operation that meets a damaged
 * node has done nothing, except {@link #deleteRange}. What is no longer in the tree is told to
 * {@link Changes}. Nodes less than a quarter full are merged with a neighbour where the two fill
 * three quarters at most. Not thread-safe.
 */
final class TreeEdit {
  private static final byte[] LEAST = {};
  private static final int SMALL_BYTES = NodeLayout.CAPACITY_BYTES / 4;
  private static final int MERGED_BYTES_MAX = NodeLayout.CAPACITY_BYTES * 3 / 4;

  private final NodeStore store;
  private final long owner;
  private final long commit;
  private final Changes changes;

  /** Left by an insertion that split a node: what stands to the right of it, and from which key. */
  private @Nullable Node splitNode;

  private byte[] splitKey = LEAST;

  /** True when the operation changed anything. */
  private boolean changed;

  /** What becomes of nodes. */
  interface Changes {
    /** A node was made in memory. */
    void made(Node node);

    /** A node is in the tree no more; it may be on the device, or in memory only. */
    void replaced(Node node);

    /** A node that was not looked at is in the tree no more. */
    void dropped(Ref ref);

    /** A branch that cannot be read is in the tree no more; what is below it is not known. */
    void unread(UnreadableNodeException branch);
  }

  TreeEdit(NodeStore store, long owner, long commit, Changes changes) {
    this.store = store;
    this.owner = owner;
    this.commit = commit;
    this.changes = changes;
  }

  /** True when the last operation changed anything. */
  boolean changed() {
    return changed;
  }

  TreeRoot put(TreeRoot root, byte[] key, byte[] value) throws IOException {
    changed = false;
    if (root.isEmpty()) {
      Node leaf = make(root.id(), 0);
      NodeLayout.insert(leaf.page, 0, key, value);
      return root.withNode(leaf);
    }
    Node next = put(store.root(root), key, value);
    if (!changed) {
      return root;
    }
    Node right = splitNode;
    if (right != null) {
      Node up = make(root.id(), next.level + 1);
      up.insertKid(0, LEAST, next);
      up.insertKid(1, splitKey, right);
      splitNode = null;
      next = up;
    }
    return root.withNode(next);
  }

  private Node put(Node node, byte[] key, byte[] value) throws IOException {
    if (node.level == 0) {
      return putIntoLeaf(node, key, value);
    }
    int i = NodeLayout.childIndex(node.page, key);
    Node next = put(store.child(node, i), key, value);
    if (!changed) {
      return node;
    }
    Node mine = own(node);
    mine.setKid(i, next);
    Node right = splitNode;
    if (right != null) {
      splitNode = null;
      insert(mine, i + 1, splitKey, new byte[NodeLayout.REF_BYTES], right);
    }
    return mine;
  }

  private Node putIntoLeaf(Node leaf, byte[] key, byte[] value) {
    int i = NodeLayout.find(leaf.page, key);
    if (i >= 0) {
      int at = NodeLayout.valueStart(leaf.page, i);
      int end = at + NodeLayout.valueLength(leaf.page, i);
      if (Arrays.equals(leaf.page, at, end, value, 0, value.length)) {
        return leaf;
      }
    }
    changed = true;
    Node mine = own(leaf);
    if (i < 0) {
      insert(mine, -1 - i, key, value, null);
    } else if (!NodeLayout.setValue(mine.page, i, value)) {
      mine.remove(i, i + 1);
      insert(mine, i, key, value, null);
    }
    return mine;
  }

  /** Adds an entry to a node that is owned, which may split it. */
  private void insert(Node node, int i, byte[] key, byte[] value, @Nullable Node kid) {
    if (NodeLayout.fits(node.page, key.length, value.length)) {
      insertThere(node, i, key, value, kid);
      return;
    }
    int left = splitPoint(node.page, i, NodeLayout.entryBytes(key.length, value.length));
    boolean goesLeft = i < left;
    int from = goesLeft ? left - 1 : left;
    int count = node.count();
    Node right = make(NodeLayout.tree(node.page), node.level);
    right.append(node, from, count);
    node.remove(from, count);
    if (goesLeft) {
      insertThere(node, i, key, value, kid);
    } else {
      insertThere(right, i - from, key, value, kid);
    }
    byte[] least = NodeLayout.key(right.page, 0);
    if (node.level > 0) {
      NodeLayout.setKey(right.page, 0, LEAST);
      splitKey = least;
    } else {
      splitKey = separator(NodeLayout.key(node.page, node.count() - 1), least);
    }
    splitNode = right;
  }

  private static void insertThere(Node node, int i, byte[] key, byte[] value, @Nullable Node kid) {
    if (kid == null) {
      NodeLayout.insert(node.page, i, key, value);
    } else {
      node.insertKid(i, key, kid);
    }
  }

  /**
   * How many entries stay in the left node, the new one at index {@code i} counted in. Behind the
   * last one all stay: ascending keys make full nodes.
   */
  private static int splitPoint(byte[] page, int i, int newBytes) {
    int count = NodeLayout.count(page);
    if (i == count) {
      return count;
    }
    int total = NodeLayout.usedBytes(page) + newBytes;
    int best = 1;
    int bestLarger = Integer.MAX_VALUE;
    int left = 0;
    for (int entries = 1; entries <= count; entries++) {
      int last = entries - 1;
      int old = last < i ? last : last - 1;
      left +=
          last == i
              ? newBytes
              : NodeLayout.entryBytes(
                  NodeLayout.keyLength(page, old), NodeLayout.valueLength(page, old));
      int larger = Math.max(left, total - left);
      if (larger < bestLarger) {
        bestLarger = larger;
        best = entries;
      }
    }
    return best;
  }

  /** The shortest key that is greater than {@code below} and at most {@code from}. */
  static byte[] separator(byte[] below, byte[] from) {
    int shared = Arrays.mismatch(below, from);
    return Arrays.copyOf(from, shared + 1);
  }

  /** Without the entry of this key; the same root when there is none. */
  TreeRoot delete(TreeRoot root, byte[] key) throws IOException {
    changed = false;
    if (root.isEmpty()) {
      return root;
    }
    Node next = delete(store.root(root), key);
    return changed ? lowered(root, next) : root;
  }

  private @Nullable Node delete(Node node, byte[] key) throws IOException {
    if (node.level == 0) {
      int i = NodeLayout.find(node.page, key);
      if (i < 0) {
        return node;
      }
      changed = true;
      return without(node, i, i + 1);
    }
    int i = NodeLayout.childIndex(node.page, key);
    Node next = delete(store.child(node, i), key);
    if (!changed) {
      return node;
    }
    if (next == null) {
      return without(node, i, i + 1);
    }
    Node mine = own(node);
    mine.setKid(i, next);
    mergeIfSmall(mine, i);
    return mine;
  }

  /** The node without entries {@code [from, to)}; null when nothing is left. */
  private @Nullable Node without(Node node, int from, int to) {
    if (from == 0 && to == node.count()) {
      changes.replaced(node);
      return null;
    }
    Node mine = own(node);
    mine.remove(from, to);
    if (mine.level > 0 && from == 0 && to > 0) {
      NodeLayout.setKey(mine.page, 0, LEAST);
    }
    return mine;
  }

  private void mergeIfSmall(Node parent, int i) throws IOException {
    Node child = parent.kid(i);
    if (child == null || NodeLayout.usedBytes(child.page) >= SMALL_BYTES) {
      return;
    }
    if (!(i + 1 < parent.count() && merge(parent, i)) && i > 0) {
      merge(parent, i - 1);
    }
  }

  /** Merges child {@code i} and the one behind it, if they have room in one node. */
  private boolean merge(Node parent, int i) throws IOException {
    Node left;
    Node right;
    try {
      left = store.child(parent, i);
      right = store.child(parent, i + 1);
    } catch (UnreadableNodeException damaged) {
      // Whoever needs its entries is told; here it only stays the neighbour of a small node.
      return false;
    }
    byte[] between = NodeLayout.key(parent.page, i + 1);
    int extra = left.level > 0 ? between.length : 0;
    int together = NodeLayout.usedBytes(left.page) + NodeLayout.usedBytes(right.page) + extra;
    if (together > MERGED_BYTES_MAX) {
      return false;
    }
    Node mine = own(left);
    int count = mine.count();
    mine.append(right, 0, right.count());
    if (mine.level > 0) {
      NodeLayout.setKey(mine.page, count, between);
    }
    parent.setKid(i, mine);
    parent.remove(i + 1, i + 2);
    changes.replaced(right);
    return true;
  }

  /** A root that has a single child gives way to it. */
  private TreeRoot lowered(TreeRoot root, @Nullable Node top) {
    Node node = top;
    while (node != null && node.level > 0 && node.count() == 1) {
      Node kid = node.kid(0);
      changes.replaced(node);
      if (kid == null) {
        return root.withRef(NodeLayout.ref(node.page, 0), node.level);
      }
      node = kid;
    }
    return node == null ? root.emptied() : root.withNode(node);
  }

  /**
   * Without the entries from {@code from} (null: the least) to before {@code to} (null: the end).
   * What lies wholly inside is not read, except for branches, to find what is below them; one that
   * cannot be read is told to {@link Changes#unread}.
   *
   * @throws UnreadableNodeException when a node at either end cannot be read; then the edit is to
   *     be given up
   */
  TreeRoot deleteRange(TreeRoot root, byte @Nullable [] from, byte @Nullable [] to)
      throws IOException {
    changed = false;
    if (root.isEmpty()) {
      return root;
    }
    if (from == null && to == null) {
      Node node = root.node();
      drop(root.id(), root.height() - 1, node, root.ref());
      return root.emptied();
    }
    Node next = deleteRange(store.root(root), from, to);
    return changed ? lowered(root, next) : root;
  }

  private @Nullable Node deleteRange(Node node, byte @Nullable [] from, byte @Nullable [] to)
      throws IOException {
    if (node.level == 0) {
      int first = from == null ? 0 : indexOf(node, from);
      int end = to == null ? node.count() : indexOf(node, to);
      if (first >= end) {
        return node;
      }
      changed = true;
      return without(node, first, end);
    }
    byte[] page = node.page;
    int first = from == null ? 0 : NodeLayout.childIndex(page, from);
    int last = to == null ? node.count() - 1 : NodeLayout.childIndex(page, to);
    boolean firstWhole =
        from == null || (first > 0 && NodeLayout.compareKey(page, first, from) == 0);
    boolean lastWhole = to == null;
    if (to != null && last > 0 && NodeLayout.compareKey(page, last, to) == 0) {
      last--;
      lastWhole = true;
    }
    if (first > last) {
      return node;
    }
    return deleteChildren(node, first, last, firstWhole ? null : from, lastWhole ? null : to);
  }

  /** Children {@code first} to {@code last}; null for a bound says that the child has it too. */
  private @Nullable Node deleteChildren(
      Node node, int first, int last, byte @Nullable [] from, byte @Nullable [] to)
      throws IOException {
    int dropFrom = first;
    int dropTo = last + 1;
    Node firstLeft = null;
    Node lastLeft = null;
    if (from != null) {
      firstLeft = deleteRange(store.child(node, first), from, first == last ? to : null);
      dropFrom = firstLeft == null ? first : first + 1;
    }
    if (to != null && (first < last || from == null)) {
      lastLeft = deleteRange(store.child(node, last), null, to);
      dropTo = lastLeft == null ? last + 1 : last;
    }
    int gone = Math.max(0, dropTo - dropFrom);
    changed |= gone > 0;
    if (!changed) {
      return node;
    }
    int tree = NodeLayout.tree(node.page);
    for (int i = dropFrom; i < dropTo; i++) {
      // One that was emptied by the calls above is gone already.
      boolean emptied = (i == first && from != null) || (i == last && to != null);
      if (!emptied) {
        drop(tree, node.level - 1, node.kid(i), NodeLayout.ref(node.page, i));
      }
    }
    Node mine = gone > 0 ? without(node, dropFrom, dropTo) : own(node);
    if (mine == null) {
      return null;
    }
    if (firstLeft != null) {
      mine.setKid(first, firstLeft);
    }
    if (lastLeft != null) {
      mine.setKid(last - gone, lastLeft);
      mergeIfSmall(mine, last - gone);
    }
    if (firstLeft != null) {
      mergeIfSmall(mine, first);
    }
    return mine;
  }

  private static int indexOf(Node leaf, byte[] key) {
    int i = NodeLayout.find(leaf.page, key);
    return i >= 0 ? i : -1 - i;
  }

  /** Everything from a node on down leaves the tree. */
  private void drop(int tree, int level, @Nullable Node node, Ref ref) throws IOException {
    if (level == 0) {
      if (node != null) {
        changes.replaced(node);
      } else {
        changes.dropped(ref);
      }
      return;
    }
    Node branch;
    try {
      branch = node != null ? node : store.load(tree, level, ref);
    } catch (UnreadableNodeException damaged) {
      changes.unread(damaged);
      changes.dropped(ref);
      return;
    }
    for (int i = 0; i < branch.count(); i++) {
      drop(tree, level - 1, branch.kid(i), NodeLayout.ref(branch.page, i));
    }
    changes.replaced(branch);
  }

  private Node own(Node node) {
    if (node.owner == owner) {
      return node;
    }
    changes.replaced(node);
    Node copy = node.copyFor(owner, commit);
    changes.made(copy);
    return copy;
  }

  private Node make(int tree, int level) {
    Node node = Node.dirty(NodeLayout.empty(tree, level), owner, commit);
    changes.made(node);
    changed = true;
    return node;
  }
}

package io.bezoar.tree;

import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Objects;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A place in one state of a tree, at an entry or at none. New cursors are at none: seek first.
 *
 * <p>Moving on within a node allocates nothing; {@link #key()} and {@link #value()} copy, the other
 * readers do not. After an exception the cursor is at no entry; behind a lost range one goes on by
 * seeking to {@link TreeDamagedException#high}. Not thread-safe.
 */
public final class Cursor {
  private static final VarHandle BIG =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);
  private static final VarHandle LITTLE =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

  private final String device;
  private final NodeStore store;
  private final Supplier<TreeRoot> root;

  /** Changes whenever what the path was taken from is no longer so. */
  private final LongSupplier version;

  private Node[] path = new Node[0];
  private int[] at = new int[0];

  /** Level of the leaf in {@link #path}, or -1 at no entry. */
  private int depth = -1;

  private long seenVersion;

  Cursor(String device, NodeStore store, Supplier<TreeRoot> root, LongSupplier version) {
    this.device = device;
    this.store = store;
    this.root = root;
    this.version = version;
  }

  /** True when the cursor is at an entry. */
  public boolean valid() {
    return depth >= 0;
  }

  /** Goes to the first entry; false when the tree is empty. */
  public boolean first() throws IOException {
    return seek(new byte[0]);
  }

  /** Goes to the last entry; false when the tree is empty. */
  public boolean last() throws IOException {
    Node top = top();
    return top != null && descend(0, top, false);
  }

  /** Goes to the first entry with at least {@code key}; false when there is none. */
  public boolean seek(byte[] key) throws IOException {
    int i = seekLeaf(key);
    if (i == NOWHERE) {
      return false;
    }
    int index = i >= 0 ? i : -1 - i;
    int leaf = depth;
    if (index < path[leaf].count()) {
      at[leaf] = index;
      return true;
    }
    at[leaf] = index - 1;
    return next();
  }

  /** Goes to the last entry with at most {@code key}; false when there is none. */
  public boolean seekFloor(byte[] key) throws IOException {
    int i = seekLeaf(key);
    if (i == NOWHERE) {
      return false;
    }
    at[depth] = i >= 0 ? i : -1 - i;
    return i >= 0 || previous();
  }

  private static final int NOWHERE = Integer.MIN_VALUE;

  /** Sets the path to the leaf for {@code key}; what {@link NodeLayout#find} says in it. */
  private int seekLeaf(byte[] key) throws IOException {
    Node node = top();
    if (node == null) {
      return NOWHERE;
    }
    int level = 0;
    while (node.level > 0) {
      int i = NodeLayout.childIndex(node.page, key);
      path[level] = node;
      at[level] = i;
      node = child(level);
      level++;
    }
    path[level] = node;
    depth = level;
    return NodeLayout.find(node.page, key);
  }

  /** Goes to the next entry; false at the end, and then the cursor is at none. */
  public boolean next() throws IOException {
    checkValid();
    int leaf = depth;
    if (at[leaf] + 1 < path[leaf].count()) {
      at[leaf]++;
      return true;
    }
    depth = -1;
    for (int level = leaf - 1; level >= 0; level--) {
      if (at[level] + 1 < path[level].count()) {
        at[level]++;
        return descend(level + 1, child(level), true);
      }
    }
    return false;
  }

  /** Goes to the entry before; false at the start, and then the cursor is at none. */
  public boolean previous() throws IOException {
    checkValid();
    int leaf = depth;
    if (at[leaf] > 0) {
      at[leaf]--;
      return true;
    }
    depth = -1;
    for (int level = leaf - 1; level >= 0; level--) {
      if (at[level] > 0) {
        at[level]--;
        return descend(level + 1, child(level), false);
      }
    }
    return false;
  }

  /** From {@code node}, at {@code level} of the path, to the leaf at one side of it. */
  private boolean descend(int level, Node node, boolean leftmost) throws IOException {
    Node down = node;
    int to = level;
    while (true) {
      path[to] = down;
      at[to] = leftmost ? 0 : down.count() - 1;
      if (down.level == 0) {
        depth = to;
        return true;
      }
      down = child(to);
      to++;
    }
  }

  private @Nullable Node top() throws IOException {
    depth = -1;
    TreeRoot now = root.get();
    seenVersion = version.getAsLong();
    if (now.isEmpty()) {
      return null;
    }
    if (path.length < now.height()) {
      path = new Node[now.height()];
      at = new int[now.height()];
    }
    try {
      return store.root(now);
    } catch (UnreadableNodeException lost) {
      throw new TreeDamagedException(device, tree(now), new byte[0], null, lost);
    }
  }

  private static Tree tree(TreeRoot of) {
    return new Tree(of.id(), of.name());
  }

  /** The child that the path leads to at {@code level}. */
  private Node child(int level) throws IOException {
    try {
      return store.child(path[level], at[level]);
    } catch (UnreadableNodeException lost) {
      depth = -1;
      byte[] low = new byte[0];
      for (int up = level; up >= 0 && low.length == 0; up--) {
        low = NodeLayout.key(path[up].page, at[up]);
      }
      byte[] high = null;
      for (int up = level; up >= 0 && high == null; up--) {
        if (at[up] + 1 < path[up].count()) {
          high = NodeLayout.key(path[up].page, at[up] + 1);
        }
      }
      throw new TreeDamagedException(device, tree(root.get()), low, high, lost);
    }
  }

  private void checkValid() {
    if (depth < 0) {
      throw new IllegalStateException("the cursor is at no entry: seek first");
    }
    if (version.getAsLong() != seenVersion) {
      throw new IllegalStateException("the tree changed under the cursor: seek again");
    }
  }

  private byte[] page() {
    checkValid();
    return path[depth].page;
  }

  /** A copy of the key. */
  public byte[] key() {
    return NodeLayout.key(page(), at[depth]);
  }

  /** A copy of the value. */
  public byte[] value() {
    return NodeLayout.value(page(), at[depth]);
  }

  /** Length of the key, bytes. */
  public int keyLength() {
    return NodeLayout.keyLength(page(), at[depth]);
  }

  /** Length of the value, bytes. */
  public int valueLength() {
    return NodeLayout.valueLength(page(), at[depth]);
  }

  /** Eight bytes of the key from {@code offset} on, big-endian: as unsigned numbers they sort. */
  public long keyLong(int offset) {
    byte[] page = page();
    Objects.checkFromIndexSize(offset, Long.BYTES, keyLength());
    return (long) BIG.get(page, NodeLayout.keyStart(page, at[depth]) + offset);
  }

  /** Eight bytes of the value from {@code offset} on, little-endian. */
  public long valueLong(int offset) {
    byte[] page = page();
    Objects.checkFromIndexSize(offset, Long.BYTES, valueLength());
    return (long) LITTLE.get(page, NodeLayout.valueStart(page, at[depth]) + offset);
  }

  /** Copies the key to {@code dst} from {@code offset} on, and returns its length. */
  public int copyKey(byte[] dst, int offset) {
    byte[] page = page();
    int length = keyLength();
    System.arraycopy(page, NodeLayout.keyStart(page, at[depth]), dst, offset, length);
    return length;
  }

  /** Copies the value to {@code dst} from {@code offset} on, and returns its length. */
  public int copyValue(byte[] dst, int offset) {
    byte[] page = page();
    int length = valueLength();
    System.arraycopy(page, NodeLayout.valueStart(page, at[depth]), dst, offset, length);
    return length;
  }

  /** Compares the key with {@code other}, as unsigned bytes: less than 0 when it comes before. */
  public int compareKey(byte[] other) {
    return NodeLayout.compareKey(page(), at[depth], other);
  }

  /** True when the key begins with {@code prefix}. */
  public boolean keyStartsWith(byte[] prefix) {
    byte[] page = page();
    int start = NodeLayout.keyStart(page, at[depth]);
    return keyLength() >= prefix.length
        && Arrays.equals(page, start, start + prefix.length, prefix, 0, prefix.length);
  }
}

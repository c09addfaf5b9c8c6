package io.bezoar.tree;

import org.jspecify.annotations.Nullable;

/**
 * A node in memory.
 *
 * <p>Invariant: only the edit whose number is {@link #owner} may change it; when that edit is over,
 * the node is frozen for ever, and is published to readers by a volatile write of the roots. What
 * changes afterwards is nothing that readers look at: {@link #placed}, and the references in a
 * frozen branch to children that readers reach through {@link #kids}.
 */
final class Node {
  /**
   * In the form of {@link NodeLayout}; address, generation and checksum only where it is stored.
   */
  final byte[] page;

  /** Height above the leaves. */
  final int level;

  /** Number of the edit that may change this node; 0 for one that was read or written. */
  final long owner;

  /** Commit that was being gathered when this was made; 0 for one that was read or written. */
  final long commit;

  /** Children that are (or lately were) in memory only, by index; null for those on the device. */
  final @Nullable Node @Nullable [] kids;

  /** For nodes in the cache: address of the first copy, and generation. */
  final long address;

  final long generation;

  /** Set when the node gets its place on the device, by the commit that is going to store it. */
  volatile @Nullable Ref placed;

  /** Set when the node can be read from its place; until then it must not be let go of. */
  volatile boolean stored;

  /** Set by readers, cleared by the cache's clock; races do no harm. */
  boolean recent;

  private Node(
      byte[] page, long owner, long commit, @Nullable Node @Nullable [] kids, @Nullable Ref ref) {
    this.page = page;
    this.level = NodeLayout.level(page);
    this.owner = owner;
    this.commit = commit;
    this.kids = kids;
    this.placed = ref;
    this.stored = ref != null;
    this.address = ref == null ? 0 : ref.address();
    this.generation = ref == null ? 0 : ref.generation();
  }

  /** A node as it is on the device. */
  static Node stored(byte[] page, Ref ref) {
    return new Node(page, 0, 0, null, ref);
  }

  /** A node that {@code owner} may change, around {@code page}. */
  static Node dirty(byte[] page, long owner, long commit) {
    boolean branch = NodeLayout.level(page) > 0;
    return new Node(page, owner, commit, branch ? new Node[NodeLayout.FANOUT_MAX + 1] : null, null);
  }

  /** A copy that {@code owner} may change. */
  Node copyFor(long owner, long commit) {
    Node copy = dirty(page.clone(), owner, commit);
    if (kids != null && copy.kids != null) {
      System.arraycopy(kids, 0, copy.kids, 0, kids.length);
    }
    return copy;
  }

  int count() {
    return NodeLayout.count(page);
  }

  /** The child in memory at {@code i}, or null for one that is on the device. */
  @Nullable Node kid(int i) {
    return kids == null ? null : kids[i];
  }

  private @Nullable Node[] ownKids() {
    if (kids == null) {
      throw new IllegalStateException("not a branch in memory");
    }
    return kids;
  }

  void setKid(int i, @Nullable Node kid) {
    ownKids()[i] = kid;
  }

  /** Adds a child in memory at {@code i}, under {@code key}. */
  void insertKid(int i, byte[] key, Node kid) {
    insertChild(i, key, new byte[NodeLayout.REF_BYTES], kid);
  }

  private void insertChild(int i, byte[] key, byte[] ref, @Nullable Node kid) {
    int count = count();
    NodeLayout.insert(page, i, key, ref);
    System.arraycopy(ownKids(), i, ownKids(), i + 1, count - i);
    ownKids()[i] = kid;
  }

  /** Takes entries {@code [from, to)} out. */
  void remove(int from, int to) {
    int count = count();
    NodeLayout.remove(page, from, to);
    if (kids != null) {
      System.arraycopy(kids, to, kids, from, count - to);
      java.util.Arrays.fill(kids, count - (to - from), count, null);
    }
  }

  /** Adds the entries {@code [from, to)} of {@code source} behind those of this node. */
  void append(Node source, int from, int to) {
    int count = count();
    NodeLayout.append(page, source.page, from, to);
    if (kids != null) {
      for (int i = from; i < to; i++) {
        kids[count + i - from] = source.kid(i);
      }
    }
  }

  /** True when no child is in memory only. */
  boolean kidsStored() {
    for (int i = 0; level > 0 && i < count(); i++) {
      Node kid = kid(i);
      if (kid != null && !kid.stored) {
        return false;
      }
    }
    return true;
  }

  /** Notes in this branch where those of its children are that have a place. */
  void nameKids() {
    for (int i = 0; level > 0 && i < count(); i++) {
      Node kid = kid(i);
      Ref ref = kid == null ? null : kid.placed;
      if (ref != null) {
        NodeLayout.setRef(page, i, ref);
      }
    }
  }
}

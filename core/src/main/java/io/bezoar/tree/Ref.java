package io.bezoar.tree;

/**
 * Where a node is on the device.
 *
 * @param address offset of one copy, bytes
 * @param twin offset of the other copy, in another failure domain where there is one
 * @param generation the node's own: see {@link Generations}
 */
record Ref(long address, long twin, long generation) {
  /** No node. */
  static final Ref NONE = new Ref(0, 0, 0);

  /** Where the other copy is than the one at {@code copy}. */
  long twinOf(long copy) {
    return copy == address ? twin : address;
  }

  /** The commit that wrote the node. */
  long commit() {
    return Generations.commitOf(generation);
  }
}

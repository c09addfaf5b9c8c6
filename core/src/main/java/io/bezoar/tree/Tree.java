package io.bezoar.tree;

import java.io.Serializable;

/**
 * A tree of a {@link Forest}: byte strings to byte strings, in ascending order of the keys compared
 * as unsigned bytes. Only a name; what is in it depends on whom one asks ({@link View}).
 *
 * @param id number of the tree in its forest, the same for ever
 * @param name what it is called
 */
public record Tree(int id, String name) implements Serializable {
  /** Longest key, in bytes; the shortest has 0. */
  public static final int KEY_BYTES_MAX = NodeLayout.KEY_BYTES_MAX;

  /** Longest value, in bytes. */
  public static final int VALUE_BYTES_MAX = NodeLayout.VALUE_BYTES_MAX;
}

package io.bezoar.tree;

/**
 * A state of the forest that is kept until it is released, over any restart.
 *
 * @param name what it is called
 * @param commit the commit that it keeps
 */
public record Hold(String name, long commit) {
  /** Longest name, bytes of UTF-8. */
  public static final int NAME_BYTES_MAX = HoldLayout.NAME_BYTES_MAX;
}

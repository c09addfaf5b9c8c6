package io.bezoar.fs;

import io.bezoar.tree.TreeDamagedException;

/**
 * Both copies of a piece of metadata are lost, and what was asked needs it. Whatever does not need
 * it works on; nothing was changed.
 */
public final class FilesystemDamagedException extends FilesystemException {
  private static final long serialVersionUID = 1L;

  private final transient TreeDamagedException damage;

  FilesystemDamagedException(String file, TreeDamagedException damage) {
    super(
        file,
        "its metadata is lost in both copies: "
            + damage.getReason()
            + "; run \"bezoar check\" to see what else is affected",
        damage);
    this.damage = damage;
  }

  /** Which tree, which keys, and where the two copies were. */
  public TreeDamagedException damage() {
    return damage;
  }
}

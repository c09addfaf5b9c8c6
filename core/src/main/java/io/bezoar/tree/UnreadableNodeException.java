package io.bezoar.tree;

import java.io.IOException;

/**
 * Neither copy of a node can be had; becomes a {@link TreeDamagedException} where keys are known.
 */
final class UnreadableNodeException extends IOException {
  private static final long serialVersionUID = 1L;

  private final transient Ref ref;
  private final int level;

  UnreadableNodeException(Ref ref, int level, String why) {
    super(why);
    this.ref = ref;
    this.level = level;
  }

  Ref ref() {
    return ref;
  }

  int level() {
    return level;
  }
}

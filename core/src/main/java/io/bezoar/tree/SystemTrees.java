package io.bezoar.tree;

import java.util.List;

/** The trees that a forest keeps for itself; only commits change them. */
final class SystemTrees {
  /** Which pages are in use: {@link SpaceLayout}. */
  static final int SPACE = 0;

  /** Pages that only holds have: {@link HoldLayout}. */
  static final int HELD = 1;

  /** The holds: {@link HoldLayout}. */
  static final int HOLDS = 2;

  static final int COUNT = 3;

  private SystemTrees() {}

  static List<TreeRoot> empty() {
    return List.of(
        TreeRoot.empty(SPACE, "space"),
        TreeRoot.empty(HELD, "held"),
        TreeRoot.empty(HOLDS, "holds"));
  }
}

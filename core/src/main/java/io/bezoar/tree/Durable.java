package io.bezoar.tree;

import java.util.List;

/**
 * A commit that is durable, as far as it is kept in memory.
 *
 * @param root what its root slots say
 * @param holds all holds, oldest first
 */
record Durable(ForestLayout.Root root, List<HoldLayout.Kept> holds) {
  long commit() {
    return root.commit();
  }
}

package io.bezoar.tree;

import io.bezoar.media.ByteRange;
import java.util.List;

/**
 * What became of a range of keys.
 *
 * @param nodes nodes that left the tree, as far as they could be reached
 * @param unread both places of each branch that was lost, and left the tree unread: the pages of
 *     the nodes below it stay in use until a check names them and they are freed
 */
public record RangeDelete(long nodes, List<ByteRange> unread) {
  /** Copies the list. */
  public RangeDelete {
    unread = List.copyOf(unread);
  }

  /** True when everything that was below could be reached. */
  public boolean complete() {
    return unread.isEmpty();
  }
}

package io.bezoar.tree;

import io.bezoar.media.ByteRange;
import java.util.List;

/**
 * What a check of everything found.
 *
 * @param commit the commit that was checked
 * @param nodes nodes of the trees and of those that holds keep
 * @param entries entries of the trees, those of the forest itself included
 * @param dataPages pages of data
 * @param heldPages pages that only holds have
 * @param freePages pages that are free
 * @param badCopies copies of nodes that were bad, and where; the other copy is good
 * @param damage ranges of keys that are lost
 * @param leaked pages that are in use for nobody: {@link Transaction#free} gives them back
 * @param problems what else is not as it should be, for people
 */
public record ForestReport(
    long commit,
    long nodes,
    long entries,
    long dataPages,
    long heldPages,
    long freePages,
    List<ByteRange> badCopies,
    List<TreeDamagedException> damage,
    List<ByteRange> leaked,
    List<String> problems) {
  /** Copies the lists. */
  public ForestReport {
    badCopies = List.copyOf(badCopies);
    damage = List.copyOf(damage);
    leaked = List.copyOf(leaked);
    problems = List.copyOf(problems);
  }

  /** True when every structure is whole; copies that were bad are rewritten. */
  public boolean clean() {
    return damage.isEmpty() && leaked.isEmpty() && problems.isEmpty();
  }
}

package io.bezoar.tree;

import static io.bezoar.tree.SpaceLayout.GROUP_PAGES;

import java.util.Arrays;
import java.util.BitSet;
import java.util.Map;
import java.util.TreeMap;

/**
 * Which pages are in use in a commit, worked out anew from everything that it reaches.
 *
 * @param commit the commit
 * @param groups bits of all groups in which a page is in use
 * @param oldPages pages of the tree that said so before, as far as they are known; in use
 * @param freePages pages that are not
 */
record Rebuilt(long commit, Map<Integer, long[]> groups, Extents oldPages, long freePages) {

  static Rebuilt of(long commit, BitSet inUse, BitSet oldPages, long pages) {
    Map<Integer, long[]> groups = new TreeMap<>();
    for (int page = inUse.nextSetBit(0); page >= 0; ) {
      int group = SpaceLayout.groupOf(page);
      int base = group * GROUP_PAGES;
      long[] words = inUse.get(base, base + GROUP_PAGES).toLongArray();
      groups.put(group, Arrays.copyOf(words, SpaceLayout.WORDS));
      page = inUse.nextSetBit(base + GROUP_PAGES);
    }
    Extents old = new Extents();
    oldPages.stream().forEach(page -> old.add(page, 1, 0));
    return new Rebuilt(commit, groups, old, pages - inUse.cardinality());
  }

  long[] group(int group) {
    long[] bits = groups.get(group);
    return bits == null ? new long[SpaceLayout.WORDS] : bits.clone();
  }
}

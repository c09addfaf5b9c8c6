package io.bezoar.target;

import java.lang.invoke.VarHandle;
import java.util.Arrays;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * Which block holds a page, to be asked without a lock.
 *
 * <p><b>Protocol.</b> Neighbouring pages, {@value #GROUP_PAGES} of them, are a group; groups share
 * stripes. A stripe's version is odd while the map changes for a page of it, and grows with every
 * change. A reader takes the versions of what it is about to look up ({@link #versions}), looks up,
 * reads what it found, and believes it only if the versions are still the same: then no page of
 * these moved, so no block was used for something else meanwhile. Changes are made by one thread at
 * a time, under the index's lock.
 */
final class WriteCacheMap {
  /** Pages of a group. */
  static final int GROUP_PAGES = 64;

  private static final int NONE = -1;
  private static final int MIN_BUCKETS = 4096;
  private static final int MAX_STRIPES = 4096;

  private final long[] pages;
  private final int[] heads;
  private final int[] chain;
  private final AtomicLongArray versions;

  /** For blocks whose pages stand in {@code pages}; those are written before {@link #add}. */
  WriteCacheMap(long[] pages) {
    this.pages = pages;
    int buckets = MIN_BUCKETS;
    while (buckets < pages.length && buckets < 1 << 30) {
      buckets <<= 1;
    }
    this.heads = new int[buckets];
    this.chain = new int[pages.length];
    Arrays.fill(heads, NONE);
    this.versions = new AtomicLongArray(Math.min(MAX_STRIPES, buckets / GROUP_PAGES));
  }

  /** The block that holds {@code page}, or -1. */
  int find(long page) {
    int steps = 0;
    for (int block = heads[bucket(page)]; block != NONE; block = chain[block]) {
      if (pages[block] == page) {
        return block;
      }
      if (++steps > pages.length) {
        return NONE; // led astray by a change; the versions will tell
      }
    }
    return NONE;
  }

  /** Number of stripes. */
  int stripes() {
    return versions.length();
  }

  int stripe(long page) {
    return (int) mix(page / GROUP_PAGES) & (versions.length() - 1);
  }

  /**
   * The versions of {@code count} pages as one number, which is another after any change.
   *
   * @return -1 while one of them changes
   */
  long versions(long page, long count) {
    long sum = 0;
    for (long group = page / GROUP_PAGES; group <= (page + count - 1) / GROUP_PAGES; group++) {
      long version = versions.getAcquire(stripe(group * GROUP_PAGES));
      if ((version & 1) != 0) {
        return -1;
      }
      sum += version;
    }
    return sum;
  }

  /** True when nothing changed since {@link #versions} said {@code before}. */
  boolean unchanged(long page, long count, long before) {
    VarHandle.loadLoadFence();
    return versions(page, count) == before;
  }

  // With the index's lock.

  void beginChange(long page) {
    versions.setRelease(stripe(page), versions.getPlain(stripe(page)) + 1);
    VarHandle.fullFence();
  }

  void endChange(long page) {
    versions.setRelease(stripe(page), versions.getPlain(stripe(page)) + 1);
  }

  void add(int block) {
    int bucket = bucket(pages[block]);
    chain[block] = heads[bucket];
    VarHandle.storeStoreFence();
    heads[bucket] = block;
  }

  void remove(int block) {
    int bucket = bucket(pages[block]);
    if (heads[bucket] == block) {
      heads[bucket] = chain[block];
      return;
    }
    for (int at = heads[bucket]; at != NONE; at = chain[at]) {
      if (chain[at] == block) {
        chain[at] = chain[block];
        return;
      }
    }
    throw new IllegalStateException("block " + block + " is not mapped");
  }

  /** Pages of a group lie in neighbouring buckets, and pages of a bucket share a stripe. */
  private int bucket(long page) {
    long group = mix(page / GROUP_PAGES);
    return (int) (group * GROUP_PAGES + page % GROUP_PAGES) & (heads.length - 1);
  }

  private static long mix(long group) {
    long z = group * 0x9e3779b97f4a7c15L;
    return z ^ (z >>> 32);
  }
}

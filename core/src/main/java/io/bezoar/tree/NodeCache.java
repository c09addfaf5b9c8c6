package io.bezoar.tree;

import io.bezoar.media.Units;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * Nodes that were read or written lately, in a fixed number of places.
 *
 * <p>Invariant: memory is bounded by the number of places, whatever the size of the forest. A node
 * is known by address and generation, which never name two contents; so nothing is ever stale here,
 * and nothing has to be taken out when pages are used again.
 *
 * <p>No lock: an address belongs to a set of eight places; a look-up is up to eight loads, an
 * insert takes a free place or one that was not looked at since its clock last passed. A lost race
 * costs a node that is read again.
 */
final class NodeCache {
  private static final int WAYS = 8;

  /** A page, its headers, and the place itself. */
  private static final int BYTES_PER_NODE = Units.PAGE_BYTES + 128;

  private final AtomicReferenceArray<@Nullable Node> places;

  /** What the node in each place is known by, all of a set in one line of memory; a hint only. */
  private final long[] tags;

  private final int sets;

  NodeCache(long bytes) {
    this.sets = Math.clamp(bytes / BYTES_PER_NODE / WAYS, 1, Integer.MAX_VALUE / WAYS - 1);
    this.places = new AtomicReferenceArray<>(sets * WAYS);
    this.tags = new long[sets * WAYS];
  }

  @Nullable Node get(long address, long generation) {
    int base = base(address);
    long tag = address ^ generation;
    for (int i = base; i < base + WAYS; i++) {
      if (tags[i] != tag) {
        continue;
      }
      Node node = places.getAcquire(i);
      if (node != null && node.address == address && node.generation == generation) {
        if (!node.recent) {
          node.recent = true;
        }
        return node;
      }
    }
    return null;
  }

  void put(Node node) {
    int base = base(node.address);
    int victim = -1;
    for (int i = base; i < base + WAYS; i++) {
      Node there = places.getAcquire(i);
      if (there == null || there.address == node.address) {
        set(i, node);
        return;
      }
      if (there.recent) {
        there.recent = false;
      } else if (victim < 0) {
        victim = i;
      }
    }
    // All were looked at: the low bits of the generation are as good a choice as any.
    set(victim >= 0 ? victim : base + (int) (node.generation & (WAYS - 1)), node);
  }

  /** Two that set one place at once may leave the tag of one and the node of the other. */
  private void set(int place, Node node) {
    places.setRelease(place, node);
    tags[place] = node.address ^ node.generation;
  }

  /** Nodes held now. */
  int size() {
    int held = 0;
    for (int i = 0; i < places.length(); i++) {
      if (places.getOpaque(i) != null) {
        held++;
      }
    }
    return held;
  }

  /** Most nodes that can be held. */
  int capacity() {
    return places.length();
  }

  private int base(long address) {
    long mixed = address / Units.PAGE_BYTES * 0x9e3779b97f4a7c15L;
    return (int) ((mixed >>> 33) % sets) * WAYS;
  }
}

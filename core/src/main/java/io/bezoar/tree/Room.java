package io.bezoar.tree;

import static io.bezoar.media.Units.PAGE_BYTES;

import io.bezoar.dax.DaxDevice;
import org.jspecify.annotations.Nullable;

/**
 * Whether there is room for what is to be done.
 *
 * <p>Invariant: a commit never runs out of pages, because nothing is begun that it might have no
 * room for: the worst that an operation may do is counted before it does anything, together with
 * what has been applied, what runs, and the nodes of the forest's own trees that come with it.
 */
final class Room {
  private static final long RESERVE_MIN = 64;
  private static final long RESERVE_MAX = 4096;

  private final String device;
  private final PageAllocator allocator;
  private final long reservePages;

  /** Pages that a commit which runs now may still need. */
  private volatile long promised;

  Room(DaxDevice device, PageAllocator allocator) {
    this.device = device.info().name();
    this.allocator = allocator;
    this.reservePages = Math.clamp(device.sizeBytes() / PAGE_BYTES / 64, RESERVE_MIN, RESERVE_MAX);
  }

  /** Pages that ordinary transactions leave free. */
  long reservePages() {
    return reservePages;
  }

  /** Says what a commit that begins may need; 0 when it has ended. */
  void promise(long pages) {
    promised = pages;
  }

  /** Refuses what there may be no room for. */
  void require(Transaction transaction, Purpose purpose, long needed, Durable durable)
      throws ForestFullException {
    long left =
        pagesFor(transaction.gathering(), transaction, durable) - purpose.floorPages(reservePages);
    if (needed > left) {
      throw new ForestFullException(device, needed * PAGE_BYTES, left * PAGE_BYTES);
    }
  }

  ForestFullException full(Purpose purpose, long pages) {
    long left = allocator.available() - purpose.floorPages(reservePages);
    return new ForestFullException(device, pages * PAGE_BYTES, left * PAGE_BYTES);
  }

  /** Pages that are free and not promised to what is to be committed. */
  long pagesFor(Gathering gathered, Durable durable) {
    return pagesFor(gathered, null, durable);
  }

  private long pagesFor(Gathering gathered, @Nullable Transaction transaction, Durable durable) {
    long dirty = gathered.dirtyNodes;
    long groups = gathered.groups.cardinality();
    long freed = gathered.olderFreed + 2L * gathered.replaced.size();
    if (transaction != null) {
      dirty += transaction.dirtyNodes;
      groups += transaction.groups.cardinality();
      freed += transaction.olderFreed + 2L * transaction.replaced.size();
    }
    return allocator.available() - promised - needed(dirty, groups, freed, durable);
  }

  /**
   * Pages that a commit may need at most: two for each node, those of the forest's own trees
   * included, of which it touches no more than a path for each group.
   */
  private long needed(long dirty, long groups, long freed, Durable durable) {
    long held = durable.holds().isEmpty() ? 0 : 2 * (freed + 4);
    return 2 * (dirty + Math.min(2 * groups + 6, spaceNodesMax()) + 2) + held;
  }

  /** Refuses to make the tree of what is in use anew when so many pages are not enough for it. */
  void requireSpaceNodes(long left) throws ForestFullException {
    long needed = 2 * spaceNodesMax();
    if (needed > left) {
      throw new ForestFullException(device, needed * PAGE_BYTES, left * PAGE_BYTES);
    }
  }

  /** Most nodes that the tree of what is in use can have. */
  private long spaceNodesMax() {
    return allocator.groupCount() / 3 + allocator.groupCount() / 60 + 3L;
  }
}

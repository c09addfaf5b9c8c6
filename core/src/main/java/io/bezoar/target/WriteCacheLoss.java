package io.bezoar.target;

import static io.bezoar.media.Units.PAGE_BYTES;

import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.DeviceState;
import io.bezoar.dax.PoisonEntry;
import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import io.bezoar.target.WriteCacheIndex.State;
import io.bezoar.target.WriteCachedTarget.Slot;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;

/**
 * What a write cache cannot serve now, in its own addresses: of what its children say is bad or
 * away, what the other one does not have.
 *
 * <p>A page that is cached is the fast device's business, and else the origin's; a clean block is
 * neither's, since the origin has the same. Looks only; the index may change meanwhile, so that a
 * page which moves is told as it was or as it will be.
 */
final class WriteCacheLoss {
  private final WriteCacheCore core;
  private final WriteCacheChildren children;

  WriteCacheLoss(WriteCacheCore core, WriteCacheChildren children) {
    this.core = core;
    this.children = children;
  }

  /** What is not there, of a device of {@code sizeBytes}. */
  ByteRanges unavailable(long sizeBytes) {
    ByteRanges whole = ByteRanges.of(new ByteRange(0, sizeBytes));
    boolean originThere = children.there(Slot.ORIGIN);
    if (!children.there(Slot.FAST)) {
      return originThere ? core.dirty() : whole;
    }
    ByteRanges missing = ByteRanges.EMPTY;
    if (!originThere) {
      missing = whole.minus(core.cached());
    } else if (children.stateOf(Slot.ORIGIN) == DeviceState.PARTIAL) {
      DaxDevice origin = Objects.requireNonNull(children.get(Slot.ORIGIN));
      missing = ByteRanges.of(origin.unavailable()).intersect(whole).minus(core.cached());
    }
    return children.stateOf(Slot.FAST) == DeviceState.PARTIAL
        ? missing.union(unavailableOnFast())
        : missing;
  }

  private ByteRanges unavailableOnFast() {
    DaxDevice fast = Objects.requireNonNull(children.get(Slot.FAST));
    List<ByteRange> own = new ArrayList<>();
    for (ByteRange range : fast.unavailable()) {
      forBlocks(
          range,
          (block, part) -> {
            if (isOnlyHere(block)) {
              own.add(ownRange(block, part));
            }
          });
    }
    return ByteRanges.of(own);
  }

  /** What is bad within a range, ascending. */
  List<PoisonEntry> poison(ByteRange range) {
    List<PoisonEntry> own = new ArrayList<>();
    DaxDevice origin = children.get(Slot.ORIGIN);
    if (origin != null) {
      for (PoisonEntry entry : origin.poison(range)) {
        own.addAll(uncached(entry));
      }
    }
    DaxDevice fast = children.get(Slot.FAST);
    if (fast != null) {
      for (PoisonEntry entry : fast.poison(core.geometry.data())) {
        forBlocks(entry.range(), (block, part) -> addDirty(entry, block, range, own));
      }
    }
    own.sort(Comparator.comparing(PoisonEntry::range));
    return own;
  }

  /** The parts of an entry of the origin whose bytes the cache does not have. */
  private List<PoisonEntry> uncached(PoisonEntry entry) {
    ByteRange pages = entry.range().alignOutward(PAGE_BYTES);
    long[] cached;
    core.index.lock.lock();
    try {
      cached = core.index.cached(pages.start() / PAGE_BYTES, pages.length() / PAGE_BYTES);
    } finally {
      core.index.lock.unlock();
    }
    if (cached.length == 0) {
      return List.of(entry);
    }
    ByteRanges inCache =
        ByteRanges.of(Arrays.stream(cached).mapToObj(WriteCacheGeometry::page).toList());
    return ByteRanges.of(entry.range()).minus(inCache).asList().stream()
        .map(part -> entry.withRange(part))
        .toList();
  }

  private void addDirty(PoisonEntry entry, int block, ByteRange wanted, List<PoisonEntry> to) {
    core.index.lock.lock();
    try {
      if (isOnlyHere(block)) {
        ByteRange own = ownRange(block, entry.range()).intersect(wanted);
        if (!own.isEmpty()) {
          to.add(entry.withRange(own));
        }
      }
    } finally {
      core.index.lock.unlock();
    }
  }

  // Blocks of the fast device.

  private interface BlockVisitor {
    void visit(int block, ByteRange part);
  }

  /** Each block that a range of the fast device touches, with the part of it. */
  private void forBlocks(ByteRange fast, BlockVisitor visitor) {
    ByteRange inside = fast.intersect(core.geometry.data());
    if (inside.isEmpty()) {
      return;
    }
    int last = core.geometry.blockAt(inside.end() - 1);
    for (int block = core.geometry.blockAt(inside.start()); block <= last; block++) {
      visitor.visit(block, inside.intersect(core.geometry.block(block)));
    }
  }

  /** It holds the newest content of a page, and the origin does not. */
  private boolean isOnlyHere(int block) {
    State state = core.index.state(block);
    return WriteCacheIndex.holdsNewest(state) && state != State.CLEAN;
  }

  private ByteRange ownRange(int block, ByteRange fast) {
    return fast.intersect(core.geometry.block(block))
        .shift(core.index.page(block) * PAGE_BYTES - core.geometry.blockOffset(block));
  }
}

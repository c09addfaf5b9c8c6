package io.bezoar.target;

import io.bezoar.dax.DaxDevice;
import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import io.bezoar.media.Cause;
import io.bezoar.media.Units;
import io.bezoar.target.WriteCacheIndex.State;
import io.bezoar.target.WriteCacheLayout.Entry;
import io.bezoar.target.WriteCacheLayout.Kind;
import io.bezoar.target.WriteCachedTarget.Slot;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** The parts of an open write cache, once its fast device has been read. */
final class WriteCacheCore {
  /** Told of what was mended while it was opened. */
  interface Mended {
    void mended(ByteRange fast, Cause cause, boolean complete);
  }

  final WriteCacheGeometry geometry;
  final WriteCacheTable table;
  final WriteCacheIndex index;
  final WriteCacheStripes stripes;
  final WriteCacheWriteBack writeBack;
  final WriteCacheKeeper keeper;
  final WriteCacheHealer healer;
  final WriteCacheReader reader;
  final WriteCacheWriter writer;
  private static final int PAGE = Units.PAGE_BYTES;

  private final WriteCacheChildren children;

  WriteCacheCore(WriteCacheTable table, WriteCacheChildren children) {
    this.table = table;
    this.geometry = table.geometry();
    this.children = children;
    this.index = new WriteCacheIndex(geometry.blocks());
    this.stripes = new WriteCacheStripes(index.map);
    this.writeBack = new WriteCacheWriteBack(index, geometry, children);
    this.keeper = new WriteCacheKeeper(index, table, children, writeBack);
    this.healer = new WriteCacheHealer(index, geometry, children, stripes, keeper, writeBack);
    this.reader = new WriteCacheReader(index, geometry, children, healer);
    this.writer = new WriteCacheWriter(index, geometry, children, stripes, keeper, reader);
  }

  /** What stands in the tables of a fast device. */
  static final class Loaded {
    private final Entry[] entries;
    private final WriteCacheTable.Defects defects;

    private Loaded(Entry[] entries, WriteCacheTable.Defects defects) {
      this.entries = entries;
      this.defects = defects;
    }

    /** One for each block; where none is known, a free one. */
    Entry[] entries() {
      return entries;
    }

    WriteCacheTable.Defects defects() {
      return defects;
    }
  }

  /**
   * Reads the tables.
   *
   * @throws WriteCacheUnknownException when both copies of an entry are gone, unless accepted
   */
  static Loaded load(String name, WriteCacheTable table, DaxDevice fast, WriteCacheOptions options)
      throws IOException {
    WriteCacheGeometry geometry = table.geometry();
    Entry[] entries = new Entry[geometry.blocks()];
    List<ByteRange> unknown = new ArrayList<>();
    WriteCacheTable.Defects defects =
        table.load(
            fast,
            (block, entry) -> {
              entries[block] = entry == null ? new Entry(Kind.FREE, 0, 0, 0) : entry;
              if (entry == null) {
                unknown.add(geometry.block(block));
              }
            });
    if (!unknown.isEmpty() && options.unknown() == WriteCacheOptions.Unknown.REFUSE) {
      throw new WriteCacheUnknownException(
          name, unknown.size(), ByteRanges.of(unknown).widenTo(64).asList());
    }
    return new Loaded(entries, defects);
  }

  /** Takes over what was loaded; of two blocks for one page the later written counts. */
  void adopt(Loaded loaded) {
    Entry[] entries = loaded.entries();
    Integer[] order = new Integer[entries.length];
    Arrays.setAll(order, block -> block);
    // Latest first, so that whoever comes to a page first holds its newest content.
    Arrays.sort(
        order,
        (a, b) -> {
          int bySequence = Long.compare(entries[b].sequence(), entries[a].sequence());
          return bySequence != 0 ? bySequence : Integer.compare(a, b);
        });
    index.lock.lock();
    try {
      boolean[] older = new boolean[entries.length];
      for (int block : order) {
        Entry entry = entries[block];
        if (entry.kind() != Kind.FREE) {
          older[block] = index.map.find(entry.page()) >= 0;
          if (!older[block]) {
            index.adopt(block, entry);
          }
        }
      }
      // The lists are to begin with the oldest.
      for (int i = order.length - 1; i >= 0; i--) {
        int block = order[i];
        if (older[block]) {
          index.adoptOlder(block, entries[block]);
        } else if (entries[block].kind() == Kind.FREE) {
          index.adopt(block, entries[block]);
        } else {
          index.become(block, index.state(block));
        }
      }
    } finally {
      index.lock.unlock();
    }
  }

  /**
   * Makes both copies say the same, and looks at what is known to be bad. What a crash left in one
   * copy only counts, so it must not go away with that copy.
   */
  void settle(Loaded loaded, @Nullable DaxDevice origin, Mended mended) throws IOException {
    DaxDevice fast = children.fast();
    keeper.lock.lock();
    try {
      for (ByteRange bad : loaded.defects().damaged().asList()) {
        mend(fast, bad, mended);
      }
      for (ByteRange bad : table.badSuperblocks(fast)) {
        mend(fast, bad, mended);
      }
      int[] uneven = loaded.defects().uneven();
      for (int copy = 0; copy < WriteCacheGeometry.COPIES && uneven.length > 0; copy++) {
        table.write(fast, copy, uneven, this::standing);
        fast.persist();
      }
      lookAtBlocks(fast);
      if (origin != null && children.there(Slot.ORIGIN)) {
        lookAtOrigin(origin);
      }
      keeper.commit();
    } finally {
      keeper.lock.unlock();
    }
  }

  private void mend(DaxDevice fast, ByteRange bad, Mended mended) throws IOException {
    Cause cause =
        fast.poison(bad).stream().findFirst().map(entry -> entry.cause()).orElse(Cause.CHECKSUM);
    mended.mended(bad, cause, table.mend(fast, bad, this::standing));
  }

  /** What stands on media now: older entries are erased only when the newer ones are durable. */
  private Entry standing(int block) {
    index.lock.lock();
    try {
      return index.state(block) == State.ERASING
          ? new Entry(Kind.DIRTY, index.page(block), index.sequence(block), index.sum(block))
          : index.entry(block);
    } finally {
      index.lock.unlock();
    }
  }

  /** Blocks whose media is known to be bad are not used before they are cleared. */
  private void lookAtBlocks(DaxDevice fast) throws IOException {
    int[] bad =
        WriteCacheHealer.lost(fast, geometry.data()).alignOutward(PAGE).asList().stream()
            .flatMapToInt(
                range ->
                    IntStream.range(
                        geometry.blockAt(range.start()), geometry.blockAt(range.end() - 1) + 1))
            .toArray();
    for (int block : bad) {
      State state;
      index.lock.lock();
      try {
        index.setHurt(block);
        state = index.state(block);
        if (state == State.FREE) {
          index.become(block, State.RETIRED);
        }
      } finally {
        index.lock.unlock();
      }
      if (state == State.FREE) {
        keeper.clear(new int[] {block});
      }
    }
  }

  /** What the origin is known to have lost, and the cache has, is dirty once more. */
  private void lookAtOrigin(DaxDevice origin) {
    for (ByteRange bad :
        WriteCacheHealer.lost(origin, new ByteRange(0, geometry.originBytes())).asList()) {
      ByteRange pages = bad.alignOutward(PAGE);
      long first = pages.start() / PAGE;
      index.lock.lock();
      try {
        for (long page : index.cached(first, pages.length() / PAGE)) {
          index.becomeDirtyAgain(index.map.find(page));
        }
      } finally {
        index.lock.unlock();
      }
    }
  }

  int dirtyCount() {
    index.lock.lock();
    try {
      return index.dirtyCount();
    } finally {
      index.lock.unlock();
    }
  }

  /** Bytes that only the fast device has. */
  ByteRanges dirty() {
    index.lock.lock();
    try {
      return pages(index.dirtyPages());
    } finally {
      index.lock.unlock();
    }
  }

  /** Bytes that the fast device has. */
  ByteRanges cached() {
    index.lock.lock();
    try {
      return pages(index.cached(0, geometry.originPages()));
    } finally {
      index.lock.unlock();
    }
  }

  private static ByteRanges pages(long[] pages) {
    return ByteRanges.of(Arrays.stream(pages).mapToObj(WriteCacheGeometry::page).toList());
  }
}

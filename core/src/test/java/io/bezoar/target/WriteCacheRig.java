package io.bezoar.target;

import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.LeafDevice;
import io.bezoar.dax.NoticeDispatcher;
import io.bezoar.dax.PoisonRegion;
import io.bezoar.media.ByteRange;
import io.bezoar.media.FaultKind;
import io.bezoar.media.FaultSpec;
import io.bezoar.media.SimMedia;
import io.bezoar.media.Units;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Objects;
import java.util.UUID;
import java.util.function.LongPredicate;

/** A write cache on two simulated media; notices are delivered on request. */
final class WriteCacheRig {
  static final int PAGE = Units.PAGE_BYTES;
  static final UUID CACHE = new UUID(1, 2);
  static final InstantSource CLOCK = InstantSource.fixed(Instant.ofEpochMilli(1_000));

  /** Write-back on request only. */
  static final WriteCacheOptions ON_REQUEST =
      new WriteCacheOptions(_ -> {}, 100, 100, WriteCacheOptions.Unknown.REFUSE);

  /** Everything is written back before a write returns. */
  static final WriteCacheOptions AT_ONCE =
      new WriteCacheOptions(Runnable::run, 0, 0, WriteCacheOptions.Unknown.REFUSE);

  /** What stands on a media. */
  enum Kind {
    BARE,
    PROTECTED
  }

  /** One of the two devices, on media of its own. */
  static final class Side {
    private static final long LIST_BYTES = 8L * PAGE;
    private static final int COLUMNS = 4;

    final String name;
    final Kind kind;
    private final Geometry geometry;
    final ByteRange region;
    SimMedia media;
    DaxDevice device;
    private NoticeDispatcher leafNotices = new NoticeDispatcher("leaf", CLOCK, _ -> {});
    private NoticeDispatcher deviceNotices;

    Side(String name, Kind kind, int pages, long seed) throws IOException {
      this.name = name;
      this.kind = kind;
      long rows = Math.ceilDiv(pages, COLUMNS - 1);
      long bytes = kind == Kind.BARE ? (long) pages * PAGE : (rows * COLUMNS + 2 * 13) * PAGE;
      this.region = ByteRange.ofLength(LIST_BYTES, bytes);
      this.geometry =
          new Geometry(
              ByteRange.ofLength(LIST_BYTES, (rows * COLUMNS + 2 * 13) * PAGE),
              COLUMNS,
              rows,
              1,
              12);
      this.media = SimMedia.create(name, region.end() + LIST_BYTES, seed);
      LeafDevice.format(media, lists());
      if (kind == Kind.PROTECTED) {
        try (LeafDevice leaf = leaf()) {
          ProtectedTarget.format(leaf, geometry);
        }
        media = media.reopen();
      }
      open();
    }

    private PoisonRegion lists() {
      return new PoisonRegion(
          new ByteRange(0, LIST_BYTES), ByteRange.ofLength(region.end(), LIST_BYTES));
    }

    private LeafDevice leaf() throws IOException {
      leafNotices = new NoticeDispatcher(name, CLOCK, _ -> {});
      return LeafDevice.open(media, lists(), CLOCK, leafNotices);
    }

    void open() throws IOException {
      LeafDevice leaf = leaf();
      deviceNotices = new NoticeDispatcher(name, CLOCK, _ -> {});
      device =
          switch (kind) {
            case BARE -> LinearTarget.open(name, leaf, region, deviceNotices);
            case PROTECTED -> ProtectedTarget.open(leaf, geometry, CLOCK, deviceNotices);
          };
    }

    void crash(LongPredicate survives) throws IOException {
      media = media.crash(survives);
    }

    void reopened() {
      media = media.reopen();
    }

    /** One fault at bytes of the device. */
    void strike(ByteRange range, FaultKind kindOfFault, boolean stuck) throws IOException {
      media.injector().inject(new FaultSpec(kindOfFault, below(range), stuck, 1));
    }

    /** So much that the device loses {@code range}. */
    void lose(ByteRange range, boolean stuck) throws IOException {
      strike(range, FaultKind.POISON, stuck);
      if (kind == Kind.PROTECTED) {
        ByteRange pages = range.alignOutward(PAGE);
        for (long page = pages.start() / PAGE; page < pages.end() / PAGE; page++) {
          long parity = geometry.parityOffset(geometry.rowOf(page));
          media
              .injector()
              .inject(FaultSpec.of(FaultKind.POISON, ByteRange.ofLength(parity, PAGE), 1));
        }
      }
    }

    ByteRange below(ByteRange range) {
      return kind == Kind.BARE ? range.shift(region.start()) : geometry.toChild(range);
    }

    void drain() {
      leafNotices.drain();
      deviceNotices.drain();
    }
  }

  final Side fast;
  final Side origin;
  final long originBytes;
  WriteCacheOptions options;
  WriteCachedTarget target;
  NoticeDispatcher notices;

  WriteCacheRig(
      Kind fastKind,
      Kind originKind,
      int blocks,
      int originPages,
      WriteCacheOptions options,
      long seed)
      throws IOException {
    this.originBytes = (long) originPages * PAGE;
    this.options = options;
    // Two superblocks, two tables.
    this.fast = new Side("fast", fastKind, blocks + 4, seed);
    this.origin = new Side("origin", originKind, originPages, seed + 1);
    WriteCachedTarget.format(CACHE, fast.device, originBytes);
    start();
  }

  /** Opens the target on sides that are open. */
  void start() throws IOException {
    notices = new NoticeDispatcher("cache", CLOCK, _ -> {});
    target =
        WriteCachedTarget.open(
            "cache", CACHE, fast.device, origin.device, originBytes, options, notices);
  }

  void crash(LongPredicate survives) throws IOException {
    fast.crash(survives);
    origin.crash(survives);
    fast.open();
    origin.open();
    start();
  }

  void reopen() throws IOException {
    target.close();
    fast.reopened();
    origin.reopened();
    fast.open();
    origin.open();
    start();
  }

  /** Delivers what waits, bottom up, until nothing does. */
  void deliver() {
    for (int i = 0; i < 3; i++) {
      fast.drain();
      origin.drain();
      notices.drain();
    }
  }

  WriteCacheCore core() {
    return Objects.requireNonNull(target.core());
  }

  /** Where the cache holds a page, on the fast device; empty when it does not. */
  ByteRange cached(long page) {
    int block = core().index.map.find(page);
    return block < 0 ? new ByteRange(0, 0) : core().geometry.block(block);
  }

  /** Calls for each page of {@code range} with the part of it. */
  interface Visitor {
    void visit(long page, ByteRange part) throws IOException;
  }

  static void pages(ByteRange range, Visitor visitor) throws IOException {
    for (long page = range.start() / PAGE; page * PAGE < range.end(); page++) {
      visitor.visit(page, WriteCacheGeometry.page(page).intersect(range));
    }
  }

  /** The same bytes where the cache holds them. */
  ByteRange inCache(long page, ByteRange part) {
    return part.shift(cached(page).start() - page * PAGE);
  }

  byte[] read(long offset, int length) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment dst = arena.allocate(length, PAGE);
      target.read(offset, dst);
      return dst.toArray(ValueLayout.JAVA_BYTE);
    }
  }

  void write(long offset, byte[] bytes) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment src = arena.allocate(bytes.length, PAGE);
      src.copyFrom(MemorySegment.ofArray(bytes));
      target.write(offset, src);
    }
  }

  static byte[] filled(int length, int value) {
    byte[] bytes = new byte[length];
    java.util.Arrays.fill(bytes, (byte) value);
    return bytes;
  }
}

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
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A child for devices under test, on a simulation: a leaf whose bytes are those of the media, or a
 * protected device on one. Notices are delivered on request.
 */
final class SimChild {
  static final int PAGE = Units.PAGE_BYTES;
  private static final InstantSource CLOCK = InstantSource.fixed(Instant.EPOCH);
  private static final long LIST_BYTES = 8L * PAGE;

  private final String name;
  private final @Nullable Geometry geometry;
  private final long usableBytes;
  private SimMedia media;
  private NoticeDispatcher leafNotices;
  private NoticeDispatcher notices;
  private DaxDevice device;

  private SimChild(String name, SimMedia media, @Nullable Geometry geometry) throws IOException {
    this.name = name;
    this.media = media;
    this.geometry = geometry;
    this.usableBytes =
        geometry == null ? media.sizeBytes() - 2 * LIST_BYTES : geometry.volumeBytes();
    start();
  }

  /** A leaf whose first {@code pages} may be used; its list lies behind them. */
  static SimChild leaf(String name, long pages, long seed) throws IOException {
    SimMedia media = SimMedia.create(name, pages * PAGE + 2 * LIST_BYTES, seed);
    LeafDevice.format(media, lists(media));
    return new SimChild(name, media, null);
  }

  /** A protected device. */
  static SimChild guarded(String name, int columns, long rows, long seed) throws IOException {
    long sums = Math.ceilDiv(rows * (columns - 1), (long) ChecksumLayout.ENTRIES_PER_PAGE);
    long journalPages = 10;
    long pages = 2 * (sums + journalPages) + rows * columns;
    Geometry geometry =
        new Geometry(ByteRange.ofLength(0, pages * PAGE), columns, rows, sums, journalPages);
    SimMedia media = SimMedia.create(name, pages * PAGE + 2 * LIST_BYTES, seed);
    LeafDevice.format(media, lists(media));
    try (LeafDevice leaf = LeafDevice.open(media, lists(media), CLOCK, dispatcher(name))) {
      ProtectedTarget.format(leaf, geometry);
    }
    return new SimChild(name, media.reopen(), geometry);
  }

  private static PoisonRegion lists(SimMedia media) {
    long end = media.sizeBytes();
    return new PoisonRegion(
        new ByteRange(end - 2 * LIST_BYTES, end - LIST_BYTES),
        new ByteRange(end - LIST_BYTES, end));
  }

  static NoticeDispatcher dispatcher(String name) {
    return new NoticeDispatcher(name, CLOCK, _ -> {});
  }

  /** Opens the device on the media. */
  void start() throws IOException {
    leafNotices = dispatcher(name);
    notices = leafNotices;
    LeafDevice leaf = LeafDevice.open(media, lists(media), CLOCK, leafNotices);
    device = leaf;
    if (geometry != null) {
      notices = dispatcher(name);
      device = ProtectedTarget.open(leaf, geometry, CLOCK, notices, WritePath.WriteMode.DIRECT);
    }
  }

  DaxDevice device() {
    return device;
  }

  SimMedia media() {
    return media;
  }

  boolean isGuarded() {
    return geometry != null;
  }

  /** Bytes from the start of the device. */
  long usableBytes() {
    return usableBytes;
  }

  /** What the next {@link #start} finds. */
  void put(SimMedia next) {
    media = next;
  }

  void drain() {
    leafNotices.drain();
    notices.drain();
  }

  /** Where bytes of the device lie on media. */
  ByteRange onMedia(ByteRange range) {
    return geometry == null ? range : geometry.toChild(range);
  }

  void strike(FaultKind kind, ByteRange range, long seed) throws IOException {
    media.injector().inject(FaultSpec.of(kind, onMedia(range), seed));
  }

  /** More than the device outlives. */
  void lose(ByteRange range, boolean stuck) throws IOException {
    media.injector().inject(new FaultSpec(FaultKind.POISON, onMedia(range), stuck, 1));
    if (geometry != null) {
      ByteRange pages = range.alignOutward(PAGE);
      for (long page = pages.start() / PAGE; page < pages.end() / PAGE; page++) {
        ByteRange parity = ByteRange.ofLength(geometry.parityOffset(geometry.rowOf(page)), PAGE);
        media.injector().inject(FaultSpec.of(FaultKind.POISON, parity, 1));
      }
    }
  }

  static List<Long> sizes(List<SimChild> children) {
    return children.stream().map(SimChild::usableBytes).toList();
  }
}

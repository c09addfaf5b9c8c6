package io.bezoar.tree;

import static org.assertj.core.api.Assertions.assertThat;

import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.LeafDevice;
import io.bezoar.dax.NoticeDispatcher;
import io.bezoar.dax.PoisonRegion;
import io.bezoar.media.ByteRange;
import io.bezoar.media.FaultKind;
import io.bezoar.media.FaultSpec;
import io.bezoar.media.SimMedia;
import io.bezoar.media.Units;
import io.bezoar.target.Geometry;
import io.bezoar.target.LinearTarget;
import io.bezoar.target.ProtectedTarget;
import java.io.IOException;
import java.time.Instant;
import java.time.InstantSource;

/** A forest on a device on simulated media. */
final class TreeRig {
  static final int PAGE = Units.PAGE_BYTES;
  private static final long LIST_BYTES = 16L * PAGE;
  private static final InstantSource CLOCK = InstantSource.fixed(Instant.EPOCH);

  /** What the forest stands on. */
  enum Below {
    LEAF,
    PROTECTED
  }

  final Below below;
  final ForestOptions options;
  private final Geometry geometry;
  SimMedia media;
  DaxDevice device;
  Forest forest;

  private TreeRig(Below below, SimMedia media, Geometry geometry, ForestOptions options, long seed)
      throws IOException {
    this.below = below;
    this.media = media;
    this.geometry = geometry;
    this.options = options;
    this.device = device(below, media, geometry);
    Forest.format(device, seed ^ 0x5eed);
    this.forest = Forest.open(device, options);
  }

  static ForestOptions options() {
    return new ForestOptions(256 << 10, 64 << 20, Runnable::run);
  }

  static TreeRig create(Below below, int pages, long seed) throws IOException {
    return create(below, pages, seed, options());
  }

  /** A forest of at least {@code pages} pages, just formatted. */
  static TreeRig create(Below below, int pages, long seed, ForestOptions options)
      throws IOException {
    long payload = below == Below.LEAF ? pages : pages * 3L / 2 + 64;
    SimMedia media = SimMedia.create("sim", payload * PAGE + 2 * LIST_BYTES, seed);
    ByteRange region = ByteRange.ofLength(LIST_BYTES, payload * PAGE);
    Geometry geometry = ProtectedTarget.plan(region, 4);
    LeafDevice.format(media, lists(media));
    if (below == Below.PROTECTED) {
      try (LeafDevice child = LeafDevice.open(media, lists(media), CLOCK, dispatcher("child"))) {
        ProtectedTarget.format(child, geometry);
      }
      media = media.reopen();
    }
    return new TreeRig(below, media, geometry, options, seed);
  }

  private static PoisonRegion lists(SimMedia media) {
    long size = media.sizeBytes();
    return new PoisonRegion(new ByteRange(0, LIST_BYTES), new ByteRange(size - LIST_BYTES, size));
  }

  private static NoticeDispatcher dispatcher(String name) {
    return new NoticeDispatcher(name, CLOCK, _ -> {});
  }

  private static DaxDevice device(Below below, SimMedia media, Geometry geometry)
      throws IOException {
    LeafDevice leaf = LeafDevice.open(media, lists(media), CLOCK, dispatcher("child"));
    ByteRange region = new ByteRange(LIST_BYTES, media.sizeBytes() - LIST_BYTES);
    return below == Below.LEAF
        ? LinearTarget.open("volume", leaf, region, dispatcher("volume"))
        : ProtectedTarget.open(leaf, geometry, CLOCK, dispatcher("volume"));
  }

  /** Closes the forest and opens it again on the same device. */
  void reopen() throws IOException {
    forest.close();
    forest = Forest.open(device, options);
  }

  /** Opens on what a power cut left. */
  void reopenOn(SimMedia survivors) throws IOException {
    media = survivors;
    device = device(below, media, geometry);
    forest = Forest.open(device, options);
  }

  /** Where a byte of the device is on the media. */
  long onMedia(long offset) {
    return below == Below.LEAF
        ? LIST_BYTES + offset
        : geometry.toChild(new ByteRange(offset, offset + 1)).start();
  }

  /** Media that the device stands on: without poison lists, which have tests of their own. */
  ByteRange struckRegion() {
    return new ByteRange(LIST_BYTES, media.sizeBytes() - LIST_BYTES);
  }

  void strike(FaultKind kind, long offset, long seed) throws IOException {
    media.injector().inject(FaultSpec.of(kind, ByteRange.ofLength(onMedia(offset), PAGE), seed));
  }

  /** A page that was struck can be read again, if it is not yet. */
  void cure(long offset) throws IOException {
    media.injector().disarm(ByteRange.ofLength(onMedia(offset), PAGE));
  }

  Tree tree(String name) throws IOException {
    try (Transaction tx = forest.begin(Purpose.ORDINARY)) {
      Tree tree = tx.createTree(name);
      tx.commit().join();
      return tree;
    }
  }

  /** Everything is whole, and bad copies were none, or are rewritten. */
  void assertClean() throws IOException {
    ForestReport report = forest.check(DataPages.NONE);
    assertThat(report.problems()).isEmpty();
    assertThat(report.damage()).isEmpty();
    assertThat(report.leaked()).isEmpty();
  }

  static byte[] key(long number) {
    byte[] key = new byte[8];
    for (int i = 0; i < 8; i++) {
      key[i] = (byte) (number >>> (8 * (7 - i)));
    }
    return key;
  }
}

package io.bezoar.fs;

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
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicLong;

/** A filesystem on a device on simulated media. Nothing becomes durable by itself. */
final class FsRig {
  static final int PAGE = Units.PAGE_BYTES;

  /** Nodes that fit in memory are few, so that most are read again and again. */
  static final long CACHE_BYTES = 256 << 10;

  private static final long LIST_BYTES = 16L * PAGE;
  private static final InstantSource FIXED = InstantSource.fixed(Instant.EPOCH);

  /** What the filesystem stands on. */
  enum Below {
    LEAF,
    PROTECTED
  }

  /** Time that passes when it is told to. */
  static final class Clock implements InstantSource {
    private final AtomicLong nanos = new AtomicLong(1_000_000_007L);

    long nanos() {
      return nanos.get();
    }

    void advance() {
      nanos.addAndGet(1_000_003);
    }

    @Override
    public Instant instant() {
      return Instant.ofEpochSecond(0, nanos.get());
    }
  }

  final Clock clock = new Clock();
  final Below below;
  final FilesystemOptions options;
  private final Geometry geometry;
  SimMedia media;
  DaxDevice device;
  Filesystem fs;

  private FsRig(Below below, SimMedia media, Geometry geometry, Executor executor, long seed)
      throws IOException {
    this.below = below;
    this.media = media;
    this.geometry = geometry;
    this.options = new FilesystemOptions(clock, executor, Duration.ZERO, CACHE_BYTES);
    this.device = device(below, media, geometry);
    Filesystem.format(device, seed ^ 0x5eed, NewFile.standard(FileType.DIRECTORY), options);
    this.fs = Filesystem.open(device, options);
  }

  /** A filesystem on {@code mebibytes} or a little more, just formatted. */
  static FsRig create(Below below, int mebibytes, long seed) throws IOException {
    return create(below, mebibytes, seed, Runnable::run);
  }

  static FsRig create(Below below, int mebibytes, long seed, Executor executor) throws IOException {
    long pages = mebibytes * 256L;
    long payload = below == Below.LEAF ? pages : pages * 4L / 3 + 128;
    SimMedia media = SimMedia.create("sim", payload * PAGE + 2 * LIST_BYTES, seed);
    Geometry geometry = ProtectedTarget.plan(ByteRange.ofLength(LIST_BYTES, payload * PAGE), 4);
    LeafDevice.format(media, lists(media));
    if (below == Below.PROTECTED) {
      try (LeafDevice child = LeafDevice.open(media, lists(media), FIXED, dispatcher("child"))) {
        ProtectedTarget.format(child, geometry);
      }
      media = media.reopen();
    }
    return new FsRig(below, media, geometry, executor, seed);
  }

  private static PoisonRegion lists(SimMedia media) {
    long size = media.sizeBytes();
    return new PoisonRegion(new ByteRange(0, LIST_BYTES), new ByteRange(size - LIST_BYTES, size));
  }

  private static NoticeDispatcher dispatcher(String name) {
    return new NoticeDispatcher(name, FIXED, _ -> {});
  }

  /** The device as its media is now, without a filesystem on it, which would change it. */
  DaxDevice deviceAlone() throws IOException {
    return device(below, media, geometry);
  }

  private static DaxDevice device(Below below, SimMedia media, Geometry geometry)
      throws IOException {
    LeafDevice leaf = LeafDevice.open(media, lists(media), FIXED, dispatcher("child"));
    ByteRange region = new ByteRange(LIST_BYTES, media.sizeBytes() - LIST_BYTES);
    return below == Below.LEAF
        ? LinearTarget.open("volume", leaf, region, dispatcher("volume"))
        : ProtectedTarget.open(leaf, geometry, FIXED, dispatcher("volume"));
  }

  /** Closes the filesystem and opens it again on the same device. */
  void reopen() throws IOException {
    fs.close();
    fs = Filesystem.open(device, options);
  }

  /** Opens on what a power cut left. */
  void reopenOn(SimMedia survivors) throws IOException {
    media = survivors;
    device = device(below, media, geometry);
    fs = Filesystem.open(device, options);
  }

  /** Where a byte of the device is on the media. */
  long onMedia(long offset) {
    return below == Below.LEAF
        ? LIST_BYTES + offset
        : geometry.toChild(new ByteRange(offset, offset + 1)).start();
  }

  /** A page of the device goes bad. */
  void strike(FaultKind kind, long offset, long seed) throws IOException {
    media.injector().inject(FaultSpec.of(kind, ByteRange.ofLength(onMedia(offset), PAGE), seed));
  }

  /** Does everything that waits in the background. */
  void settle() throws IOException {
    for (int i = 0; i < 10_000; i++) {
      if (!fs.tick()) {
        return;
      }
    }
    throw new AssertionError("the background never comes to an end");
  }

  CheckReport assertClean() throws IOException {
    CheckReport report = fs.check();
    assertThat(report.problems()).isEmpty();
    assertThat(report.truncated()).isZero();
    return report;
  }
}

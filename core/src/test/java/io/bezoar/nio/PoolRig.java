package io.bezoar.nio;

import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.LeafDevice;
import io.bezoar.dax.NoticeDispatcher;
import io.bezoar.dax.PoisonRegion;
import io.bezoar.fs.FileType;
import io.bezoar.fs.Filesystem;
import io.bezoar.fs.FilesystemOptions;
import io.bezoar.fs.NewFile;
import io.bezoar.fs.OpenFile;
import io.bezoar.fs.PathWalk;
import io.bezoar.media.ByteRange;
import io.bezoar.media.FaultKind;
import io.bezoar.media.FaultSpec;
import io.bezoar.media.SimMedia;
import io.bezoar.media.Units;
import io.bezoar.target.LinearTarget;
import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.concurrent.atomic.AtomicInteger;

/** A pool on simulated media, as a file system. Closing it checks the pool. */
final class PoolRig implements AutoCloseable {
  private static final long LIST_BYTES = 16L * Units.PAGE_BYTES;
  private static final AtomicInteger COUNT = new AtomicInteger();

  final SimMedia media;
  final Filesystem files;
  final FileSystem fs;

  private PoolRig(int mebibytes, long seed) throws IOException {
    this.media = SimMedia.create("sim", ((long) mebibytes << 20) + 2 * LIST_BYTES, seed);
    long size = media.sizeBytes();
    PoisonRegion lists =
        new PoisonRegion(new ByteRange(0, LIST_BYTES), new ByteRange(size - LIST_BYTES, size));
    LeafDevice.format(media, lists);
    DaxDevice leaf = LeafDevice.open(media, lists, InstantSource.system(), notices("leaf"));
    DaxDevice volume =
        LinearTarget.open(
            "volume", leaf, new ByteRange(LIST_BYTES, size - LIST_BYTES), notices("volume"));
    FilesystemOptions options =
        new FilesystemOptions(InstantSource.system(), Runnable::run, Duration.ZERO, 4 << 20);
    Filesystem.format(volume, seed, NewFile.standard(FileType.DIRECTORY), options);
    this.files = Filesystem.open(volume, options);
    this.fs = BezoarFileSystems.of(Path.of("/sim/pool-" + COUNT.incrementAndGet()), files);
  }

  private static NoticeDispatcher notices(String name) {
    return new NoticeDispatcher(name, InstantSource.system(), _ -> {});
  }

  static PoolRig create(int mebibytes) throws IOException {
    return new PoolRig(mebibytes, 7);
  }

  Path root() {
    return fs.getPath("/");
  }

  /** A page of a file goes bad for good. */
  void lose(String path, long page) throws IOException {
    PathWalk.Found file = new PathWalk(files).get(path, PathWalk.LastLink.FOLLOW);
    try (OpenFile open = files.open(file.id())) {
      ByteRange range = ByteRange.ofLength(page * Units.PAGE_BYTES, Units.PAGE_BYTES);
      long device = open.extents(range).getFirst().device().start();
      long first = open.extents(range).getFirst().file().start();
      media
          .injector()
          .inject(
              FaultSpec.of(
                  FaultKind.EIO,
                  ByteRange.ofLength(LIST_BYTES + device + range.start() - first, Units.PAGE_BYTES),
                  1));
    }
  }

  @Override
  public void close() throws IOException {
    fs.close();
    if (files.isOpen()) {
      if (!files.check().problems().isEmpty()) {
        throw new AssertionError(files.check().problems());
      }
      files.close();
    }
  }
}

package io.bezoar.fs;

import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.DeviceClaimedException;
import io.bezoar.dax.LeafDevice;
import io.bezoar.dax.NoticeDispatcher;
import io.bezoar.dax.PoisonRegion;
import io.bezoar.dax.UnmanagedDevice;
import io.bezoar.media.Access;
import io.bezoar.media.Allocation;
import io.bezoar.media.ByteRange;
import io.bezoar.media.Drills;
import io.bezoar.media.Media;
import io.bezoar.media.MediaChoice;
import io.bezoar.media.MediaFiles;
import io.bezoar.media.MediaOptions;
import io.bezoar.media.SimMedia;
import io.bezoar.media.Units;
import io.bezoar.media.VmaBudget;
import io.bezoar.media.Window;
import io.bezoar.target.Geometry;
import io.bezoar.target.ProtectedTarget;
import io.bezoar.target.StripedTarget;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** A filesystem whose files are mapped, on each kind of media. */
final class MapRig implements AutoCloseable {
  static final int PAGE = Units.PAGE_BYTES;
  private static final long MEDIA_BYTES = 24L << 20;
  private static final long LIST_BYTES = 16L * PAGE;
  private static final InstantSource FIXED = InstantSource.fixed(Instant.EPOCH);

  /** What the filesystem stands on. */
  enum Below {
    SIMULATION,
    MEMORY,
    DISK,
    PROTECTED_MEMORY,
    PROTECTED_DISK,
    STRIPED_MEMORY
  }

  private final Path folder;
  final List<Media> media = new ArrayList<>();
  final DaxDevice device;
  final VmaBudget vmas;
  final FilesystemOptions options =
      new FilesystemOptions(FIXED, Runnable::run, Duration.ZERO, 1 << 20);
  final Filesystem fs;

  MapRig(Below below, int vmas) throws IOException {
    boolean onDisk = below == Below.DISK || below == Below.PROTECTED_DISK;
    this.folder =
        onDisk
            ? Files.createTempDirectory("bezoar-test")
            : Files.createTempDirectory(Path.of("/dev/shm"), "bezoar-test");
    this.device = device(below);
    this.vmas = VmaBudget.of(vmas);
    Filesystem.format(device, 77, NewFile.standard(FileType.DIRECTORY), options);
    this.fs = open();
  }

  Filesystem open() throws IOException {
    return Opening.open(device, options, vmas);
  }

  private DaxDevice device(Below below) throws IOException {
    return switch (below) {
      case SIMULATION -> bare(SimMedia.create("sim", MEDIA_BYTES, 1));
      case MEMORY -> bare(file(MediaChoice.MAPPED));
      case DISK -> bare(file(MediaChoice.CHANNEL));
      case PROTECTED_MEMORY -> verified(file(MediaChoice.MAPPED));
      case PROTECTED_DISK -> verified(file(MediaChoice.CHANNEL));
      case STRIPED_MEMORY -> striped();
    };
  }

  private Media file(MediaChoice choice) throws IOException {
    return MediaFiles.create(
        folder.resolve("media" + media.size()),
        MEDIA_BYTES,
        Allocation.SPARSE,
        new MediaOptions(Access.READ_WRITE, choice, Drills.ON));
  }

  private static NoticeDispatcher dispatcher(String name) {
    return new NoticeDispatcher(name, FIXED, _ -> {});
  }

  private DaxDevice bare(Media on) {
    media.add(on);
    return UnmanagedDevice.open(on, dispatcher("bare"));
  }

  private DaxDevice verified(Media on) throws IOException {
    media.add(on);
    long size = on.sizeBytes();
    PoisonRegion lists =
        new PoisonRegion(new ByteRange(0, LIST_BYTES), new ByteRange(size - LIST_BYTES, size));
    LeafDevice.format(on, lists);
    LeafDevice leaf = LeafDevice.open(on, lists, FIXED, dispatcher("leaf"));
    Geometry geometry = ProtectedTarget.plan(new ByteRange(LIST_BYTES, size - LIST_BYTES), 4);
    ProtectedTarget.format(leaf, geometry);
    return ProtectedTarget.open(leaf, geometry, FIXED, dispatcher("volume"));
  }

  private DaxDevice striped() throws IOException {
    List<DaxDevice> children =
        List.of(bare(file(MediaChoice.MAPPED)), bare(file(MediaChoice.MAPPED)));
    try {
      return StripedTarget.open(
          "stripe", 8L * PAGE, List.of(MEDIA_BYTES, MEDIA_BYTES), children, dispatcher("stripe"));
    } catch (DeviceClaimedException e) {
      throw new IOException(e);
    }
  }

  OpenFile create(String name) throws IOException {
    return fs.open(
        fs.create(
            FileId.ROOT, FileName.of(name), FileType.REGULAR, NewFile.standard(FileType.REGULAR)));
  }

  /** What stands in a page of a mapping, or null when it faults. */
  static byte @Nullable [] load(MemorySegment mapped, long offset, long length) {
    byte[] bytes = new byte[(int) length];
    try {
      MemorySegment.copy(mapped, ValueLayout.JAVA_BYTE, offset, bytes, 0, bytes.length);
      Window.barrier();
      return bytes;
    } catch (InternalError e) {
      if (!Window.isFault(e)) {
        throw e;
      }
      return null;
    }
  }

  /** Does everything that waits in the background. */
  void settle() throws IOException {
    for (int i = 0; i < 10_000 && fs.tick(); i++) {}
  }

  @Override
  public void close() throws IOException {
    fs.close();
    device.close();
    try (Stream<Path> paths = Files.walk(folder)) {
      paths.sorted(Comparator.reverseOrder()).forEach(MapRig::delete);
    }
  }

  private static void delete(Path path) {
    try {
      Files.delete(path);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}

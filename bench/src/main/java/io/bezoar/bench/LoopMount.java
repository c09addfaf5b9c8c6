package io.bezoar.bench;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** A filesystem of the kernel in a file, mounted through a loop device. Needs root. */
final class LoopMount implements AutoCloseable {
  /** Which filesystem, and how it is made. */
  enum Kind {
    EXT4(Tool.MKFS_EXT4),
    XFS(Tool.MKFS_XFS),
    BTRFS(Tool.MKFS_BTRFS);

    private final Tool tool;

    Kind(Tool tool) {
      this.tool = tool;
    }

    String label() {
      return tool.program().substring("mkfs.".length());
    }
  }

  private final Cleanup cleanup;
  private final Path folder;
  private final Path output;
  private final Path image;

  private LoopMount(Cleanup cleanup, Path folder, Path output, Path image) {
    this.cleanup = cleanup;
    this.folder = folder;
    this.output = output;
    this.image = image;
  }

  /** Why it cannot be had here; empty when it can, as far as can be told. */
  static Optional<String> missing(Kind kind) {
    return Files.isWritable(Path.of("/dev/loop-control"))
        ? kind.tool.missing()
        : Optional.of("needs loop devices, and the right to mount");
  }

  static LoopMount create(Site site, Kind kind, long sizeBytes)
      throws IOException, InterruptedException {
    Path image = site.newFile(kind.label());
    Path folder = Files.createDirectory(site.newFile("mounted"));
    Path output = site.newFile("output");
    try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
      file.setLength(sizeBytes);
    }
    Tool.run(site.cleanup(), output, List.of(kind.tool.program(), "-q", image.toString()));
    List<String> mount = List.of("mount", "-o", "loop", image.toString(), folder.toString());
    Tool.run(site.cleanup(), output, mount);
    return new LoopMount(site.cleanup(), folder, output, image);
  }

  Path folder() {
    return folder;
  }

  @Override
  public void close() throws IOException {
    try {
      Tool.run(cleanup, output, List.of("umount", folder.toString()));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    Files.deleteIfExists(image);
  }
}

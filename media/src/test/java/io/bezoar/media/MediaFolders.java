package io.bezoar.media;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.stream.Stream;

/** Folders for tests on each kind of file system. */
public final class MediaFolders {
  private MediaFolders() {}

  /** A fresh folder in memory, where media is mapped. */
  public static Path onTmpfs() throws IOException {
    return Files.createTempDirectory(Path.of("/dev/shm"), "bezoar-test");
  }

  /** A fresh folder where temporary files are, which is a disk on most machines. */
  public static Path onDisk() throws IOException {
    return Files.createTempDirectory("bezoar-test");
  }

  /** Removes a folder and what is in it. */
  public static void remove(Path folder) throws IOException {
    try (Stream<Path> paths = Files.walk(folder)) {
      paths.sorted(Comparator.reverseOrder()).forEach(MediaFolders::delete);
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

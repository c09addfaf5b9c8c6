package io.bezoar.bench;

import io.bezoar.fs.FileId;
import io.bezoar.fs.FileName;
import io.bezoar.fs.FileType;
import io.bezoar.fs.Filesystem;
import io.bezoar.fs.FilesystemOptions;
import io.bezoar.fs.NewFile;
import io.bezoar.fs.OpenFile;
import io.bezoar.media.Units;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** A filesystem on a protected volume, as a pool has it. */
final class FileVolume implements AutoCloseable {
  static final NewFile FILE = NewFile.standard(FileType.REGULAR);
  private static final NewFile DIRECTORY = NewFile.standard(FileType.DIRECTORY);
  private static final int FILES_PER_DIRECTORY = 1000;

  private final Volume volume;
  private final ExecutorService workers;
  private final FilesystemOptions options;
  private Filesystem filesystem;

  private FileVolume(
      Volume volume, ExecutorService workers, FilesystemOptions options, Filesystem filesystem) {
    this.volume = volume;
    this.workers = workers;
    this.options = options;
    this.filesystem = filesystem;
  }

  static FileVolume create(Path path, long fileBytes) throws IOException {
    Volume volume = Volume.create(path, fileBytes);
    ExecutorService workers =
        Executors.newCachedThreadPool(
            Thread.ofPlatform().daemon().name("bench-files-", 0).factory());
    FilesystemOptions options = FilesystemOptions.standard(workers);
    try {
      Filesystem.format(volume.target(), 7, DIRECTORY, options);
      Filesystem filesystem = Filesystem.open(volume.target(), options);
      return new FileVolume(volume, workers, options, filesystem);
    } catch (IOException | RuntimeException failed) {
      workers.shutdown();
      volume.close();
      throw failed;
    }
  }

  Filesystem filesystem() {
    return filesystem;
  }

  Volume volume() {
    return volume;
  }

  static FileName name(String text) throws IOException {
    return FileName.of(text);
  }

  /** A new file in the root, open. */
  OpenFile newFile(String name) throws IOException {
    return filesystem.open(filesystem.create(FileId.ROOT, name(name), FileType.REGULAR, FILE));
  }

  /** A new file full of a block, over and over. */
  OpenFile newFile(String name, long sizeBytes, MemorySegment block) throws IOException {
    OpenFile file = newFile(name);
    for (long at = 0; at < sizeBytes; at += block.byteSize()) {
      file.write(at, block);
    }
    return file;
  }

  /** Files of one page each in directories of a thousand, below a new directory. */
  void fill(String name, int files, MemorySegment page) throws IOException {
    FileId top = filesystem.create(FileId.ROOT, name(name), FileType.DIRECTORY, DIRECTORY);
    FileId directory = top;
    for (int i = 0; i < files; i++) {
      if (i % FILES_PER_DIRECTORY == 0) {
        directory = filesystem.create(top, name("d" + i), FileType.DIRECTORY, DIRECTORY);
      }
      FileId file = filesystem.create(directory, name("file-" + i), FileType.REGULAR, FILE);
      if (page.byteSize() > 0) {
        try (OpenFile open = filesystem.open(file)) {
          open.write(0, page);
        }
      }
    }
    filesystem.sync();
  }

  /** Closes it and opens it again: how long the opening took, seconds. */
  double reopen() throws IOException {
    filesystem.close();
    long start = System.nanoTime();
    filesystem = Filesystem.open(volume.target(), options);
    return (System.nanoTime() - start) / 1e9;
  }

  /** Bytes of a file for so many files of one page, with their metadata. */
  static long roomFor(int files) {
    return (64L << 20) + files * 6L * Units.PAGE_BYTES / 4;
  }

  @Override
  public void close() throws IOException {
    try {
      filesystem.close();
    } finally {
      try {
        volume.close();
      } finally {
        workers.shutdown();
      }
    }
  }
}

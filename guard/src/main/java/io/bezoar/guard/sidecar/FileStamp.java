package io.bezoar.guard.sidecar;

import io.bezoar.media.MediaFiles;
import io.bezoar.media.MediaOpenException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Objects;
import java.util.concurrent.TimeUnit;

/**
 * What tells that a file was written to: its size, its modification time, and which file it is.
 *
 * @param sizeBytes size
 * @param modifiedNanos modification time, since 1970
 * @param identity device and inode
 */
record FileStamp(long sizeBytes, long modifiedNanos, Object identity) {
  /** The kernel takes the time of a write from a clock that ticks every 10 ms at most. */
  private static final long TICK_NANOS = TimeUnit.MILLISECONDS.toNanos(20);

  /** Some file systems keep whole seconds, FAT even ones. */
  private static final long COARSE_TICK_NANOS = TimeUnit.SECONDS.toNanos(2);

  private static final long SECOND_NANOS = TimeUnit.SECONDS.toNanos(1);

  /** The file behind every symbolic link in {@code file}. */
  static Path resolve(Path file) throws IOException {
    try {
      return file.toRealPath();
    } catch (NoSuchFileException e) {
      MediaOpenException missing =
          new MediaOpenException(
              file.toString(), MediaOpenException.Reason.MISSING, "no such file: check the path");
      missing.initCause(e);
      throw missing;
    }
  }

  /** Looks while nobody repairs the file, which changes its time for a moment. */
  static FileStamp of(Path file) throws IOException {
    requireRegular(file, Files.readAttributes(file, BasicFileAttributes.class));
    BasicFileAttributes found =
        MediaFiles.whileNobodyRepairs(
            file, () -> Files.readAttributes(file, BasicFileAttributes.class));
    requireRegular(file, found);
    return new FileStamp(
        found.size(),
        found.lastModifiedTime().to(TimeUnit.NANOSECONDS),
        Objects.requireNonNull(found.fileKey()));
  }

  private static void requireRegular(Path file, BasicFileAttributes found) throws SidecarException {
    if (!found.isRegularFile()) {
      throw new SidecarException(
          file,
          SidecarException.Reason.NOT_PROTECTABLE,
          "is not a regular file: only those have sidecars");
    }
  }

  /**
   * Waits until a later write would show itself by another modification time: a write within the
   * same tick of the kernel's clock as the last one does not.
   */
  void awaitSettled(InstantSource clock) throws InterruptedException {
    Instant now = clock.instant();
    long age = TimeUnit.SECONDS.toNanos(now.getEpochSecond()) + now.getNano() - modifiedNanos;
    long tick = modifiedNanos % SECOND_NANOS == 0 ? COARSE_TICK_NANOS : TICK_NANOS;
    if (age >= 0 && age < tick) {
      TimeUnit.NANOSECONDS.sleep(tick - age);
    }
  }

  /**
   * Throws when the file was written to since.
   *
   * @throws SidecarException {@code CHANGING}
   */
  void requireUnchanged(Path file) throws IOException {
    if (!equals(of(file))) {
      throw new SidecarException(
          file,
          SidecarException.Reason.CHANGING,
          "was written to while it was read: try again when nobody writes to it any more");
    }
  }
}

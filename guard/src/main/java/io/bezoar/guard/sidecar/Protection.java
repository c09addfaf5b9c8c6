package io.bezoar.guard.sidecar;

import io.bezoar.media.MediaFullException;
import java.io.IOException;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A file was given a sidecar.
 *
 * <p><b>Invariant.</b> A sidecar that has its name is whole, durable, and of the file as it was at
 * one moment: a file that is written to while it is read gets none. A damaged file that has a
 * sidecar never gets a new one that would take the damage for good.
 *
 * <p><b>Protocol.</b> Wait until the next write would show in the modification time, read
 * everything once, look at the file again, make the sidecar durable under another name, rename it,
 * make the folder durable. Whatever ends this early leaves nothing (a killed process: a file that
 * ends with {@code .new}, see {@link #removeAbandoned}).
 *
 * @param file the file, without symbolic links
 * @param sidecar its sidecar
 * @param geometry how it is laid out, and so what is survived
 * @param outcome what was done
 */
public record Protection(Path file, Path sidecar, SidecarGeometry geometry, Outcome outcome) {

  /** What was done. */
  public enum Outcome {
    /** There was no sidecar. */
    CREATED,
    /** There is one of the file as it is, with that redundancy: nothing was read or written. */
    KEPT,
    /** There was one of earlier content or with another redundancy: it was replaced. */
    REPLACED
  }

  /**
   * Gives a file its sidecar.
   *
   * @param file a regular file, which nobody writes to; symbolic links are followed
   * @param redundancy how much is to be survived
   * @throws SidecarException {@code CHANGING} when it is written to meanwhile; {@code FILE_DAMAGED}
   *     when it is damaged; {@code NOT_PROTECTABLE} when it is no regular file, or a sidecar;
   *     {@code NOT_A_SIDECAR}, {@code NEWER_VERSION} or {@code DAMAGED} when something stands in
   *     the sidecar's place that is not to be overwritten
   * @throws MediaFullException when there is no room for the sidecar
   * @throws InterruptedException when the thread was interrupted or {@code progress} says so
   */
  public static Protection protect(Path file, Redundancy redundancy, Progress progress)
      throws IOException, InterruptedException {
    return make(file, redundancy, progress);
  }

  /**
   * As {@link #protect(Path, Redundancy, Progress)}, with the redundancy that was asked for when
   * the file got the sidecar that it has; else with {@link Redundancy#DEFAULT}.
   */
  public static Protection protect(Path file, Progress progress)
      throws IOException, InterruptedException {
    return make(file, null, progress);
  }

  private static Protection make(Path file, @Nullable Redundancy asked, Progress progress)
      throws IOException, InterruptedException {
    Path real = FileStamp.resolve(file);
    if (Sidecar.isNameOfSidecar(real)) {
      throw new SidecarException(
          file,
          SidecarException.Reason.NOT_PROTECTABLE,
          "has the name of a sidecar, and those protect themselves");
    }
    FileStamp stamp = FileStamp.of(real);
    Optional<Sidecar> found = openOld(real);
    if (found.isEmpty()) {
      Redundancy redundancy = asked == null ? Redundancy.DEFAULT : asked;
      SidecarGeometry made =
          new SidecarMaker(real, stamp, redundancy, ParityMaker.PageCheck.NONE).make(progress);
      return new Protection(real, Sidecar.pathOf(real), made, Outcome.CREATED);
    }
    try (Sidecar old = found.get()) {
      return replace(real, stamp, old, asked == null ? old.redundancy() : asked, progress);
    }
  }

  private static Optional<Sidecar> openOld(Path file) throws IOException {
    try {
      return Optional.of(Sidecar.open(file));
    } catch (SidecarException e) {
      if (e.sidecarReason() == SidecarException.Reason.MISSING) {
        return Optional.empty();
      }
      throw e;
    }
  }

  private static Protection replace(
      Path file, FileStamp stamp, Sidecar old, Redundancy redundancy, Progress progress)
      throws IOException, InterruptedException {
    FileState state = old.state(stamp);
    if (state == FileState.UNTOUCHED && old.redundancy().equals(redundancy)) {
      return new Protection(file, old.path(), old.geometry(), Outcome.KEPT);
    }
    ParityMaker.PageCheck check =
        switch (state) {
          case UNTOUCHED -> (page, crc) -> requireGood(file, old, page, crc);
          case REPAIR_INTERRUPTED -> throw SidecarMaker.damaged(file, "a repair was cut short");
          case TOUCHED, RESIZED -> ParityMaker.PageCheck.NONE;
        };
    SidecarGeometry made = new SidecarMaker(file, stamp, redundancy, check).make(progress);
    return new Protection(file, old.path(), made, Outcome.REPLACED);
  }

  private static void requireGood(Path file, Sidecar old, long page, long crc) throws IOException {
    long expected = old.table().get(page);
    if (expected != crc && expected != ChecksumTable.UNKNOWN) {
      throw SidecarMaker.damaged(file, "bytes " + old.rangeOf(page) + " are wrong");
    }
  }

  /**
   * Removes what killed processes left behind in a folder: sidecars and copies that were being made
   * by a process that does not run any more.
   *
   * @return what was removed
   */
  public static List<Path> removeAbandoned(Path folder) throws IOException {
    return FreshFile.removeAbandoned(folder, InstantSource.system());
  }
}

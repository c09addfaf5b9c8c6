package io.bezoar.guard.sidecar;

import io.bezoar.media.Access;
import io.bezoar.media.ByteRanges;
import io.bezoar.media.Drills;
import io.bezoar.media.Media;
import io.bezoar.media.MediaChoice;
import io.bezoar.media.MediaFiles;
import io.bezoar.media.MediaOptions;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.util.concurrent.TimeUnit;

/**
 * What a repair came to. All ranges are half-open.
 *
 * <p><b>Invariant.</b> No byte is stored that does not verify against the checksum that it had when
 * the file was protected. A file that was changed is left alone unless its owner says {@link
 * Differences#REVERT}. A repair keeps the file's modification time: its content is again that of
 * that time.
 *
 * @param before what was found
 * @param repaired bytes of the file that were made anew, stored, and read back past the page cache
 * @param lost bytes of the file that could not be computed
 * @param stuck bytes of the file that could be computed, but the media does not take or keep them:
 *     repair to a copy
 * @param badSidecar what of the sidecar is still bad, in its own bytes
 */
public record Repair(
    Verification before,
    ByteRanges repaired,
    ByteRanges lost,
    ByteRanges stuck,
    ByteRanges badSidecar) {

  /**
   * Repairs a file and its sidecar where they are.
   *
   * @throws SidecarException when there is no sidecar that can be used; {@code CHANGING} when the
   *     file is written to meanwhile; {@code CHANGED} when it has another size and is to be
   *     reverted; {@code NOT_WRITABLE}
   * @throws io.bezoar.media.MediaOpenException when the file is locked or may not be written
   * @throws InterruptedException when the thread was interrupted or {@code progress} says so; every
   *     page is then either repaired or as it was
   */
  public static Repair inPlace(Path file, Differences differences, Progress progress)
      throws IOException, InterruptedException {
    try (Sidecar sidecar = Sidecar.open(file)) {
      FileStamp stamp = FileStamp.of(sidecar.file());
      if (sidecar.state(stamp) == FileState.RESIZED) {
        Verification changed = Judge.resized(sidecar, stamp);
        if (differences == Differences.REVERT) {
          throw resized(sidecar, stamp);
        }
        return nothing(changed);
      }
      try (Media media = MediaFiles.open(sidecar.file(), options(Access.REPAIR))) {
        Survey survey = Survey.of(sidecar, media, progress);
        stamp.requireUnchanged(sidecar.file());
        Verification found = Judge.of(sidecar, stamp, survey);
        if (found instanceof Verification.Changed && differences == Differences.KEEP) {
          return nothing(found);
        }
        return mend(sidecar, media, stamp, survey, found, progress);
      }
    }
  }

  private static Repair mend(
      Sidecar sidecar,
      Media media,
      FileStamp stamp,
      Survey survey,
      Verification found,
      Progress progress)
      throws IOException, InterruptedException {
    FileStamp asIs = stamp;
    if (found.subject().state() == FileState.REPAIR_INTERRUPTED) {
      // All of the file was looked at: what differs is damage. Before the next note, whose time
      // would
      // not explain a modification time that an earlier repair left.
      putTimeBack(sidecar);
      asIs = FileStamp.of(sidecar.file());
    }
    FileMender mender = new FileMender(sidecar, media, asIs, progress);
    ByteRanges lost = survey.bad().isEmpty() ? ByteRanges.EMPTY : mender.mend(survey.bad());
    boolean asProtected = lost.isEmpty() && mender.stuck().isEmpty() && survey.unknown().isEmpty();
    if (asProtected && found instanceof Verification.Changed) {
      putTimeBack(sidecar);
    }
    sidecar.repaired(sidecar.note().pages().minus(mender.stuck()));
    ByteRanges badSidecar =
        survey.badSidecar().isEmpty()
            ? ByteRanges.EMPTY
            : new SidecarMender(sidecar, new PageSource(media, sidecar.geometry()))
                .mend(survey.badSidecar());
    return new Repair(found, mender.repaired(), lost, mender.stuck(), badSidecar);
  }

  /** The content is that of then; the time says so durably before the note is forgotten. */
  private static void putTimeBack(Sidecar sidecar) throws IOException {
    Files.setLastModifiedTime(
        sidecar.file(), FileTime.from(sidecar.header().modifiedNanos(), TimeUnit.NANOSECONDS));
    try (FileChannel channel = FileChannel.open(sidecar.file(), StandardOpenOption.READ)) {
      channel.force(true);
    }
  }

  /**
   * Writes the file as it was protected to {@code copy}, and touches nothing else. What is lost
   * stays a hole of zeroes in the copy; what has no checksum is copied as it is.
   *
   * @param copy must not be there yet
   * @throws SidecarException as {@link #inPlace}
   * @throws java.nio.file.FileAlreadyExistsException when {@code copy} is there
   * @throws io.bezoar.media.MediaFullException when there is no room for it
   * @throws InterruptedException when the thread was interrupted or {@code progress} says so; there
   *     is no copy then
   */
  public static Repair toCopy(Path file, Path copy, Differences differences, Progress progress)
      throws IOException, InterruptedException {
    try (Sidecar sidecar = Sidecar.open(file);
        Media media = MediaFiles.open(sidecar.file(), options(Access.READ_ONLY))) {
      FileStamp stamp = FileStamp.of(sidecar.file());
      Survey survey = Survey.of(sidecar, media, progress);
      stamp.requireUnchanged(sidecar.file());
      Verification found = Judge.of(sidecar, stamp, survey);
      if (found instanceof Verification.Changed && differences == Differences.KEEP) {
        return nothing(found);
      }
      CopyMaker maker = new CopyMaker(sidecar, media, stamp);
      ByteRanges lost = maker.make(copy, progress);
      return new Repair(
          found, maker.repaired(), lost, ByteRanges.EMPTY, found.subject().badSidecar());
    }
  }

  private static MediaOptions options(Access access) {
    return new MediaOptions(access, MediaChoice.CHANNEL, Drills.OFF);
  }

  private static Repair nothing(Verification found) {
    return new Repair(
        found, ByteRanges.EMPTY, ByteRanges.EMPTY, ByteRanges.EMPTY, found.subject().badSidecar());
  }

  private static SidecarException resized(Sidecar sidecar, FileStamp stamp) {
    return new SidecarException(
        sidecar.file(),
        SidecarException.Reason.CHANGED,
        "has "
            + stamp.sizeBytes()
            + " bytes and had "
            + sidecar.fileSizeBytes()
            + " when it was protected: it can only be taken back to a copy");
  }
}

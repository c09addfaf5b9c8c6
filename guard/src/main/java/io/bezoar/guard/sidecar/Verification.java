package io.bezoar.guard.sidecar;

import io.bezoar.media.Access;
import io.bezoar.media.ByteRanges;
import io.bezoar.media.Drills;
import io.bezoar.media.Media;
import io.bezoar.media.MediaChoice;
import io.bezoar.media.MediaFiles;
import io.bezoar.media.MediaOptions;
import java.io.IOException;
import java.nio.file.Path;

/**
 * What a file came to beside its sidecar. All ranges are bytes of the file, half-open, ascending,
 * in whole pages (the last one may end with the file).
 *
 * <p>The file is read as any program reads it: on a disk, what the page cache holds. So this finds
 * what programs would see; rot under a cached page shows when the cache lets go of it.
 */
public sealed interface Verification {
  /** What was compared. */
  Subject subject();

  /**
   * What was compared, and the health of the sidecar itself.
   *
   * @param file the file, without symbolic links
   * @param sidecar its sidecar
   * @param geometry how it is laid out
   * @param state what the file looks like from outside
   * @param sizeBytesNow its size now
   * @param unknown bytes of the file that nothing can be said of, because both copies of their
   *     checksums went bad
   * @param badSidecar what of the sidecar is bad, in the sidecar's own bytes
   */
  record Subject(
      Path file,
      Path sidecar,
      SidecarGeometry geometry,
      FileState state,
      long sizeBytesNow,
      ByteRanges unknown,
      ByteRanges badSidecar) {

    /** False when a part of the sidecar is bad: a repair of the file makes that anew, too. */
    public boolean isSidecarWhole() {
      return badSidecar.isEmpty();
    }
  }

  /**
   * Every page is as it was protected, as far as there are checksums; the file may have been
   * touched since.
   */
  record Intact(Subject subject) implements Verification {}

  /**
   * Bytes went bad while nobody wrote to the file.
   *
   * @param unreadable what of {@code repairable} and {@code lost} cannot even be read
   * @param repairable what can be computed anew
   * @param lost what cannot
   */
  record Damaged(Subject subject, ByteRanges unreadable, ByteRanges repairable, ByteRanges lost)
      implements Verification {}

  /**
   * The file is another one than was protected: nothing of it is to be repaired back.
   *
   * @param different what differs; empty when the size alone tells, and nothing was read
   * @param unreadable what cannot be read; where nothing else differs, it may be what was changed
   */
  record Changed(Subject subject, ByteRanges different, ByteRanges unreadable)
      implements Verification {}

  /**
   * Compares a file with its sidecar; changes nothing.
   *
   * @throws SidecarException when it has none that can be used, or {@code CHANGING} when the file
   *     is written to meanwhile
   * @throws InterruptedException when the thread was interrupted or {@code progress} says so
   */
  static Verification verify(Path file, Progress progress)
      throws IOException, InterruptedException {
    try (Sidecar sidecar = Sidecar.open(file)) {
      FileStamp stamp = FileStamp.of(sidecar.file());
      if (sidecar.state(stamp) == FileState.RESIZED) {
        return Judge.resized(sidecar, stamp);
      }
      MediaOptions options = new MediaOptions(Access.READ_ONLY, MediaChoice.CHANNEL, Drills.OFF);
      try (Media media = MediaFiles.open(sidecar.file(), options)) {
        Survey survey = Survey.of(sidecar, media, progress);
        stamp.requireUnchanged(sidecar.file());
        return Judge.of(sidecar, stamp, survey);
      }
    }
  }
}

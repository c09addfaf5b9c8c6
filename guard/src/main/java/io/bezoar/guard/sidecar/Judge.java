package io.bezoar.guard.sidecar;

import io.bezoar.guard.sidecar.Verification.Changed;
import io.bezoar.guard.sidecar.Verification.Damaged;
import io.bezoar.guard.sidecar.Verification.Intact;
import io.bezoar.guard.sidecar.Verification.Subject;
import io.bezoar.media.ByteRanges;
import java.io.IOException;

/**
 * Says what a survey means. Changed is not damaged: what differs is damage while the file looks
 * untouched, or where a repair of ours was cut short. What cannot be read of a file that was
 * touched may be just what was changed: parity would give its old content.
 */
final class Judge {
  private Judge() {}

  /** A file of another size was changed: there is nothing to compare. */
  static Verification resized(Sidecar sidecar, FileStamp stamp) {
    return new Changed(
        subject(sidecar, stamp, ByteRanges.EMPTY, ByteRanges.EMPTY),
        ByteRanges.EMPTY,
        ByteRanges.EMPTY);
  }

  static Verification of(Sidecar sidecar, FileStamp stamp, Survey survey) throws IOException {
    Subject subject = subject(sidecar, stamp, survey.unknown(), survey.badSidecar());
    ByteRanges changed = changed(sidecar, subject.state(), survey);
    if (!changed.isEmpty() || subject.state() == FileState.RESIZED) {
      return new Changed(subject, survey.different(), survey.unreadable());
    }
    if (survey.bad().isEmpty()) {
      return new Intact(subject);
    }
    Prospect prospect = Prospect.of(sidecar, survey.bad(), survey.badSidecar());
    return new Damaged(subject, survey.unreadable(), prospect.repairable(), prospect.lost());
  }

  private static Subject subject(
      Sidecar sidecar, FileStamp stamp, ByteRanges unknown, ByteRanges badSidecar) {
    return new Subject(
        sidecar.file(),
        sidecar.path(),
        sidecar.geometry(),
        sidecar.state(stamp),
        stamp.sizeBytes(),
        unknown,
        badSidecar);
  }

  private static ByteRanges changed(Sidecar sidecar, FileState state, Survey survey) {
    return switch (state) {
      case UNTOUCHED -> ByteRanges.EMPTY;
      case REPAIR_INTERRUPTED -> survey.different().minus(sidecar.note().pages());
      case TOUCHED, RESIZED -> survey.bad();
    };
  }
}

package io.bezoar.dax;

import io.bezoar.media.ByteRange;
import io.bezoar.media.Cause;
import java.util.ArrayList;
import java.util.List;

/**
 * Builds a {@link RecoveryRead} from left to right, joining neighbours of the same kind. Not
 * thread-safe.
 */
public final class RecoveryRuns {
  private final List<RecoveryRead.Run> runs = new ArrayList<>();

  /** Starts with no run. */
  public RecoveryRuns() {}

  /** The next bytes were checked against a checksum. */
  public void verified(ByteRange range) {
    if (!range.isEmpty()) {
      if (!runs.isEmpty() && runs.getLast() instanceof RecoveryRead.Verified(ByteRange before)) {
        runs.removeLast();
        range = joined(before, range);
      }
      runs.add(new RecoveryRead.Verified(range));
    }
  }

  /** The next bytes could be read, and nothing vouches for them. */
  public void unverified(ByteRange range) {
    if (!range.isEmpty()) {
      if (!runs.isEmpty() && runs.getLast() instanceof RecoveryRead.Unverified(ByteRange before)) {
        runs.removeLast();
        range = joined(before, range);
      }
      runs.add(new RecoveryRead.Unverified(range));
    }
  }

  /** The next bytes could not be read. */
  public void hole(ByteRange range, Cause cause) {
    if (!range.isEmpty()) {
      if (!runs.isEmpty()
          && runs.getLast() instanceof RecoveryRead.Hole(ByteRange before, Cause same)
          && same == cause) {
        runs.removeLast();
        range = joined(before, range);
      }
      runs.add(new RecoveryRead.Hole(range, cause));
    }
  }

  /** The next bytes are those of a device that is not there now. */
  public void absent(ByteRange range) {
    if (!range.isEmpty()) {
      if (!runs.isEmpty() && runs.getLast() instanceof RecoveryRead.Absent(ByteRange before)) {
        runs.removeLast();
        range = joined(before, range);
      }
      runs.add(new RecoveryRead.Absent(range));
    }
  }

  /** The next run of a child, whose bytes are {@code shiftBytes} further on in this device. */
  public void add(RecoveryRead.Run run, long shiftBytes) {
    ByteRange range = run.range().shift(shiftBytes);
    switch (run) {
      case RecoveryRead.Verified _ -> verified(range);
      case RecoveryRead.Unverified _ -> unverified(range);
      case RecoveryRead.Hole hole -> hole(range, hole.cause());
      case RecoveryRead.Absent _ -> absent(range);
    }
  }

  /** The runs so far. */
  public RecoveryRead build() {
    return new RecoveryRead(runs);
  }

  private static ByteRange joined(ByteRange before, ByteRange next) {
    if (before.end() != next.start()) {
      throw new IllegalArgumentException("runs have a gap between " + before + " and " + next);
    }
    return before.span(next);
  }
}

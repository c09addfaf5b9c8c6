package io.bezoar.dax;

import io.bezoar.media.ByteRange;
import io.bezoar.media.Cause;
import java.util.List;

/**
 * What a recovery read brought out: runs that cover the whole request, ascending, without gaps,
 * neighbours differing in kind or cause.
 *
 * @param runs never empty for a non-empty request
 */
public record RecoveryRead(List<Run> runs) {

  /** One run of bytes of the request, in the device's address space. */
  public sealed interface Run {
    /** The bytes. */
    ByteRange range();
  }

  /** Bytes that were checked against a checksum. */
  public record Verified(ByteRange range) implements Run {}

  /** Bytes that could be read, on a device or page where nothing vouches for them. */
  public record Unverified(ByteRange range) implements Run {}

  /** Bytes that could not be read; the destination holds zeroes there. */
  public record Hole(ByteRange range, Cause cause) implements Run {}

  /**
   * Bytes of a part of the device that is not there now: unavailable, not lost; the destination
   * holds zeroes there. Only a device made of several has such runs: when all of a device is
   * unavailable, a recovery read throws.
   */
  public record Absent(ByteRange range) implements Run {}

  /** Copies the list. */
  public RecoveryRead {
    runs = List.copyOf(runs);
  }

  /** The holes only. */
  public List<Hole> holes() {
    return runs.stream().filter(Hole.class::isInstance).map(Hole.class::cast).toList();
  }
}

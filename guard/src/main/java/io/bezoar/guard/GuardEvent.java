package io.bezoar.guard;

import io.bezoar.media.ByteRange;
import io.bezoar.media.Cause;
import java.nio.file.Path;

/** What happened to a guarded file. Ranges are half-open, in bytes from the start of the file. */
public sealed interface GuardEvent {
  /** The file. */
  Path file();

  /** Bytes are lost: nothing that was asked could bring them back. */
  record Damaged(Path file, ByteRange range, Cause cause) implements GuardEvent {}

  /** Bytes were bad and are good again, verified by reading them back. */
  record Healed(Path file, ByteRange range, Source source, Place place) implements GuardEvent {}

  /** The file was cut by somebody while it was mapped: bytes are absent, not damaged. */
  record Truncated(Path file, long sizeAtMapBytes) implements GuardEvent {}

  /** Where the good bytes came from. */
  enum Source {
    /** The file itself: only the mapping was bad. */
    FILE,
    /** The sidecar's parity. */
    SIDECAR,
    /** A {@link RepairSource}. */
    APPLICATION,
    /** An earlier repair that the file did not take then. */
    MEMORY
  }

  /** Where the good bytes are now. */
  enum Place {
    /** In the file, durable, and so in the mapping. */
    FILE,
    /** In the mapping only, until it is closed: the file may or can not be written. */
    MEMORY
  }
}

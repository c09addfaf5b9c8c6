package io.bezoar.target;

import java.nio.file.FileSystemException;
import org.jspecify.annotations.Nullable;

/** A leg cannot be taken in, or not let go. Nothing was written to it. */
public final class MirrorLegException extends FileSystemException {
  private static final long serialVersionUID = 1L;

  /** Why. */
  public enum Reason {
    /**
     * It belongs to no mirror, to another one, or to another slot: check what is attached there.
     */
    FOREIGN,
    /** It was a leg of this mirror and no longer is: attach it as a new one if it shall be. */
    STALE,
    /** It is too small, or not of the size that the mirror was made for. */
    WRONG_SIZE,
    /** It misses writes, and no leg that has them is here: bring that one first. */
    BEHIND,
    /** The slot is in use. */
    SLOT_TAKEN,
    /** No leg is known in that slot. */
    NO_SUCH_LEG,
    /** Without it there is no complete copy: attach another and wait until it is in sync. */
    LAST_COPY,
    /** It alone still holds some bytes: repair or overwrite them first. */
    BYTES_ONLY_HERE
  }

  private final Reason reason;
  private final int slot;

  MirrorLegException(
      String mirror, int slot, Reason reason, String detail, @Nullable Throwable cause) {
    super(mirror, null, "leg " + slot + ": " + detail);
    this.reason = reason;
    this.slot = slot;
    if (cause != null) {
      initCause(cause);
    }
  }

  /** Why. */
  public Reason reason() {
    return reason;
  }

  /** Which slot. */
  public int slot() {
    return slot;
  }
}

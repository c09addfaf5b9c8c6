package io.bezoar.guard.sidecar;

import java.nio.file.FileSystemException;
import java.nio.file.Path;

/**
 * Something that cannot be done with a sidecar or with the file that it protects. The message names
 * the file and the next step. Nothing was changed.
 */
public final class SidecarException extends FileSystemException {
  private static final long serialVersionUID = 1L;

  /** What stands in the way. */
  public enum Reason {
    /** The file has no sidecar. */
    MISSING,
    /** What stands in the sidecar's place is something else. */
    NOT_A_SIDECAR,
    /** The sidecar was made by a newer version of Bezoar. */
    NEWER_VERSION,
    /** Both headers of the sidecar are bad: it cannot be used any more. */
    DAMAGED,
    /** The file was written to while it was read. */
    CHANGING,
    /** The file differs from what was protected because it was changed, not damaged. */
    CHANGED,
    /** The file is damaged, so that a new sidecar would protect the damage. */
    FILE_DAMAGED,
    /** Not a regular file, or a sidecar itself. */
    NOT_PROTECTABLE,
    /** The sidecar cannot be written, so no repair can be noted in it. */
    NOT_WRITABLE
  }

  private final Reason reason;

  /**
   * Creates the exception.
   *
   * @param file the file or sidecar that it is about
   * @param reason what stands in the way
   * @param message what it is and what to do about it
   */
  public SidecarException(Path file, Reason reason, String message) {
    super(file.toString(), null, message);
    this.reason = reason;
  }

  /** What stands in the way. */
  public Reason sidecarReason() {
    return reason;
  }
}

package io.bezoar.media;

/** A path that cannot be opened or created as media. Nothing was created, truncated or written. */
public final class MediaOpenException extends MediaException {
  private static final long serialVersionUID = 1L;

  /** What stands in the way; each constant says what the caller should do. */
  public enum Reason {
    /** No such file: check the path and that its file system is mounted. */
    MISSING,
    /** The file exists already: choose another name, or open it instead. */
    EXISTS,
    /** Not a regular file or block device. */
    NOT_A_FILE,
    /** The file may not be written: change its mode, or open read-only. */
    READ_ONLY,
    /** Permission denied. */
    DENIED,
    /** Another process holds the file open for writing: stop it, or talk to it. */
    LOCKED,
    /** The file is shorter than its label says: restore the rest of it. */
    TOO_SHORT,
    /** The file is longer than its label says: look at what was appended, then cut it off. */
    TOO_LONG,
    /** The content is not a pool: nothing of it was touched. */
    NOT_A_POOL,
    /** The pool was made by a newer version: use that one. */
    NEWER_VERSION,
    /** The label and everything that could replace it is damaged. */
    LABEL_DAMAGED,
    /** The list of injected faults beside the media is damaged: remove it to open without them. */
    DRILL_LIST_DAMAGED,
    /** Mapped access was asked for and is not safe or not possible here. */
    NOT_MAPPABLE,
    /** A size or geometry that cannot be built. */
    BAD_GEOMETRY,
    /** Devices that hold part of the pool are not there: bring them back, or say where they are. */
    DEVICE_MISSING,
    /** Two files say that they are the same device: move the copy away. */
    DUPLICATE,
    /** The device was taken out of its pool, or another one stands where it is expected. */
    DETACHED,
    /** What is asked for would leave bytes on no device, or needs what the pool does not have. */
    REFUSED
  }

  private final Reason reason;

  /** Creates the exception; {@code whatToDo} completes the message. */
  public MediaOpenException(String file, Reason reason, String whatToDo) {
    super(file, whatToDo, null);
    this.reason = reason;
  }

  /** What stands in the way. */
  public Reason openReason() {
    return reason;
  }
}

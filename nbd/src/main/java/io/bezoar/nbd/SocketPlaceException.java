package io.bezoar.nbd;

import java.nio.file.FileSystemException;
import java.nio.file.Path;

/** A unix socket cannot stand where it was wanted. Nothing was left there. */
public final class SocketPlaceException extends FileSystemException {
  private static final long serialVersionUID = 1L;

  /** What stands in the way. */
  public enum Reason {
    /** The path is longer than a socket's address can be: use the runtime folder. */
    TOO_LONG,
    /** Something that is not a socket has that name: choose another. */
    NOT_A_SOCKET,
    /** The folder is missing or may not be written. */
    NO_FOLDER,
    /** The runtime folder belongs to somebody else, or others may enter it. */
    UNSAFE_FOLDER
  }

  private final Reason reason;

  /** Creates the exception; {@code whatToDo} completes the message. */
  public SocketPlaceException(Path path, Reason reason, String whatToDo) {
    super(path.toString(), null, whatToDo);
    this.reason = reason;
  }

  /** What stands in the way. */
  public Reason placeReason() {
    return reason;
  }
}

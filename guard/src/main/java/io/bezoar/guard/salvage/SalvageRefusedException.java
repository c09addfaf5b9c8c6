package io.bezoar.guard.salvage;

import java.nio.file.FileSystemException;

/** A rescue that is not begun, on purpose; nothing was created or written. */
public final class SalvageRefusedException extends FileSystemException {
  private static final long serialVersionUID = 1L;

  /** What speaks against it; each constant says what the caller should do. */
  public enum Reason {
    /** Source, destination and map are not three different files: name another one. */
    SAME_FILE,
    /** The destination lies on the source: name one on another disk. */
    ON_SOURCE,
    /** The destination has content and no map: name its map, or another destination. */
    UNKNOWN_CONTENT,
    /** The destination is a block device, and nobody said that it may be overwritten. */
    DEVICE,
    /** The destination is missing or too short for what the map calls rescued: restore it. */
    DESTINATION_CUT,
    /** The destination is larger than the source or cannot hold it: it is not its copy. */
    OTHER_SIZE
  }

  private final Reason refusal;

  SalvageRefusedException(String file, Reason refusal, String whatToDo) {
    super(file, null, whatToDo);
    this.refusal = refusal;
  }

  /** What speaks against it. */
  public Reason refusal() {
    return refusal;
  }
}

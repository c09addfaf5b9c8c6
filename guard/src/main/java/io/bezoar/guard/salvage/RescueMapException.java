package io.bezoar.guard.salvage;

import java.nio.file.FileSystemException;

/** A file that should be a mapfile is not one, or not a whole one. Nothing was written. */
public final class RescueMapException extends FileSystemException {
  private static final long serialVersionUID = 1L;

  private final int line;

  RescueMapException(String file, int line, String problem) {
    super(
        file,
        null,
        "is not a whole mapfile, line "
            + line
            + ": "
            + problem
            + "; restore it from a copy, or name another map");
    this.line = line;
  }

  /** The line that could not be understood, from 1. */
  public int line() {
    return line;
  }
}

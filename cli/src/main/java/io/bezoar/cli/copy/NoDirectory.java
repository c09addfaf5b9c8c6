package io.bezoar.cli.copy;

import java.nio.file.NoSuchFileException;

/** Something that has to be a directory is not there. */
public final class NoDirectory {
  private NoDirectory() {}

  /** What is thrown of it. */
  public static NoSuchFileException at(String path) {
    return new NoSuchFileException(path, null, "there is no such directory");
  }
}

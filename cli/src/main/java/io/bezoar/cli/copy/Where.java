package io.bezoar.cli.copy;

import io.bezoar.fs.FileId;
import java.nio.file.Path;

/** Where something lies that is copied, or that a copy made. */
sealed interface Where {
  /** As it is shown to people. */
  String path();

  /** The path of something in this directory, as it is shown to people. */
  default String child(Object name) {
    return path().endsWith("/") ? path() + name : path() + "/" + name;
  }

  /**
   * A file of this machine.
   *
   * @param at its path
   */
  record Local(Path at) implements Where {
    @Override
    public String path() {
      return at.toString();
    }
  }

  /**
   * A file of the pool.
   *
   * @param id which one
   * @param path by which it was found
   */
  record Stored(FileId id, String path) implements Where {}
}

package io.bezoar.cli.copy;

import java.nio.file.FileSystemException;

/** Something that is not copied or moved, on purpose. */
public final class RefusedCopyException extends FileSystemException {
  private static final long serialVersionUID = 1L;

  RefusedCopyException(String file, String reason) {
    super(file, null, reason);
  }

  /**
   * Standard input or output: it is another one in each process, and no file.
   *
   * @param file by which name
   */
  public static RefusedCopyException stream(String file) {
    return new RefusedCopyException(
        file, "pipes and terminals are not copied; to write a file there: bezoar cat POOL:/PATH");
  }

  /**
   * Of several files with one name, the others would take the place of the first.
   *
   * @param file what was to be put there
   * @param there what one command has just put there
   */
  public static RefusedCopyException justMade(String file, String there) {
    return new RefusedCopyException(
        file, "does not replace " + there + ", which has just been put there");
  }
}

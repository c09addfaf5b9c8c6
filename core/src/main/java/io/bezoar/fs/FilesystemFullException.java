package io.bezoar.fs;

import io.bezoar.tree.ForestFullException;
import org.jspecify.annotations.Nullable;

/**
 * No space is left for what was asked; nothing of it was done. Deleting works: space is kept back
 * for it.
 */
public final class FilesystemFullException extends FilesystemException {
  private static final long serialVersionUID = 1L;

  FilesystemFullException(String file, ForestFullException full) {
    super(
        file,
        "no space left: "
            + full.wantedBytes()
            + " bytes wanted, "
            + full.availableBytes()
            + " left; delete files or snapshots",
        full);
  }

  private FilesystemFullException(
      String file, @Nullable String other, FilesystemFullException said) {
    super(file, other, said.getReason(), said);
  }

  /** The same, said of what the caller asked for: of a path, or of a source and a target. */
  public FilesystemFullException about(String file, @Nullable String other) {
    return new FilesystemFullException(file, other, this);
  }
}

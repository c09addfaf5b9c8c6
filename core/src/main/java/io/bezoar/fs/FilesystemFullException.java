package io.bezoar.fs;

import io.bezoar.tree.ForestFullException;

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
}

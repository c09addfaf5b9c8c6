package io.bezoar.fs;

/** A change was asked of a snapshot, or of a filesystem that takes none. */
public final class FilesystemReadOnlyException extends FilesystemException {
  private static final long serialVersionUID = 1L;

  FilesystemReadOnlyException(String file, String reason) {
    super(file, reason, null);
  }
}

package io.bezoar.fs;

import java.nio.file.FileSystemException;
import org.jspecify.annotations.Nullable;

/**
 * Something that a filesystem cannot do for a reason that {@code java.nio.file} has no type for.
 */
public abstract sealed class FilesystemException extends FileSystemException
    permits DamagedRangeException,
        FilesystemDamagedException,
        FilesystemFormatException,
        FilesystemFullException,
        FilesystemReadOnlyException,
        InvalidFileException {
  private static final long serialVersionUID = 1L;

  FilesystemException(String file, String reason, @Nullable Throwable cause) {
    this(file, null, reason, cause);
  }

  FilesystemException(
      String file, @Nullable String other, String reason, @Nullable Throwable cause) {
    super(file, other, reason);
    if (cause != null) {
      initCause(cause);
    }
  }
}

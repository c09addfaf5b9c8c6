package io.bezoar.fs;

import org.jspecify.annotations.Nullable;

/** The device holds no filesystem, or one that this version cannot open. Nothing was written. */
public final class FilesystemFormatException extends FilesystemException {
  private static final long serialVersionUID = 1L;

  FilesystemFormatException(String device, String reason, @Nullable Throwable cause) {
    super(device, reason, cause);
  }
}

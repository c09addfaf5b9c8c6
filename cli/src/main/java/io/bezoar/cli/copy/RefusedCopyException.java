package io.bezoar.cli.copy;

import java.nio.file.FileSystemException;

/** Something that is not copied, on purpose. */
public final class RefusedCopyException extends FileSystemException {
  private static final long serialVersionUID = 1L;

  RefusedCopyException(String file, String reason) {
    super(file, null, reason);
  }
}

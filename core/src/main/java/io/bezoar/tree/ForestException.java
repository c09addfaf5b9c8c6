package io.bezoar.tree;

import java.nio.file.FileSystemException;
import org.jspecify.annotations.Nullable;

/** Something that a forest cannot do; its device is {@link #getFile}. */
public abstract sealed class ForestException extends FileSystemException
    permits TreeDamagedException,
        ForestFullException,
        ForestFormatException,
        ForestFailedException {
  private static final long serialVersionUID = 1L;

  ForestException(String device, String reason, @Nullable Throwable cause) {
    super(device, null, reason);
    if (cause != null) {
      initCause(cause);
    }
  }
}

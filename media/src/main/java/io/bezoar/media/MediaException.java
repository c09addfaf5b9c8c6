package io.bezoar.media;

import java.nio.file.FileSystemException;
import org.jspecify.annotations.Nullable;

/**
 * Something that this media cannot do, in terms of its own bytes. Every subclass carries the values
 * that a caller needs to decide, and its message names the file and the next step.
 */
public abstract sealed class MediaException extends FileSystemException
    permits MediaFaultException,
        MediaFullException,
        MediaOpenException,
        MediaUnavailableException,
        PersistFailedException {

  private static final long serialVersionUID = 1L;

  MediaException(String file, String reason, @Nullable Throwable cause) {
    super(file, null, reason);
    if (cause != null) {
      initCause(cause);
    }
  }
}

package io.bezoar.cli.copy;

import io.bezoar.media.ByteRange;
import java.io.IOException;
import java.nio.file.FileSystemException;

/** A file of this machine that cannot be read to its end. */
public final class UnreadableSourceException extends FileSystemException {
  private static final long serialVersionUID = 1L;

  UnreadableSourceException(String file, ByteRange range, IOException cause) {
    super(file, null, "bytes in " + range + " cannot be read: " + cause.getMessage());
    initCause(cause);
  }
}

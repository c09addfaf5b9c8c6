package io.bezoar.pool;

import io.bezoar.media.ByteRange;
import java.nio.file.FileSystemException;

/** The media under a copy of the label is bad and cannot be cleared. */
final class UnwritableLabelException extends FileSystemException {
  private static final long serialVersionUID = 1L;

  UnwritableLabelException(String pool, ByteRange copy) {
    super(
        pool, null, "the copy of the label at " + copy + " cannot be rewritten: replace the media");
  }
}

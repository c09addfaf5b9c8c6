package io.bezoar.fs;

import java.nio.file.FileSystemException;

/** There is no room in the intent log; nothing was written. Make a commit instead. */
final class IntentLogFullException extends FileSystemException {
  private static final long serialVersionUID = 1L;

  IntentLogFullException(String device, long wantedBytes, long freeBytes) {
    super(
        device,
        null,
        "the intent log has no room for "
            + wantedBytes
            + " bytes ("
            + freeBytes
            + " left): make a commit");
  }
}

package io.bezoar.fs;

import java.nio.file.FileSystemException;

/** A later version wrote the intent log; open the pool with that one. Nothing was written. */
final class IntentLogNewerException extends FileSystemException {
  private static final long serialVersionUID = 1L;

  IntentLogNewerException(String device, long address, int version) {
    super(
        device,
        null,
        "the intent log has a record of version "
            + version
            + " at byte "
            + address
            + ": open it with the version of Bezoar that wrote it");
  }
}

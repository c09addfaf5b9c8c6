package io.bezoar.fs;

import java.nio.file.FileSystemException;

/**
 * The intent log takes nothing until a commit holds all that is in it, because a write of it went
 * wrong. What was to be appended when that happened may be replayed after a crash, or not. Make a
 * commit instead.
 */
final class IntentLogUnusableException extends FileSystemException {
  private static final long serialVersionUID = 1L;

  IntentLogUnusableException(String device, long coversCommit, Throwable cause) {
    super(
        device,
        null,
        "the intent log cannot be written ("
            + cause.getMessage()
            + "): make commits; it tries again after commit "
            + coversCommit);
    initCause(cause);
  }
}

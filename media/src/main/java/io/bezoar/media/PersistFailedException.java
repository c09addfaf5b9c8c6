package io.bezoar.media;

import org.jspecify.annotations.Nullable;

/**
 * Bytes written earlier may never have reached the media. Sticky: Linux reports a failed fdatasync
 * once and answers the next one with success while the page cache still shows the bytes that were
 * dropped, so after the first failure every later persist of the same media fails too, until it is
 * reopened and checked past the cache.
 */
public final class PersistFailedException extends MediaException {
  private static final long serialVersionUID = 1L;

  /** Creates the exception; {@code cause} is the first failure. */
  public PersistFailedException(String file, String reason, @Nullable Throwable cause) {
    super(
        file,
        "persist failed ("
            + reason
            + "): what was written since the last good persist is in doubt;"
            + " the device is read-only until it is closed, reopened and scrubbed",
        cause);
  }
}

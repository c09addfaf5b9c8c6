package io.bezoar.media;

/** The file system under the media has no room for these bytes; nothing was acknowledged. */
public final class MediaFullException extends MediaException {
  private static final long serialVersionUID = 1L;

  /** Creates the exception for {@code needBytes} bytes that did not fit. */
  public MediaFullException(String file, long needBytes) {
    super(
        file,
        "no space left for " + needBytes + " bytes: free space on its file system, then try again",
        null);
  }
}

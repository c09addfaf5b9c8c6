package io.bezoar.fs;

import io.bezoar.media.ByteRange;

/**
 * A run of a file that lies in one run on the device.
 *
 * @param file where in the file, bytes, whole pages
 * @param device where on the device, bytes
 * @param content what is there
 */
public record FileExtent(ByteRange file, ByteRange device, Content content) {
  /** What an extent holds. The codes are stored on media. */
  public enum Content {
    /** Data. */
    WRITTEN(0),
    /** Space that was taken in advance; reads as zeroes. */
    UNWRITTEN(1);

    private final int code;

    Content(int code) {
      this.code = code;
    }

    int code() {
      return code;
    }
  }
}

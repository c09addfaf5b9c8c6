package io.bezoar.media;

/** Whether the media is there and still the one that was opened. */
public enum Presence {
  /** There, with the size it was opened with (or larger). */
  PRESENT,
  /** The file became shorter than it was when it was opened: bytes are absent, not damaged. */
  TRUNCATED,
  /** The device or file system under the file is gone, or the media was closed. */
  GONE
}

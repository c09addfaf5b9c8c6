package io.bezoar.dax;

/** What a failure means to the holder of the device. The codes are stored on media. */
public enum Severity {
  /** The bytes were rebuilt and the media holds them again: nothing to do. */
  HEALED(1),
  /** The bytes still come, by reconstruction, but the media could not be cleared: move them. */
  DEGRADED(2),
  /** The bytes are gone. */
  LOST(3);

  private final int code;

  Severity(int code) {
    this.code = code;
  }

  /** The number that stands for this severity on media. */
  public int code() {
    return code;
  }

  /**
   * The severity with this media code.
   *
   * @throws IllegalArgumentException when none has it
   */
  public static Severity ofCode(int code) {
    for (Severity severity : values()) {
      if (severity.code == code) {
        return severity;
      }
    }
    throw new IllegalArgumentException("unknown severity code " + code);
  }
}

package io.bezoar.media;

/** How a byte range was found to be bad. The codes are stored on media and never reused. */
public enum Cause {
  /** A load or store through a mapping raised a memory fault (SIGBUS). */
  TRAP(1),
  /** The operating system answered a read or write with an I/O error. */
  IO_ERROR(2),
  /** The bytes are readable but are not the ones that were written. */
  CHECKSUM(3),
  /** A redundant copy (parity, a second table, a second label) differs from what it should hold. */
  REDUNDANCY(4),
  /** The platform said so: a machine check, a badblocks list, an administrator. */
  PLATFORM(5),
  /** A repair or a rewrite was interrupted, so the bytes may be half old and half new. */
  INTERRUPTED(6),
  /** The holder moved its data away: the bytes are undefined, whatever can be read there. */
  RETIRED(7),
  /** Copies differ, each can be read, and nothing says which one is right. */
  CONFLICT(8);

  private final int code;

  Cause(int code) {
    this.code = code;
  }

  /** True when the bytes can be read all the same, though nothing vouches for them. */
  public boolean readable() {
    return this == CHECKSUM || this == CONFLICT;
  }

  /** The number that stands for this cause on media. */
  public int code() {
    return code;
  }

  /**
   * The cause with this media code.
   *
   * @throws IllegalArgumentException when no cause has it
   */
  public static Cause ofCode(int code) {
    for (Cause cause : values()) {
      if (cause.code == code) {
        return cause;
      }
    }
    throw new IllegalArgumentException("unknown cause code " + code);
  }
}

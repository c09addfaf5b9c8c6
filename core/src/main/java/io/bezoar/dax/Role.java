package io.bezoar.dax;

/** What a struck range of media held. The codes are stored on media. */
public enum Role {
  /** Bytes of the device's users. */
  DATA(1),
  /** Parity over data. */
  PARITY(2),
  /** A copy of the checksum table. */
  CHECKSUMS(3),
  /** A copy of the journal. */
  JOURNAL(4),
  /** A label. */
  LABEL(5),
  /** A copy of a poison list. */
  POISON_LIST(6),
  /** The event log. */
  EVENTS(7),
  /** Bytes that nobody uses. */
  UNUSED(8);

  private final int code;

  Role(int code) {
    this.code = code;
  }

  /** The number that stands for this role on media. */
  public int code() {
    return code;
  }

  /**
   * The role with this media code.
   *
   * @throws IllegalArgumentException when none has it
   */
  public static Role ofCode(int code) {
    for (Role role : values()) {
      if (role.code == code) {
        return role;
      }
    }
    throw new IllegalArgumentException("unknown role code " + code);
  }
}

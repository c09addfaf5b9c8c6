package io.bezoar.fs;

/** What an inode is. The codes are stored on media. */
public enum FileType {
  /** A file. */
  REGULAR(1),
  /** A directory. */
  DIRECTORY(2),
  /** A symbolic link. */
  SYMLINK(3);

  private final int code;

  FileType(int code) {
    this.code = code;
  }

  int code() {
    return code;
  }

  /**
   * The type of a stored code.
   *
   * @throws IllegalArgumentException when there is none
   */
  static FileType ofCode(int code) {
    for (FileType type : values()) {
      if (type.code == code) {
        return type;
      }
    }
    throw new IllegalArgumentException("no file type has the code " + code);
  }
}

package io.bezoar.fs;

/**
 * How a file, directory or symbolic link is made.
 *
 * @param mode permission bits, {@code 07777}
 * @param uid owner
 * @param gid group
 */
public record NewFile(int mode, int uid, int gid) {
  /** Permission bits, set-id and sticky. */
  static final int MODE_BITS = 07777;

  /**
   * Checks the mode.
   *
   * @throws IllegalArgumentException when it has other bits
   */
  public NewFile {
    checkMode(mode);
  }

  static void checkMode(int mode) {
    if ((mode & ~MODE_BITS) != 0) {
      throw new IllegalArgumentException(
          "mode 0%o has other bits than 0%o".formatted(mode, MODE_BITS));
    }
  }

  /** Mode 0644, or for a directory 0755, of root. */
  public static NewFile standard(FileType type) {
    return new NewFile(
        type == FileType.REGULAR ? 0644 : type == FileType.DIRECTORY ? 0755 : 0777, 0, 0);
  }
}

package io.bezoar.fs;

/** The file is of a kind, or in a state, for which the operation makes no sense. */
public final class InvalidFileException extends FilesystemException {
  private static final long serialVersionUID = 1L;

  private final Problem problem;

  /** Why not. */
  public enum Problem {
    /** A directory was used as a file. EISDIR. */
    IS_DIRECTORY("is a directory"),
    /** A file that is no symbolic link was to be read as one. EINVAL. */
    NOT_A_LINK("is no symbolic link"),
    /** Something that has no content was opened. EINVAL. */
    NOT_A_FILE("has no content of its own"),
    /** Directories have one name. EPERM. */
    NO_LINKS_TO_DIRECTORIES("is a directory, and those have one name"),
    /** A directory was to be moved into itself or below. EINVAL. */
    INTO_ITSELF("cannot be moved into itself"),
    /** The file was deleted. ESTALE. */
    GONE("is gone"),
    /** An offset or size that no file can have. EFBIG. */
    TOO_LARGE("cannot be that large"),
    /** The place belongs to the filesystem itself. EPERM. */
    RESERVED("is kept for the filesystem's own use");

    private final String text;

    Problem(String text) {
      this.text = text;
    }
  }

  InvalidFileException(String file, Problem problem) {
    super(file, problem.text, null);
    this.problem = problem;
  }

  /** Why not. */
  public Problem problem() {
    return problem;
  }
}

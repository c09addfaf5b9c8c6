package io.bezoar.pool;

import java.nio.file.FileSystemException;

/** A stack that is not written as {@link StackText} reads it. Nothing was made. */
public final class StackSyntaxException extends FileSystemException {
  private static final long serialVersionUID = 1L;

  private final int line;
  private final int column;
  private final String problem;
  private final String example;

  /**
   * Creates the exception.
   *
   * @param file where the text comes from, for the message
   * @param line of the first character that does not fit, from 1
   * @param column of it, from 1
   * @param problem what was expected and what was found
   * @param example how to write it
   */
  public StackSyntaxException(String file, int line, int column, String problem, String example) {
    super(
        file,
        null,
        "line %d, column %d: %s; for example: %s".formatted(line, column, problem, example));
    this.line = line;
    this.column = column;
    this.problem = problem;
    this.example = example;
  }

  /** The line, from 1. */
  public int line() {
    return line;
  }

  /** The column, from 1. */
  public int column() {
    return column;
  }

  /** What was expected and what was found. */
  public String problem() {
    return problem;
  }

  /** How to write it. */
  public String example() {
    return example;
  }
}

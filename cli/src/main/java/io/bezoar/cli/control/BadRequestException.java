package io.bezoar.cli.control;

/** What was asked cannot be understood; the message says why. */
public final class BadRequestException extends Exception {
  private static final long serialVersionUID = 1L;

  BadRequestException(String message) {
    super(message);
  }
}

package io.bezoar.cli;

import io.bezoar.cli.control.Problem;
import java.io.PrintWriter;

/** Errors for people: what happened, what to do, and no stack trace unless somebody asks. */
final class ErrorView {
  private ErrorView() {}

  /** Returns the exit code. */
  static int show(Problem problem, Exception exception, PrintWriter err, boolean debug) {
    err.println("bezoar: " + problem.what());
    if (!problem.advice().isEmpty()) {
      err.println("  " + problem.advice());
    }
    if (debug) {
      exception.printStackTrace(err);
    }
    err.flush();
    return problem.exitCode();
  }
}

package io.bezoar.cli;

import io.bezoar.cli.control.Problem;
import java.io.PrintWriter;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** Errors for people: what happened, what to do, and no stack trace unless somebody asks. */
final class ErrorView {
  private ErrorView() {}

  /**
   * A command line that is wrong: why, and where it says how it is right. Returns the exit code.
   */
  static int showUsage(ParameterException wrong, String[] arguments) {
    CommandLine command = wrong.getCommandLine();
    PrintWriter err = command.getErr();
    err.println("bezoar: " + wrong.getMessage());
    UnmatchedArgumentException.printSuggestions(wrong, err);
    String words = command.getCommandSpec().qualifiedName(" ");
    err.println("  see: " + words.replaceFirst("^bezoar", "bezoar help"));
    err.flush();
    return command.getCommandSpec().exitCodeOnInvalidInput();
  }

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

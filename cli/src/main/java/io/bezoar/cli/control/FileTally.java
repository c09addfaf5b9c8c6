package io.bezoar.cli.control;

import java.io.IOException;

/**
 * What could not be done of something that goes on with the rest, as the Unix tools do. Each is
 * told as it happens; the exit code is that of the worst.
 */
final class FileTally {
  private final Replies replies;
  private int exit = Exit.OK;
  private long count;

  FileTally(Replies replies) {
    this.replies = replies;
  }

  /** Something about a file. */
  @FunctionalInterface
  interface Action {
    void run() throws IOException;
  }

  /** Does it, or tells why not. */
  void attempt(Action action) {
    try {
      action.run();
    } catch (IOException failed) {
      tell(Problem.of(failed));
    }
  }

  void tell(Problem problem) {
    count++;
    if (rank(problem.exitCode()) > rank(exit)) {
      exit = problem.exitCode();
    }
    replies.send(problem.toJson().put("type", "problem"));
  }

  private static int rank(int exit) {
    return switch (exit) {
      case Exit.OK -> 0;
      case Exit.REFUSED -> 1;
      case Exit.UNAVAILABLE -> 2;
      case Exit.DAMAGED -> 3;
      default -> 4;
    };
  }

  long count() {
    return count;
  }

  /** The exit code, of something that nobody stopped. */
  int exit() {
    return replies.gone() ? Exit.INTERRUPTED : exit;
  }
}

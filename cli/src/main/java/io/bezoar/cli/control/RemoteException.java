package io.bezoar.cli.control;

import java.io.IOException;

/** The process that has the pool refused or failed; it said why. */
final class RemoteException extends IOException {
  private static final long serialVersionUID = 1L;

  private final transient Problem problem;

  RemoteException(Problem problem) {
    super(problem.what());
    this.problem = problem;
  }

  Problem problem() {
    return problem;
  }
}

package io.bezoar.tree;

/**
 * A commit failed half-way, so what was applied after the last durable commit will never be durable
 * from here: close the forest, and open it again at that commit.
 */
public final class ForestFailedException extends ForestException {
  private static final long serialVersionUID = 1L;

  ForestFailedException(String device, Throwable cause) {
    super(
        device,
        "a commit failed, and the forest takes no more changes; close it and open it again: "
            + cause.getMessage(),
        cause);
  }
}

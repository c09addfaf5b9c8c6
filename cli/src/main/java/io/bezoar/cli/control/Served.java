package io.bezoar.cli.control;

/**
 * How a pool is served.
 *
 * @param nbdSocket where its clients connect
 * @param mode whether they may write
 * @param processId of the server
 */
public record Served(String nbdSocket, Mode mode, long processId) {
  /** Whether clients may write. */
  public enum Mode {
    /** Yes. */
    READ_WRITE,
    /** No. */
    READ_ONLY
  }
}

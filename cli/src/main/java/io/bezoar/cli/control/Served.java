package io.bezoar.cli.control;

import org.jspecify.annotations.Nullable;

/**
 * How a pool is served.
 *
 * @param nbdSocket where clients of the volume connect; null when it holds files, which are asked
 *     for at the control socket
 * @param mode whether they may write
 * @param processId of the server
 */
public record Served(@Nullable String nbdSocket, Mode mode, long processId) {
  /** Whether clients may write. */
  public enum Mode {
    /** Yes. */
    READ_WRITE,
    /** No. */
    READ_ONLY
  }
}

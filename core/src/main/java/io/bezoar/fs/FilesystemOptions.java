package io.bezoar.fs;

import java.time.Duration;
import java.time.InstantSource;
import java.util.concurrent.Executor;

/**
 * How a filesystem is opened.
 *
 * @param clock for times of files
 * @param executor makes commits and repairs, and runs what goes on in the background; may run its
 *     tasks in the calling thread
 * @param window what a crash may take of changes that nobody made durable; {@link Duration#ZERO}:
 *     nothing is made durable by itself, {@link Filesystem#tick} does it when it is called
 * @param cacheBytes memory for nodes of trees
 */
public record FilesystemOptions(
    InstantSource clock, Executor executor, Duration window, long cacheBytes) {
  /** A window of one second, 64 MiB for nodes. */
  public static FilesystemOptions standard(Executor executor) {
    return new FilesystemOptions(
        InstantSource.system(), executor, Duration.ofSeconds(1), 64L << 20);
  }
}

package io.bezoar.cli.copy;

import java.util.concurrent.ThreadLocalRandom;

/** Names for what takes the place of something else when it is complete. */
public final class TemporaryName {
  private TemporaryName() {}

  /** A name that nobody has chosen. */
  public static String next() {
    return ".bezoar-%016x".formatted(ThreadLocalRandom.current().nextLong());
  }
}

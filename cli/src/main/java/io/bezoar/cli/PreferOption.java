package io.bezoar.cli;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Whose content is right, where the legs of a mirror went on without each other. */
final class PreferOption {
  @Option(
      names = "--prefer",
      paramLabel = "DEVICE",
      description =
          "Where legs of a mirror went on without each other: this one is right, and what the other"
              + " wrote meanwhile is overwritten.")
  private @Nullable String device;

  @Nullable String device() {
    return device;
  }
}

package io.bezoar.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code bezoar bad}. */
@Command(
    name = "bad",
    synopsisSubcommandLabel = "COMMAND",
    description = "List bad ranges, make some for a drill, or accept a loss.")
final class BadCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "Missing: list, inject or clear");
  }
}

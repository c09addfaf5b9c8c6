package io.bezoar.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;

/** The {@code bezoar} command: picks a subcommand and turns its outcome into an exit code. */
@Command(
    name = "bezoar",
    description = "Self-healing direct-access storage.",
    mixinStandardHelpOptions = true,
    versionProvider = VersionCommand.class,
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {VersionCommand.class, CommandLine.HelpCommand.class})
public final class Main {
  private Main() {}

  /**
   * Runs one command and exits with its code.
   *
   * @param args the command and its arguments
   */
  public static void main(String[] args) {
    System.exit(commandLine().execute(args));
  }

  static CommandLine commandLine() {
    return new CommandLine(new Main());
  }
}

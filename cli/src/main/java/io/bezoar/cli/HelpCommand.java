package io.bezoar.cli;

import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code bezoar help}, of commands of commands, too. */
@Command(
    name = "help",
    description = "Show what a command does, with examples.",
    helpCommand = true,
    footer = {"", "Examples:", "  bezoar help cp", "  bezoar help snapshot create"})
final class HelpCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(arity = "0..*", paramLabel = "COMMAND", description = "The command, by its words.")
  private List<String> words = List.of();

  @Override
  public Integer call() {
    CommandLine at = spec.parent().commandLine();
    for (String word : words) {
      CommandLine next = at.getSubcommands().get(word);
      if (next == null) {
        String known =
            at.getSubcommands().isEmpty()
                ? at.getCommandName() + " has no commands of its own"
                : "there are: " + String.join(", ", at.getSubcommands().keySet());
        throw new ParameterException(
            at, "no such command: " + String.join(" ", words) + "; " + known);
      }
      at = next;
    }
    at.usage(spec.commandLine().getOut());
    return 0;
  }
}

package io.bezoar.cli;

import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Commands that the launcher carries out before this program would start; listed for the help. */
abstract class LauncherCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(arity = "0..*", paramLabel = "ARGS", description = "Passed on.")
  private List<String> arguments = List.of();

  @Override
  public Integer call() {
    Console console = new Console(spec);
    console.note("bezoar: '" + spec.name() + "' is run from the sources: ./bezoar " + spec.name());
    console.note("  run it there" + (arguments.isEmpty() ? "" : " with the same arguments"));
    return spec.exitCodeOnInvalidInput();
  }

  /** {@code bezoar bench}. */
  @Command(name = "bench", description = "Measure, side by side with peers.")
  static final class Bench extends LauncherCommand {}

  /** {@code bezoar test}. */
  @Command(name = "test", description = "Run every test.")
  static final class Test extends LauncherCommand {}
}

package io.bezoar.cli;

import io.bezoar.cli.control.Exit;
import io.bezoar.cli.control.Problem;
import io.bezoar.cli.control.Request;
import java.io.IOException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code bezoar status}. */
@Command(
    name = "status",
    description = {
      "Show how a pool is, what it is made of, and what to do next. Of a pool of which part is",
      "missing, it shows what is there.",
      "Exit code: 0 healthy, 1 degraded, 2 damaged (bytes are lost), 3 unavailable."
    },
    footer = {
      "",
      "Examples:",
      "  bezoar status",
      "  bezoar status /data/a.pool -v",
      "  bezoar status --json | jq .counters"
    })
final class StatusCommand extends PoolCommand {
  @Mixin private PoolArgument pool;

  @Option(
      names = {"-v", "--verbose"},
      description = "Show identity, media and counters one by one.")
  private boolean verbose;

  @Option(names = "--json", description = "Print one JSON object.")
  private boolean json;

  StatusCommand(StopSignal stop) {
    super(stop);
  }

  @Override
  public Integer call() throws Exception {
    try {
      return ask(
          pool.ref(),
          new Request.Status(),
          reply -> {
            if (json) {
              showJson(reply);
            } else {
              StatusView.lines(reply, pool.path.toString(), verbose, Console.strokes())
                  .forEach(console()::line);
            }
          });
    } catch (IOException e) {
      Problem problem = Problem.of(e);
      if (json) {
        showJson(problem.toUnavailable(pool.path.toString()));
        return Exit.UNAVAILABLE;
      }
      throw e;
    }
  }
}

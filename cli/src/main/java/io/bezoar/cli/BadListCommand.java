package io.bezoar.cli;

import io.bezoar.cli.control.Request;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import tools.jackson.databind.JsonNode;

/** {@code bezoar bad list}. */
@Command(
    name = "list",
    description = {
      "List what is bad now: bytes of the volume that are lost (exact) or come by reconstruction",
      "only (suspect), and bytes of the pool file that cannot be trusted."
    },
    footer = {
      "",
      "Examples:",
      "  bezoar bad list a.pool",
      "  bezoar bad list a.pool --json | jq 'select(.space == \"volume\")'"
    })
final class BadListCommand extends PoolCommand {
  @Mixin private PoolArgument pool;

  @Option(names = "--json", description = "Print one JSON object per line.")
  private boolean json;

  private long count;

  BadListCommand(StopSignal stop) {
    super(stop);
  }

  @Override
  public Integer call() throws Exception {
    int exit =
        ask(
            pool.path,
            new Request.BadList(),
            reply -> {
              count++;
              if (json) {
                showJson(reply);
              } else {
                console().line(line(reply));
              }
            });
    if (count == 0 && !json) {
      console().line("nothing is known to be bad");
    }
    return exit;
  }

  private static String line(JsonNode bad) {
    return "%-6s %-22s %-8s %-10s first %s, last %s, %d times"
        .formatted(
            bad.path("space").asString(),
            EventView.range(bad),
            bad.path("confidence").asString(),
            bad.path("cause").asString(),
            EventView.time(bad.path("first_seen").asLong()),
            EventView.time(bad.path("last_seen").asLong()),
            bad.path("count").asLong());
  }
}

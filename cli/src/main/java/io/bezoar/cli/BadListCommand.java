package io.bezoar.cli;

import io.bezoar.cli.control.Request;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import tools.jackson.databind.JsonNode;

/** {@code bezoar bad list}. */
@Command(
    name = "list",
    description = {
      "List what is bad now: bytes of the volume that are lost (exact) or come by reconstruction",
      "only (suspect), and bytes of a device's media that cannot be trusted. Below the latter stand",
      "the same bytes in the terms of each layer up to the volume; none where they hold no content."
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

  /** More ranges than these say nothing to people. */
  private static final int MAX_RANGES = 4;

  private long count;

  BadListCommand(StopSignal stop) {
    super(stop);
  }

  @Override
  public Integer call() throws Exception {
    int exit =
        ask(
            pool.ref(),
            new Request.BadList(),
            reply -> {
              count++;
              if (json) {
                showJson(reply);
              } else {
                console().line(line(reply));
                String layers = layers(reply);
                if (!layers.isEmpty()) {
                  console().line("       " + layers);
                }
              }
            });
    if (count == 0 && !json) {
      console().line("nothing is known to be bad");
    }
    return exit;
  }

  /** The same bytes, layer by layer. */
  private static String layers(JsonNode bad) {
    return bad.path("layers")
        .valueStream()
        .map(layer -> "= " + layer.path("layer").asString() + " " + ranges(layer.path("ranges")))
        .collect(Collectors.joining(" "));
  }

  private static String ranges(JsonNode ranges) {
    if (ranges.isEmpty()) {
      return "(none)";
    }
    String first =
        ranges
            .valueStream()
            .limit(MAX_RANGES)
            .map(EventView::range)
            .collect(Collectors.joining(", "));
    int more = ranges.size() - MAX_RANGES;
    return more > 0 ? first + ", and " + more + " more" : first;
  }

  private static String line(JsonNode bad) {
    return "%-6s %-22s %-8s %-10s first %s, last %s, %d times"
        .formatted(
            EventView.named(bad, bad.path("space").asString()),
            EventView.range(bad),
            bad.path("confidence").asString(),
            bad.path("cause").asString(),
            EventView.time(bad.path("first_seen").asLong()),
            EventView.time(bad.path("last_seen").asLong()),
            bad.path("count").asLong());
  }
}

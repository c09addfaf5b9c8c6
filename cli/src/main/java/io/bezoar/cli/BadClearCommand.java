package io.bezoar.cli;

import io.bezoar.cli.control.Exit;
import io.bezoar.cli.control.Request;
import io.bezoar.pool.Fill;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import tools.jackson.databind.JsonNode;

/** {@code bezoar bad clear}. */
@Command(
    name = "clear",
    description = {
      "Fill lost bytes of the volume, so that they can be read again. What was there is gone for",
      "good; to keep a chance, overwrite the bytes from a copy instead. In a pool that holds files,",
      "only bytes that no file and no metadata has are filled; the others are named, and stay lost",
      "until their files are written anew or removed."
    },
    footer = {
      "",
      "Examples:",
      "  bezoar bad clear a.pool --accept-loss --fill zero",
      "  bezoar bad clear a.pool --accept-loss --fill pattern --range 1M+4K"
    })
final class BadClearCommand extends PoolCommand {
  @Mixin private PoolArgument pool;

  @Option(names = "--accept-loss", description = "Yes, these bytes may be given up.")
  private boolean acceptLoss;

  @Option(
      names = "--fill",
      required = true,
      paramLabel = "FILL",
      description =
          "What to fill with: ${COMPLETION-CANDIDATES} (the word LOST over and over, which can be"
              + " found).")
  private FillWith fill = FillWith.zero;

  @Option(
      names = "--range",
      paramLabel = "RANGE",
      converter = ByteRangeOption.class,
      description = "Only within these bytes of the volume: START-END or START+LENGTH.")
  private ByteRangeOption.@Nullable Value range;

  @Option(names = "--json", description = "Print one JSON object.")
  private boolean json;

  /** Fills as they are typed. */
  enum FillWith {
    zero,
    pattern
  }

  BadClearCommand(StopSignal stop) {
    super(stop);
  }

  @Override
  public Integer call() throws Exception {
    if (!acceptLoss) {
      console().note("bezoar: nothing was cleared: lost bytes are only filled on purpose");
      console().note("  look at them with: bezoar bad list; then repeat with --accept-loss");
      return Exit.REFUSED;
    }
    ByteRangeOption.Value only = range;
    Fill with =
        switch (fill) {
          case zero -> Fill.ZERO;
          case pattern -> Fill.PATTERN;
        };
    return ask(
        pool.ref(),
        new Request.Clear(with, only == null ? null : only.range()),
        reply -> {
          if (json) {
            showJson(reply);
          } else {
            show(reply);
          }
        });
  }

  private void show(JsonNode reply) {
    for (JsonNode filled : reply.path("filled")) {
      console().line("filled volume " + EventView.range(filled));
    }
    for (JsonNode left : reply.path("not_cleared")) {
      console().line("still lost, the media cannot be cleared: volume " + EventView.range(left));
    }
    for (JsonNode owned : reply.path("owned")) {
      long start = owned.path("start").asLong();
      console().line("still lost, files have it: volume " + EventView.range(owned));
      console()
          .line(
              "  which ones: bezoar owners %s %d+%d"
                  .formatted(
                      Shell.quote(pool.path.toString()),
                      start,
                      owned.path("end").asLong() - start));
    }
    if (reply.path("filled").isEmpty()
        && reply.path("not_cleared").isEmpty()
        && reply.path("owned").isEmpty()) {
      console().line("nothing was lost there");
    }
  }
}

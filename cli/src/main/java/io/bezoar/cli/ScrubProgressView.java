package io.bezoar.cli;

import io.bezoar.cli.control.Json;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** Shows a scrub as it goes: a bar for people who watch, lines for logs, JSON for programs. */
sealed interface ScrubProgressView extends AutoCloseable {
  /** Shows one reply. */
  void show(ObjectNode reply);

  @Override
  void close();

  /** The right one for who looks. */
  static ScrubProgressView of(Console console, String pool, boolean json) {
    if (json) {
      return new AsJson(console);
    }
    return new ForPeople(console, pool);
  }

  /** Every reply as it is. */
  record AsJson(Console console) implements ScrubProgressView {
    @Override
    public void show(ObjectNode reply) {
      console.line(Json.line(reply));
    }

    @Override
    public void close() {
      // Nothing is held.
    }
  }

  /** A bar on a terminal, a line every tenth otherwise; the result in words. */
  final class ForPeople implements ScrubProgressView {
    private final Console console;
    private final String pool;
    private final ProgressView progress;

    ForPeople(Console console, String pool) {
      this.console = console;
      this.pool = pool;
      this.progress = new ProgressView(console, "scrub");
    }

    @Override
    public void show(ObjectNode reply) {
      switch (reply.path("type").asString()) {
        case "attached" -> console.line("a scrub is in progress already: following it");
        case "scrub" -> showScrub(reply);
        default -> {}
      }
    }

    private void showScrub(JsonNode scrub) {
      switch (scrub.path("state").asString()) {
        case "running", "paused" -> showProgress(scrub);
        case "finished" -> end("scrub finished: " + ScrubView.totals(scrub));
        case "stopped" ->
            end(
                "scrub stopped at %s: %s; go on with: bezoar scrub %s"
                    .formatted(
                        ScrubView.percent(scrub), ScrubView.totals(scrub), Shell.quote(pool)));
        default ->
            end(
                "scrub failed at %s: %s"
                    .formatted(ScrubView.percent(scrub), scrub.path("detail").asString()));
      }
    }

    private void showProgress(JsonNode scrub) {
      progress.show(scrub.path("done").asLong(), scrub.path("total").asLong(), note(scrub));
    }

    private static String note(JsonNode scrub) {
      String paused = scrub.path("state").asString().equals("paused") ? "paused, " : "";
      return paused + scrub.path("found").asLong() + " found";
    }

    private void end(String line) {
      close();
      console.line(line);
    }

    @Override
    public void close() {
      progress.close();
    }
  }
}

package io.bezoar.cli;

import io.bezoar.cli.control.Json;
import java.time.Duration;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.jspecify.annotations.Nullable;
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
    return new ForPeople(console, pool, Console.isInteractive());
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
    private static final int MIB = 1 << 20;
    private final Console console;
    private final String pool;
    private final boolean interactive;
    private @Nullable ProgressBar bar;
    private long nextTenth = 1;

    ForPeople(Console console, String pool, boolean interactive) {
      this.console = console;
      this.pool = pool;
      this.interactive = interactive;
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
      long done = scrub.path("done").asLong();
      long total = Math.max(1, scrub.path("total").asLong());
      if (interactive) {
        ProgressBar shown = bar;
        if (shown == null) {
          shown =
              new ProgressBarBuilder()
                  .setTaskName("scrub")
                  .setInitialMax(total)
                  .setUnit(" MiB", MIB)
                  .setStyle(ProgressBarStyle.ASCII)
                  .setUpdateIntervalMillis((int) Duration.ofMillis(100).toMillis())
                  .build();
          bar = shown;
        }
        shown.stepTo(done);
        shown.setExtraMessage(note(scrub));
      } else if (done * 10 / total >= nextTenth) {
        nextTenth = done * 10 / total + 1;
        console.line("scrub at %s: %s".formatted(ScrubView.percent(scrub), note(scrub)));
      }
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
      ProgressBar shown = bar;
      bar = null;
      if (shown != null) {
        shown.close();
      }
    }
  }
}

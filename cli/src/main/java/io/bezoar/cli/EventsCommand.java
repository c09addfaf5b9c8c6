package io.bezoar.cli;

import io.bezoar.cli.control.Request;
import io.bezoar.dax.Severity;
import io.bezoar.health.EventQuery;
import java.time.Duration;
import java.time.Instant;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code bezoar events}. */
@Command(
    name = "events",
    description = {
      "Show what happened to a pool: every strike with its outcome, losses, scrubs, openings.",
      "The log is durable and holds the newest events (4,096 of them, or more); what was",
      "overwritten or damaged is counted as missed."
    },
    footer = {
      "",
      "Examples:",
      "  bezoar events --since 1h",
      "  bezoar events a.pool --outcome lost --json",
      "  bezoar events a.pool --follow"
    })
final class EventsCommand extends PoolCommand {
  @Mixin private PoolArgument pool;

  @Option(
      names = "--since",
      paramLabel = "SPAN",
      converter = Durations.class,
      description = "Only events of the last 30s, 10m, 1h, 2d ...")
  private @Nullable Duration since;

  @Option(
      names = "--after",
      paramLabel = "NUMBER",
      defaultValue = "0",
      description = "Only events with a greater number: what is new since the last look.")
  private long after;

  @Option(
      names = "--outcome",
      paramLabel = "OUTCOME",
      split = ",",
      description = "Only strikes that were ${COMPLETION-CANDIDATES}.")
  private List<Outcome> outcomes = List.of();

  @Option(
      names = {"-f", "--follow"},
      description = "Go on with events as they happen, until Ctrl-C.")
  private boolean follow;

  @Option(names = "--json", description = "Print one JSON object per line.")
  private boolean json;

  /** Outcomes as they are typed. */
  enum Outcome {
    healed,
    degraded,
    lost
  }

  EventsCommand(StopSignal stop) {
    super(stop);
  }

  @Override
  public Integer call() throws Exception {
    Duration span = since;
    Instant from = span == null ? Instant.EPOCH : Instant.now().minus(span);
    Request request =
        new Request.Events(
            new EventQuery(after, from, severities()),
            follow ? Request.Events.Mode.FOLLOW : Request.Events.Mode.HISTORY);
    return ask(
        pool.ref(),
        request,
        reply -> {
          if (json) {
            showJson(reply);
          } else if (reply.path("type").asString().equals("missed")) {
            console().note(reply.path("count").asLong() + " events are missing here");
          } else {
            console().line(EventView.line(reply));
          }
        });
  }

  private Set<Severity> severities() {
    EnumSet<Severity> severities = EnumSet.noneOf(Severity.class);
    for (Outcome outcome : outcomes) {
      severities.add(
          switch (outcome) {
            case healed -> Severity.HEALED;
            case degraded -> Severity.DEGRADED;
            case lost -> Severity.LOST;
          });
    }
    return severities;
  }
}

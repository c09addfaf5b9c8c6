package io.bezoar.cli;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.JsonNode;

/** Status for people. */
final class StatusView {
  private StatusView() {}

  static List<String> lines(
      JsonNode status, String pool, boolean verbose, StackView.Strokes strokes) {
    List<String> lines = new ArrayList<>();
    JsonNode counters = status.path("counters");
    String condition = status.path("condition").asString();
    lines.add(pool + ": " + condition + state(status));
    JsonNode spares = status.path("spares");
    boolean alone = StackView.isOneDevice(status.path("stack")) && spares.isEmpty();
    if (!alone) {
      StackView.lines(status.path("stack"), strokes).forEach(line -> lines.add("  " + line));
      spares.forEach(spare -> lines.add("  spare  " + StackView.device(spare, false)));
    }
    lines.add(
        row(
            "volume",
            Sizes.text(status.path("volume").asLong())
                + (alone ? " in a pool of " : " in devices of ")
                + Sizes.text(status.path("size").asLong())
                + (status.path("drill").asBoolean() ? ", made for drills" : "")));
    if (alone) {
      lines.add(row("redundancy", redundancy(status)));
      lines.add(row("media", media(status.path("media"))));
    }
    if (status.path("content").asString().equals("fs")) {
      lines.add(row("files", files(status)));
      for (JsonNode note : status.path("file_notes")) {
        lines.add(row("", "NOTE: " + note.asString()));
      }
    }
    lines.add(row("since opened", errors(counters)));
    lines.add(row("scrub", scrub(status.path("scrub"))));
    JsonNode served = status.path("served");
    if (served.isObject()) {
      lines.add(
          row(
              "served",
              served.path("nbd").asString("to the commands on files")
                  + " ("
                  + served.path("mode").asString().replace('-', ' ')
                  + ", process "
                  + served.path("pid").asLong()
                  + ")"));
    }
    if (verbose) {
      addDetails(lines, status);
    }
    lines.add("");
    lines.add("next: " + NextStep.of(status, pool));
    return lines;
  }

  private static String files(JsonNode status) {
    JsonNode files = status.path("files");
    if (!files.isObject()) {
      return "cannot be used: " + status.path("files_trouble").asString();
    }
    long quarantined = files.path("quarantined").asLong();
    int snapshots = files.path("snapshots").asInt();
    return "%s used, %s free%s%s"
        .formatted(
            Sizes.text(files.path("used").asLong()),
            Sizes.text(files.path("free").asLong()),
            quarantined > 0 ? ", " + Sizes.text(quarantined) + " bad and set aside" : "",
            snapshots > 0 ? ", " + snapshots + (snapshots == 1 ? " snapshot" : " snapshots") : "");
  }

  private static String media(JsonNode media) {
    return media.path("kind").asString().replace('-', ' ')
        + ", granule "
        + Sizes.text(media.path("granule").asLong())
        + "; "
        + media.path("persist_means").asString();
  }

  private static void addDetails(List<String> lines, JsonNode status) {
    JsonNode counters = status.path("counters");
    JsonNode media = status.path("media");
    lines.add(row("uuid", status.path("uuid").asString()));
    lines.add(row("created", Instant.ofEpochMilli(status.path("created").asLong()).toString()));
    lines.add(row("content", status.path("content").asString()));
    for (String name :
        List.of(
            "read_faults",
            "checksum_errors",
            "redundancy_errors",
            "repaired_bytes",
            "degraded_bytes",
            "lost_bytes",
            "persist_failures")) {
      lines.add(row(name.replace('_', ' '), Long.toString(counters.path(name).asLong())));
    }
    if (media.isObject()) {
      lines.add(
          row(
              "clear unit",
              Sizes.text(media.path("clear_unit").asLong())
                  + (media.path("writable").asBoolean() ? "" : " (opened read-only)")));
    }
    lines.add(row("events", status.path("events").path("last").asLong() + " so far"));
    String trouble = status.path("events").path("not_durable_because").asString("");
    if (!trouble.isEmpty()) {
      lines.add(row("", "newest events are not durable: " + trouble));
    }
  }

  private static String state(JsonNode status) {
    String state = status.path("state").asString();
    return state.equals("online") ? "" : " (" + state.replace('-', ' ') + ")";
  }

  private static String redundancy(JsonNode status) {
    JsonNode redundancy = status.path("redundancy");
    if (redundancy.path("parity_columns").asInt() == 0) {
      return "none: nothing is checked, nothing can be rebuilt";
    }
    JsonNode counters = status.path("counters");
    long degraded = counters.path("degraded_bytes").asLong();
    long lost = counters.path("lost_bytes").asLong();
    String kind = redundancy.path("kind").asString() + " columns and checksums; ";
    if (lost > 0) {
      return kind + Sizes.text(lost) + " lost, the rest can be rebuilt";
    }
    return degraded > 0
        ? kind + "none left for the rows of " + Sizes.text(degraded)
        : kind + "any one page of each row can be rebuilt";
  }

  private static String errors(JsonNode counters) {
    return "%d read faults, %d checksum errors, %d redundancy errors; %s repaired%s"
        .formatted(
            counters.path("read_faults").asLong(),
            counters.path("checksum_errors").asLong(),
            counters.path("redundancy_errors").asLong(),
            Sizes.text(counters.path("repaired_bytes").asLong()),
            counters.path("persist_failures").asLong() > 0
                ? "; " + counters.path("persist_failures").asLong() + " failed persists"
                : "");
  }

  private static String scrub(JsonNode scrub) {
    String state = scrub.path("state").asString();
    String last =
        scrub.has("last_finished")
            ? "last finished "
                + Durations.ago(
                    Duration.between(
                        Instant.ofEpochMilli(scrub.path("last_finished").asLong()), Instant.now()))
                + ": "
                + ScrubView.totals(scrub.path("last"))
            : "never finished";
    if (state.equals("running") || state.equals("paused")) {
      return state + " at " + ScrubView.percent(scrub) + "; " + last;
    }
    return scrub.path("interrupted_at_row").asLong() > 0 ? "interrupted; " + last : last;
  }

  private static String row(String name, String value) {
    return "  %-18s %s".formatted(name, value);
  }
}

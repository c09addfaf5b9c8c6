package io.bezoar.cli;

import java.time.Duration;
import java.time.Instant;
import tools.jackson.databind.JsonNode;

/** What to type next, by how a pool is: the most pressing thing alone. */
final class NextStep {
  private final JsonNode status;
  private final String pool;
  private final String quoted;

  private NextStep(JsonNode status, String pool) {
    this.status = status;
    this.pool = pool;
    this.quoted = Shell.quote(pool);
  }

  static String of(JsonNode status, String pool) {
    return new NextStep(status, pool).text();
  }

  private String text() {
    for (StackView.Leg leg : StackView.devices(status.path("stack"))) {
      String step = ofDevice(leg);
      if (!step.isEmpty()) {
        return step;
      }
    }
    return ofVolume();
  }

  private String ofDevice(StackView.Leg leg) {
    JsonNode device = leg.device();
    String number = Integer.toString(device.path("device").asInt());
    String state = device.path("leg").path("state").asString("");
    boolean hasCopies = leg.copies() > 1;
    switch (device.path("presence").asString()) {
      case "offline" -> {
        return command("online", number);
      }
      case "missing" -> {
        String back = "bring " + device.path("path").asString() + " back: it is used by itself";
        return hasCopies && leg.copiesInSync() > 0
            ? back + "; or another in its place: " + command("replace", number + " NEW")
            : back + "; nothing else has its bytes";
      }
      default -> {}
    }
    if (state.equals("failed") && hasCopies) {
      return command("replace", number + " NEW");
    }
    if (state.equals("resyncing")) {
      return "bezoar device wait " + quoted;
    }
    boolean failing =
        leg.isOneOfMany()
            && device.path("counters").path("degraded_bytes").asLong() > 0
            && status.path("counters").path("lost_bytes").asLong() == 0;
    return failing ? command("evacuate", number + " --to NEW") : "";
  }

  private String command(String verb, String rest) {
    return "bezoar device " + verb + " " + quoted + " " + rest;
  }

  private String ofVolume() {
    JsonNode counters = status.path("counters");
    if (!status.path("state").asString().equals("online")) {
      return "bezoar events " + quoted + " --since 1d";
    }
    boolean holdsFiles = status.path("content").asString().equals("fs");
    if (holdsFiles && status.has("files_trouble")) {
      return "bezoar bad list " + quoted;
    }
    if (counters.path("lost_bytes").asLong() > 0 && holdsFiles) {
      return "bezoar bad list "
          + quoted
          + "   (which files have these bytes: bezoar owners "
          + quoted
          + " OFFSET; copy them in anew)";
    }
    if (counters.path("lost_bytes").asLong() > 0) {
      return "bezoar bad list "
          + quoted
          + "   (overwrite these bytes from a copy, or accept: bezoar bad clear "
          + quoted
          + " --accept-loss --fill zero)";
    }
    if (counters.path("degraded_bytes").asLong() > 0) {
      return "copy the content to other media, then: bezoar bad list " + quoted;
    }
    JsonNode scrub = status.path("scrub");
    if (scrub.path("state").asString().equals("paused")) {
      return "bezoar scrub " + quoted + " --resume";
    }
    long monthMillis = Duration.ofDays(30).toMillis();
    boolean fresh =
        scrub.has("last_finished")
            && Instant.now().toEpochMilli() - scrub.path("last_finished").asLong() < monthMillis;
    if (!fresh && !scrub.path("state").asString().equals("running")) {
      return "bezoar scrub " + quoted;
    }
    if (holdsFiles) {
      return "bezoar ls -l " + Shell.quote(pool + ":/");
    }
    JsonNode served = status.path("served");
    return served.isObject()
        ? "nbdinfo " + Shell.quote(Shell.nbdUri(served.path("nbd").asString()))
        : "bezoar serve " + quoted;
  }
}

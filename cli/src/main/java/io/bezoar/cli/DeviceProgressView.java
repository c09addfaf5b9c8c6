package io.bezoar.cli;

import io.bezoar.cli.control.Json;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** Shows a change of devices as it goes: what was done, then how far the copying is. */
final class DeviceProgressView implements AutoCloseable {
  private final Console console;
  private final String pool;
  private final boolean json;
  private final ProgressView progress;
  private boolean isFirst = true;

  DeviceProgressView(Console console, String pool, boolean json) {
    this.console = console;
    this.pool = Shell.quote(pool);
    this.json = json;
    this.progress = new ProgressView(console, "resync");
  }

  void show(ObjectNode reply) {
    if (json) {
      console.line(Json.line(reply));
      return;
    }
    switch (reply.path("type").asString()) {
      case "device" -> showChange(reply);
      case "resync" -> showResync(reply.path("legs"));
      case "in-sync" -> end(inSync(reply));
      case "stuck" -> {
        end(name(reply) + " does not get in sync: " + reply.path("detail").asString());
        console.line("next: bezoar status " + pool);
      }
      case "left" -> {
        progress.close();
        console.note(
            reply.path("served").asBoolean()
                ? "bezoar: it goes on in the process that serves the pool"
                : "bezoar: it goes on when the pool is opened again");
        console.note(
            reply.path("served").asBoolean()
                ? "  follow it with: bezoar device wait " + pool
                : "  open it with: bezoar serve " + pool);
      }
      default -> {}
    }
    isFirst = false;
  }

  private void showChange(JsonNode reply) {
    String name = name(reply);
    String path = reply.path("path").asString();
    console.line(
        switch (reply.path("step").asString()) {
          case "attached" -> name + ": attached, gets a copy of " + other(reply);
          case "detached" -> name + ": detached; " + path + " is no pool's any more";
          case "offline" ->
              name
                  + ": offline, everything on it is durable"
                  + (reply.path("served").asBoolean()
                      ? "\nnext: bezoar device online " + pool + " " + reply.path("device").asInt()
                      : "; it is used again when the pool is opened and it is there");
          case "in-use" -> name + ": is in use";
          case "online" -> name + ": online, gets what it missed";
          case "replacing" -> name + ": takes the place of " + other(reply);
          case "evacuated" -> name + ": left the pool; others hold all that was on it";
          case "spare" -> name + ": waits to take the place of one that goes away";
          default -> name + ": " + reply.path("step").asString();
        });
  }

  private void showResync(JsonNode legs) {
    long done = 0;
    long total = 0;
    String pace = "";
    for (JsonNode leg : legs) {
      done += leg.path("done").asLong();
      total += leg.path("total").asLong();
      pace += (pace.isEmpty() ? "" : "; ") + name(leg) + StackView.pace(leg);
    }
    if (total > 0) {
      progress.show(done, total, pace);
    }
  }

  private String inSync(JsonNode reply) {
    if (!reply.has("device")) {
      String all =
          reply.path("all_legs").asBoolean()
              ? "every copy is in sync"
              : "nothing is being copied, and not every copy is whole";
      return isFirst && reply.path("all_legs").asBoolean() ? all + " already" : all;
    }
    return name(reply)
        + ": in sync"
        + (reply.has("other")
            ? "; device " + reply.path("other").asInt() + " has left the pool"
            : "");
  }

  private void end(String line) {
    progress.close();
    console.line(line);
  }

  private static String name(JsonNode reply) {
    return EventView.device(reply);
  }

  private static String other(JsonNode reply) {
    return "device %d (%s)"
        .formatted(reply.path("other").asInt(), reply.path("other_name").asString());
  }

  @Override
  public void close() {
    progress.close();
  }
}

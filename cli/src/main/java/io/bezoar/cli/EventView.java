package io.bezoar.cli;

import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import tools.jackson.databind.JsonNode;

/** Events and bad ranges for people, one line each. */
final class EventView {
  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("uuuu-MM-dd HH:mm:ss.SSS", Locale.ROOT)
          .withZone(ZoneId.systemDefault());

  private EventView() {}

  static String time(long millis) {
    return TIME.format(Instant.ofEpochMilli(millis));
  }

  static String line(JsonNode event) {
    return "%6d  %s  %s"
        .formatted(event.path("sequence").asLong(), time(event.path("at").asLong()), text(event));
  }

  private static String text(JsonNode event) {
    String kind = event.path("event").asString();
    if (kind.equals("failure")) {
      return "%-8s %s  %s"
          .formatted(
              event.path("outcome").asString(),
              places(event),
              event.path("cause").asString().replace('-', ' '));
    }
    if (kind.startsWith("scrub-")) {
      return kind.replace('-', ' ')
          + (event.path("checked").asLong() > 0 ? ": " + ScrubView.totals(event) : "");
    }
    if (event.has("volume")) {
      return kind + " volume " + range(event.path("volume"));
    }
    String detail = event.path("detail").asString("");
    String word =
        switch (kind) {
          case "state" -> named(event, "volume") + " is " + words(event.path("state"));
          case "device" -> named(event, "a device") + " " + words(event.path("step"));
          default -> "pool " + kind.replace('-', ' ');
        };
    return word + (detail.isEmpty() ? "" : ": " + detail);
  }

  private static String words(JsonNode word) {
    return word.asString().replace('-', ' ');
  }

  /** The device that it is about; {@code otherwise} where there is no choice. */
  static String named(JsonNode json, String otherwise) {
    return json.has("device") && !json.has("only_device") ? device(json) : otherwise;
  }

  /** A device for people: "device 1 (b.img)"; without a name when it left the pool. */
  static String device(JsonNode json) {
    String number = "device " + json.path("device").asInt();
    return json.has("name") ? number + " (" + json.path("name").asString() + ")" : number;
  }

  private static String places(JsonNode event) {
    String role = event.path("role").asString().replace('-', ' ');
    String media =
        event.has("media") ? named(event, "file") + " " + range(event.path("media")) : "";
    return event.has("volume")
        ? role + " volume " + range(event.path("volume")) + " " + media
        : role + " " + media;
  }

  /** A range for people: where it starts, in hexadecimal, and how long it is. */
  static String range(JsonNode range) {
    long start = range.path("start").asLong();
    return "0x%x+%d".formatted(start, range.path("end").asLong() - start);
  }
}

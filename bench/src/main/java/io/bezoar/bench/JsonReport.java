package io.bezoar.bench;

import io.bezoar.bench.Outcome.Measured;
import io.bezoar.bench.Outcome.Peer;
import io.bezoar.bench.Outcome.Skipped;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** Outcomes for programs: an array with one object for each line of the table. */
final class JsonReport {
  private JsonReport() {}

  static String format(List<Outcome> outcomes) {
    return Table.sorted(outcomes).stream()
        .map(JsonReport::object)
        .collect(Collectors.joining(",\n  ", "[\n  ", "\n]\n"));
  }

  private static String object(Outcome outcome) {
    List<String> fields = new ArrayList<>();
    fields.add("\"row\": " + outcome.row());
    fields.add("\"what\": " + quote(outcome.what()));
    fields.add("\"on\": " + quote(outcome.place()));
    switch (outcome) {
      case Measured it -> addMeasured(fields, it);
      case Skipped it -> fields.add("\"skipped\": " + quote(it.reason()));
    }
    return "{" + String.join(", ", fields) + "}";
  }

  private static void addMeasured(List<String> fields, Measured it) {
    fields.add("\"unit\": " + quote(it.ours().unit().symbol()));
    fields.add("\"value\": " + it.ours().value());
    it.peer().ifPresent(peer -> addPeer(fields, peer));
    if (!(it.goal() instanceof Goal.None)) {
      fields.add("\"target\": " + quote(it.goal().text()));
      fields.add("\"met\": " + (it.verdict() == Outcome.Verdict.MET));
    }
  }

  private static void addPeer(List<String> fields, Peer peer) {
    fields.add("\"peer\": " + quote(peer.name()));
    fields.add("\"peerSource\": " + quote(peer.source().name().toLowerCase(Locale.ROOT)));
    fields.add("\"peerValue\": " + peer.value().value());
    fields.add("\"ratio\": " + peer.ratio().median());
    fields.add("\"ratioLow\": " + peer.ratio().low());
    fields.add("\"ratioHigh\": " + peer.ratio().high());
  }

  private static String quote(String text) {
    StringBuilder quoted = new StringBuilder("\"");
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '"' || c == '\\') {
        quoted.append('\\').append(c);
      } else if (c < ' ') {
        quoted.append(String.format(Locale.ROOT, "\\u%04x", (int) c));
      } else {
        quoted.append(c);
      }
    }
    return quoted.append('"').toString();
  }
}

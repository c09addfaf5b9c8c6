package io.bezoar.bench;

import io.bezoar.bench.Outcome.Measured;
import io.bezoar.bench.Outcome.Peer;
import io.bezoar.bench.Outcome.Skipped;
import io.bezoar.bench.Outcome.Source;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;

/** Outcomes as people read them: one table, by row, the places below each other. */
final class Table {
  private static final List<String> HEAD =
      List.of("row", "what", "on", "Bezoar", "beside", "its", "ratio", "target", "");

  private Table() {}

  static String format(List<Outcome> outcomes) {
    List<List<String>> lines = new ArrayList<>();
    lines.add(HEAD);
    sorted(outcomes).forEach(outcome -> lines.add(cells(outcome)));
    int[] widths = widths(lines);
    StringBuilder text = new StringBuilder();
    for (List<String> line : lines) {
      StringBuilder row = new StringBuilder();
      for (int i = 0; i < line.size(); i++) {
        row.append(pad(line.get(i), widths[i])).append("  ");
      }
      text.append(row.toString().stripTrailing()).append('\n');
    }
    return text.append(foot(outcomes)).toString();
  }

  /** By row; within one, what belongs together stands together. */
  static List<Outcome> sorted(List<Outcome> outcomes) {
    return outcomes.stream().sorted(Comparator.comparingInt(Outcome::row)).toList();
  }

  private static List<String> cells(Outcome outcome) {
    String row = String.valueOf(outcome.row());
    return switch (outcome) {
      case Measured it ->
          List.of(
              row,
              it.what(),
              it.place(),
              it.ours().toString(),
              it.peer().map(Table::name).orElse(""),
              it.peer().map(peer -> peer.value().toString()).orElse(""),
              it.peer().map(peer -> peer.ratio().toString()).orElse(""),
              it.goal().text(),
              it.verdict().text());
      case Skipped it ->
          List.of(row, it.what(), it.place(), "SKIPPED", it.reason(), "", "", "", "");
    };
  }

  private static String name(Peer peer) {
    return peer.source() == Source.QUOTED ? peer.name() + " *" : peer.name();
  }

  private static int[] widths(List<List<String>> lines) {
    int[] widths = new int[HEAD.size()];
    for (List<String> line : lines) {
      for (int i = 0; i < widths.length; i++) {
        widths[i] = Math.max(widths[i], line.get(i).length());
      }
    }
    return widths;
  }

  private static String pad(String cell, int width) {
    return cell + " ".repeat(width - cell.length());
  }

  private static String foot(List<Outcome> outcomes) {
    List<String> notes = new ArrayList<>();
    notes.add("Medians of rounds in which all contenders take turns; ratio: median (quartiles).");
    if (outcomes.stream().anyMatch(Table::isQuoted)) {
      notes.add("* measured on another machine, not here.");
    }
    String skipped =
        outcomes.stream()
            .filter(Skipped.class::isInstance)
            .map(outcome -> String.valueOf(outcome.row()))
            .distinct()
            .collect(Collectors.joining(", "));
    if (!skipped.isEmpty()) {
      notes.add("Not everything was measured: see row " + skipped + ".");
    }
    return "\n" + String.join("\n", notes) + "\n";
  }

  private static boolean isQuoted(Outcome outcome) {
    return outcome instanceof Measured it
        && it.peer().filter(peer -> peer.source() == Source.QUOTED).isPresent();
  }
}

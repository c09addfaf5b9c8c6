package io.bezoar.cli;

import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import tools.jackson.databind.JsonNode;

/** A listing for people, as ls shows it. */
final class LsView {
  private static final DateTimeFormatter RECENT =
      DateTimeFormatter.ofPattern("MMM ppd HH:mm", Locale.ENGLISH);
  private static final DateTimeFormatter OLD =
      DateTimeFormatter.ofPattern("MMM ppd  yyyy", Locale.ENGLISH);
  private static final Duration HALF_A_YEAR = Duration.ofDays(182);
  private static final long NANOS_PER_SECOND = 1_000_000_000;

  private final Console console;
  private final Columns columns;
  private final Instant now;
  private final ZoneId zone;
  private final Comparator<Entry> order;
  private final List<Entry> waiting = new ArrayList<>();
  private boolean begun;

  /**
   * What is shown.
   *
   * @param isLong attributes
   * @param inodes numbers of inodes
   * @param human sizes as people say them
   * @param titles the path of each directory before what is in it
   * @param sorted in another order than that in which it comes
   */
  record Columns(boolean isLong, boolean inodes, boolean human, boolean titles, boolean sorted) {}

  /**
   * Something that waits for the widths of its columns, or its turn.
   *
   * @param place in which it came
   * @param json all of it
   */
  record Entry(int place, JsonNode json) {
    private long number(String name) {
      return json.path(name).asLong();
    }
  }

  /** What comes first. */
  enum Order {
    /** The order in which all comes: by the bytes of names. */
    NAME,
    /** What was changed last. */
    TIME,
    /** What is largest. */
    SIZE;

    Comparator<Entry> comparator() {
      Comparator<Entry> asItCame = Comparator.comparingInt(Entry::place);
      return switch (this) {
        case NAME -> asItCame;
        case TIME -> largest("modified").thenComparing(asItCame);
        case SIZE -> largest("size").thenComparing(asItCame);
      };
    }

    private static Comparator<Entry> largest(String name) {
      return Comparator.comparingLong((Entry entry) -> entry.number(name)).reversed();
    }
  }

  LsView(Console console, Columns columns, Comparator<Entry> order, Instant now, ZoneId zone) {
    this.console = console;
    this.columns = columns;
    this.order = order;
    this.now = now;
    this.zone = zone;
  }

  void show(JsonNode reply) {
    switch (reply.path("type").asString()) {
      case "directory" -> {
        end();
        if (columns.titles()) {
          console.line((begun ? "\n" : "") + printable(reply.path("path").asString()) + ":");
        }
        begun = true;
      }
      case "entry" -> {
        if (columns.isLong() || columns.sorted()) {
          waiting.add(new Entry(waiting.size(), reply));
        } else {
          showShort(reply);
        }
      }
      default -> {}
    }
  }

  private void showShort(JsonNode entry) {
    console.line(
        (columns.inodes() ? entry.path("inode").asLong() + " " : "")
            + printable(entry.path("name").asString()));
    begun = true;
  }

  /** Shows what waited. */
  void end() {
    List<JsonNode> sorted = waiting.stream().sorted(order).map(Entry::json).toList();
    waiting.clear();
    if (columns.isLong()) {
      showRows(sorted.stream().map(this::row).toList());
    } else {
      sorted.forEach(this::showShort);
    }
  }

  private void showRows(List<List<String>> rows) {
    int[] widths = new int[7];
    for (List<String> row : rows) {
      for (int i = 0; i < widths.length; i++) {
        widths[i] = Math.max(widths[i], row.get(i).length());
      }
    }
    for (List<String> row : rows) {
      StringBuilder line = new StringBuilder();
      for (int i = columns.inodes() ? 0 : 1; i < widths.length; i++) {
        line.append(" ".repeat(widths[i] - row.get(i).length())).append(row.get(i)).append(' ');
      }
      console.line(line.append(row.getLast()).toString());
      begun = true;
    }
  }

  private List<String> row(JsonNode entry) {
    String name = printable(entry.path("name").asString());
    String target = entry.path("target").asString("");
    long size = entry.path("size").asLong();
    return List.of(
        Long.toString(entry.path("inode").asLong()),
        mode(entry),
        Long.toString(entry.path("links").asLong()),
        Integer.toString(entry.path("uid").asInt()),
        Integer.toString(entry.path("gid").asInt()),
        columns.human() ? Sizes.text(size) : Long.toString(size),
        time(entry.path("modified").asLong()),
        target.isEmpty() ? name : name + " -> " + printable(target));
  }

  private String time(long nanos) {
    Instant at = instant(nanos);
    boolean recent = !at.isAfter(now) && Duration.between(at, now).compareTo(HALF_A_YEAR) < 0;
    return (recent ? RECENT : OLD).format(at.atZone(zone));
  }

  static Instant instant(long nanos) {
    return Instant.ofEpochSecond(
        Math.floorDiv(nanos, NANOS_PER_SECOND), Math.floorMod(nanos, NANOS_PER_SECOND));
  }

  /** As in {@code drwxr-xr-t}. */
  static String mode(JsonNode entry) {
    int mode = Integer.parseInt(entry.path("mode").asString(), 8);
    char kind =
        switch (entry.path("kind").asString()) {
          case "directory" -> 'd';
          case "link" -> 'l';
          default -> '-';
        };
    return kind
        + triple(mode >> 6, (mode & 04000) != 0 ? 's' : 'x')
        + triple(mode >> 3, (mode & 02000) != 0 ? 's' : 'x')
        + triple(mode, (mode & 01000) != 0 ? 't' : 'x');
  }

  private static String triple(int bits, char run) {
    boolean runs = (bits & 1) != 0;
    char last = run == 'x' ? (runs ? 'x' : '-') : runs ? run : Character.toUpperCase(run);
    return ((bits & 4) != 0 ? "r" : "-") + ((bits & 2) != 0 ? "w" : "-") + last;
  }

  /** What a name does to a terminal is up to its author: it is shown as question marks there. */
  static String printable(String name) {
    if (!Console.isInteractive()) {
      return name;
    }
    StringBuilder shown = new StringBuilder(name.length());
    name.codePoints()
        .forEach(
            c ->
                shown.appendCodePoint(
                    Character.isISOControl(c) || Character.getType(c) == Character.SURROGATE
                        ? '?'
                        : c));
    return shown.toString();
  }
}

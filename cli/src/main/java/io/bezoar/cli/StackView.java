package io.bezoar.cli;

import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.JsonNode;

/** What a pool is made of, for people: a tree, with what each part of it can still bear. */
final class StackView {
  /**
   * The lines of a tree.
   *
   * @param tee before a node that is not the last one
   * @param corner before the last one
   * @param bar before what is below a node that is not the last one
   */
  record Strokes(String tee, String corner, String bar) {
    /** Where the terminal has them. */
    static final Strokes DRAWN = new Strokes("├─ ", "└─ ", "│  ");

    /** Where it does not. */
    static final Strokes ASCII = new Strokes("|- ", "`- ", "|  ");
  }

  private final Strokes strokes;
  private final List<String> lines = new ArrayList<>();

  private StackView(Strokes strokes) {
    this.strokes = strokes;
  }

  static List<String> lines(JsonNode stack, Strokes strokes) {
    StackView view = new StackView(strokes);
    view.add(stack, "", "");
    return view.lines;
  }

  /**
   * A device, and what stands beside it.
   *
   * @param device as JSON
   * @param copies how many legs its mirror has
   * @param copiesInSync how many of them hold everything
   * @param isOneOfMany whether the pool has other devices
   */
  record Leg(JsonNode device, int copies, int copiesInSync, boolean isOneOfMany) {}

  /** All devices of the stack, in order. */
  static List<Leg> devices(JsonNode stack) {
    List<Leg> found = new ArrayList<>();
    collect(stack, 1, 0, found);
    boolean many = found.size() > 1;
    return found.stream()
        .map(leg -> new Leg(leg.device(), leg.copies(), leg.copiesInSync(), many))
        .toList();
  }

  private static void collect(JsonNode node, int copies, int inSync, List<Leg> found) {
    switch (node.path("kind").asString("")) {
      case "device" -> found.add(new Leg(node, copies, inSync, false));
      case "mirror" ->
          node.path("children")
              .forEach(
                  child ->
                      collect(
                          child,
                          node.path("copies").asInt(),
                          node.path("copies_in_sync").asInt(),
                          found));
      default -> node.path("children").forEach(child -> collect(child, 1, 1, found));
    }
  }

  /** True for a pool of one device, which needs no tree. */
  static boolean isOneDevice(JsonNode stack) {
    return stack.path("kind").asString("").equals("device")
        || (stack.path("kind").asString("").equals("mirror")
            && stack.path("children").size() == 1
            && isOneDevice(stack.path("children").path(0)));
  }

  private void add(JsonNode node, String before, String below) {
    JsonNode shown = node;
    // A device that stands alone is a mirror of one leg, which nobody needs to see.
    if (isOneDevice(node) && node.path("kind").asString().equals("mirror")) {
      shown = node.path("children").path(0);
      lines.add(before + device(shown, false));
      return;
    }
    lines.add(before + text(shown));
    List<JsonNode> children = shown.path("children").valueStream().toList();
    for (int i = 0; i < children.size(); i++) {
      boolean last = i == children.size() - 1;
      add(
          children.get(i),
          below + (last ? strokes.corner() : strokes.tee()),
          below + (last ? "   " : strokes.bar()));
    }
  }

  private static String text(JsonNode node) {
    String size = Sizes.text(node.path("size").asLong());
    return switch (node.path("kind").asString()) {
      case "device" -> device(node, true);
      case "mirror" -> "mirror  " + size + leg(node) + ": " + copies(node) + state(node);
      case "linear" -> "linear  " + size + leg(node) + ": every part is needed";
      case "striped" ->
          "stripe  %s%s, chunks of %s: every part is needed"
              .formatted(size, leg(node), Sizes.text(node.path("chunk").asLong()));
      case "cached" -> "write cache  " + size + leg(node) + ": " + cache(node.path("cache"));
      default -> node.path("kind").asString();
    };
  }

  private static String leg(JsonNode node) {
    return node.has("leg") ? ", " + legState(node) : "";
  }

  private static String state(JsonNode node) {
    String state = node.path("state").asString();
    return state.equals("online") ? "" : " (" + state.replace('-', ' ') + ")";
  }

  /** What of its redundancy a mirror has left. */
  private static String copies(JsonNode mirror) {
    int copies = mirror.path("copies").asInt();
    int left = mirror.path("copies_in_sync").asInt();
    if (left == 0) {
      return "none of " + copies + " copies is whole";
    }
    if (left == 1) {
      return "1 of " + copies + " copies, no further loss is survived";
    }
    String bears = left == 2 ? "either may be lost" : "any " + (left - 1) + " may be lost";
    return left == copies
        ? left + " copies, " + bears
        : left + " of " + copies + " copies, " + bears;
  }

  private static String cache(JsonNode cache) {
    StringBuilder text = new StringBuilder();
    text.append(
        "%s dirty, %s clean, %s free"
            .formatted(blocks(cache, "dirty"), blocks(cache, "clean"), blocks(cache, "free")));
    for (String bad : List.of("lost", "retired")) {
      if (cache.path(bad).asLong() > 0) {
        text.append(", ").append(blocks(cache, bad)).append(' ').append(bad);
      }
    }
    if (cache.has("last_failure")) {
      text.append("; not written back: ").append(cache.path("last_failure").asString());
    }
    return text.toString();
  }

  private static String blocks(JsonNode cache, String name) {
    return Sizes.text(cache.path(name).asLong() * 4096);
  }

  /** One line for a device. */
  static String device(JsonNode device, boolean isLeg) {
    String redundancy = device.path("redundancy").path("kind").asString();
    return "%d  %s  %s, %s, %s%s"
        .formatted(
            device.path("device").asInt(),
            device.path("path").asString(),
            Sizes.text(device.path("size").asLong()),
            redundancy.equals("none") ? "no parity" : "parity " + redundancy,
            isLeg ? legState(device) : presence(device),
            trouble(device));
  }

  private static String presence(JsonNode device) {
    String detail = device.path("detail").asString("");
    return switch (device.path("presence").asString("")) {
      case "missing" -> "missing: " + detail;
      case "offline" -> "offline: " + detail;
      default -> device.path("state").asString().replace('-', ' ');
    };
  }

  /** A leg is told by what it holds, whatever else may be said of it. */
  private static String legState(JsonNode node) {
    JsonNode leg = node.path("leg");
    if (node.path("kind").asString().equals("device")
        && !node.path("presence").asString().equals("there")) {
      return presence(node);
    }
    String state = leg.path("state").asString("");
    return switch (state) {
      case "in-sync" -> "in sync" + odd(node);
      case "resyncing" -> "resyncing" + resync(leg.path("resync"));
      case "failed" -> "not used: " + leg.path("detail").asString("it failed");
      case "missing" -> "missing: " + leg.path("detail").asString("it is not there");
      default -> presence(node);
    };
  }

  private static String odd(JsonNode node) {
    String state = node.path("state").asString("online");
    return state.equals("online") ? "" : " (" + state.replace('-', ' ') + ")";
  }

  /** How far a resync is: " 43%, 210 MiB/s, 1m20s to safe". */
  static String resync(JsonNode resync) {
    if (resync.isMissingNode()) {
      return "";
    }
    String percent =
        " " + ProgressView.percent(resync.path("done").asLong(), resync.path("total").asLong());
    return percent + pace(resync);
  }

  static String pace(JsonNode resync) {
    long rate = resync.path("bytes_per_second").asLong();
    long left = resync.path("seconds_left").asLong(-1);
    return (rate > 0 ? ", " + Sizes.text(rate) + "/s" : "")
        + (left >= 0 ? ", " + Durations.text(left) + " to safe" : "");
  }

  /** What went wrong on it since it was opened; nothing where nothing did. */
  private static String trouble(JsonNode device) {
    JsonNode counters = device.path("counters");
    List<String> troubles = new ArrayList<>();
    addCount(troubles, counters, "read_faults", "read faults");
    addCount(troubles, counters, "checksum_errors", "checksum errors");
    addCount(troubles, counters, "redundancy_errors", "redundancy errors");
    addBytes(troubles, counters.path("repaired_bytes"), "repaired");
    addBytes(troubles, counters.path("degraded_bytes"), "degraded");
    addBytes(troubles, counters.path("lost_bytes"), "lost");
    addCount(troubles, counters, "persist_failures", "failed persists");
    addBytes(troubles, device.path("poison"), "poison");
    return troubles.isEmpty() ? "" : "; " + String.join(", ", troubles);
  }

  private static void addCount(List<String> troubles, JsonNode counters, String name, String what) {
    long count = counters.path(name).asLong();
    if (count > 0) {
      troubles.add(count + " " + what);
    }
  }

  private static void addBytes(List<String> troubles, JsonNode bytes, String what) {
    if (bytes.asLong() > 0) {
      troubles.add(Sizes.text(bytes.asLong()) + " " + what);
    }
  }
}

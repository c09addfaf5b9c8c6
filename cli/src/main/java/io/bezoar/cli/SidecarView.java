package io.bezoar.cli;

import io.bezoar.cli.control.Exit;
import io.bezoar.cli.control.Json;
import io.bezoar.guard.sidecar.Protection;
import io.bezoar.guard.sidecar.SidecarGeometry;
import io.bezoar.guard.sidecar.Verification;
import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import io.bezoar.media.Units;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import tools.jackson.databind.node.ObjectNode;

/** Sidecars and what they tell, in words and as JSON. */
final class SidecarView {
  private static final int RANGES_SHOWN = 10;
  private static final int[] SCATTERED = {10, 100, 1000};

  private SidecarView() {}

  static String line(Path file, Protection made) {
    SidecarGeometry geometry = made.geometry();
    String outcome =
        switch (made.outcome()) {
          case CREATED -> "protected";
          case KEPT -> "protected already";
          case REPLACED -> "protected anew";
        };
    return "%s: %s, %s + %s%s, %d+%d columns"
        .formatted(
            file,
            outcome,
            Sizes.text(geometry.fileSizeBytes()),
            Sizes.text(geometry.sidecarBytes()),
            share(geometry),
            geometry.dataColumns(),
            geometry.parityColumns());
  }

  /** As {@link #line}, with what is survived, for one file of many. */
  static String lineOfMany(Path file, Protection made) {
    SidecarGeometry geometry = made.geometry();
    if (geometry.rows() == 0) {
      return line(file, made);
    }
    String odds =
        geometry.rows() == 1
            ? ""
            : "; %d bad pages at random places in %s of cases"
                .formatted(SCATTERED[0], percent(geometry.oddsAgainstScattered(SCATTERED[0])));
    return line(file, made) + ", survives " + run(geometry) + odds;
  }

  /** In percent, where the file is larger than its sidecar. */
  private static String share(SidecarGeometry geometry) {
    return geometry.sidecarBytes() > geometry.fileSizeBytes()
        ? ""
        : String.format(
            Locale.ROOT, " (%.1f%%)", 100.0 * geometry.sidecarBytes() / geometry.fileSizeBytes());
  }

  static List<String> lines(Path file, Protection made) {
    List<String> lines = new ArrayList<>();
    lines.add(line(file, made));
    SidecarGeometry geometry = made.geometry();
    if (geometry.rows() > 0) {
      lines.add("  survives  " + run(geometry));
      if (geometry.rows() > 1) {
        lines.add(
            "            or bad pages anywhere, up to %d in each of %,d rows"
                .formatted(geometry.parityColumns(), geometry.rows()));
        odds(geometry).forEach(lines::add);
      }
    }
    lines.add("  look      bezoar verify " + Shell.quote(file.toString()));
    return lines;
  }

  private static String run(SidecarGeometry geometry) {
    long pages = geometry.longestRunPages();
    return pages == 1
        ? "any one bad page of %d bytes".formatted(Units.PAGE_BYTES)
        : "any run of %s (%,d pages)".formatted(Sizes.text(pages * Units.PAGE_BYTES), pages);
  }

  private static List<String> odds(SidecarGeometry geometry) {
    List<String> lines = new ArrayList<>();
    for (int bad : SCATTERED) {
      double odds = geometry.oddsAgainstScattered(bad);
      if (odds >= 0.01) {
        lines.add(
            "            %s bad pages at random places: all repaired in %s of cases"
                .formatted(bad, percent(odds)));
      }
    }
    return lines;
  }

  /** Never rounded up to a promise. */
  static String percent(double odds) {
    if (odds == 1) {
      return "100%";
    }
    for (int digits = 0; digits < 5; digits++) {
      double scale = Math.pow(10, digits);
      double cut = Math.floor(odds * 100 * scale) / scale;
      if (100 - cut >= 2 / scale || cut < 99) {
        return String.format(Locale.ROOT, "%." + Math.max(0, digits) + "f%%", cut);
      }
    }
    return "more than 99.999%";
  }

  static ObjectNode toJson(Path file, Protection made) {
    SidecarGeometry geometry = made.geometry();
    ObjectNode json =
        Json.object()
            .put("type", "protection")
            .put("file", file.toString())
            .put("outcome", Json.word(made.outcome()))
            .put("sidecar", made.sidecar().toString())
            .put("size", geometry.fileSizeBytes())
            .put("sidecar_size", geometry.sidecarBytes())
            .put("data_columns", geometry.dataColumns())
            .put("parity_columns", geometry.parityColumns())
            .put("rows", geometry.rows())
            .put("longest_run", geometry.longestRunPages() * Units.PAGE_BYTES);
    ObjectNode odds = json.putObject("odds");
    for (int bad : SCATTERED) {
      odds.put(Integer.toString(bad), geometry.oddsAgainstScattered(bad));
    }
    return json;
  }

  static int exitCode(Verification found) {
    return switch (found) {
      case Verification.Intact intact ->
          intact.subject().isSidecarWhole() ? Exit.OK : Exit.DEGRADED;
      case Verification.Damaged damaged -> damaged.lost().isEmpty() ? Exit.DEGRADED : Exit.DAMAGED;
      case Verification.Changed _ -> Exit.CHANGED;
    };
  }

  static List<String> lines(Path file, Verification found) {
    List<String> lines = new ArrayList<>();
    String name = Shell.quote(file.toString());
    switch (found) {
      case Verification.Intact intact -> lines.add(file + ": intact, " + size(intact));
      case Verification.Damaged damaged -> {
        lines.add(file + ": DAMAGED, " + damage(damaged));
        ranges("repairable", damaged.repairable()).forEach(lines::add);
        ranges("lost", damaged.lost()).forEach(lines::add);
        lines.add("  next        bezoar repair " + name);
      }
      case Verification.Changed changed -> {
        lines.add(file + ": CHANGED since it was protected, " + change(changed));
        ranges("differs", changed.different()).forEach(lines::add);
        ranges("unreadable", changed.unreadable()).forEach(lines::add);
        lines.add("  keep it     bezoar protect " + name);
        lines.add("  or back     bezoar repair --revert " + name);
      }
    }
    ranges("unknown", found.subject().unknown()).forEach(lines::add);
    if (!found.subject().isSidecarWhole()) {
      lines.add(
          "  %s of the sidecar itself are bad; made anew by: bezoar repair %s"
              .formatted(Sizes.text(found.subject().badSidecar().totalBytes()), name));
    }
    return lines;
  }

  private static String size(Verification.Intact intact) {
    String size = Sizes.text(intact.subject().sizeBytesNow());
    return switch (intact.subject().state()) {
      case UNTOUCHED -> size;
      case REPAIR_INTERRUPTED -> size + "; a repair of it was cut short";
      case TOUCHED, RESIZED -> size + "; touched since it was protected";
    };
  }

  private static String damage(Verification.Damaged damaged) {
    long bad = damaged.repairable().totalBytes() + damaged.lost().totalBytes();
    long unreadable = damaged.unreadable().totalBytes();
    String what =
        unreadable == 0
            ? Sizes.text(bad) + " wrong"
            : "%s bad, %s of it unreadable".formatted(Sizes.text(bad), Sizes.text(unreadable));
    return damaged.lost().isEmpty()
        ? what + ": all of it can be repaired"
        : what + ": " + Sizes.text(damaged.lost().totalBytes()) + " of it are lost";
  }

  private static String change(Verification.Changed changed) {
    Verification.Subject subject = changed.subject();
    return subject.sizeBytesNow() != subject.geometry().fileSizeBytes()
        ? "%,d bytes instead of %,d"
            .formatted(subject.sizeBytesNow(), subject.geometry().fileSizeBytes())
        : changed.different().isEmpty()
            ? "the rest matches, " + Sizes.text(changed.unreadable().totalBytes()) + " unreadable"
            : Sizes.text(changed.different().totalBytes()) + " differ";
  }

  static List<String> ranges(String word, ByteRanges ranges) {
    List<String> lines = new ArrayList<>();
    for (ByteRange range : ranges.asList()) {
      if (lines.size() == RANGES_SHOWN) {
        lines.add(
            "  %-11s and %,d more ranges (--json names all)"
                .formatted(word, ranges.count() - RANGES_SHOWN));
        break;
      }
      lines.add("  %-11s 0x%x+%d".formatted(word, range.start(), range.length()));
    }
    return lines;
  }

  static ObjectNode toJson(Path file, Verification found) {
    Verification.Subject subject = found.subject();
    ObjectNode json =
        Json.object()
            .put("type", "verification")
            .put("file", file.toString())
            .put("verdict", found.getClass().getSimpleName().toLowerCase(Locale.ROOT))
            .put("state", Json.word(subject.state()))
            .put("size", subject.sizeBytesNow())
            .put("protected_size", subject.geometry().fileSizeBytes())
            .put("exit", exitCode(found));
    switch (found) {
      case Verification.Intact _ -> {}
      case Verification.Damaged damaged -> {
        put(json, "unreadable", damaged.unreadable());
        put(json, "repairable", damaged.repairable());
        put(json, "lost", damaged.lost());
      }
      case Verification.Changed changed -> {
        put(json, "unreadable", changed.unreadable());
        put(json, "different", changed.different());
      }
    }
    put(json, "unknown", subject.unknown());
    put(json, "bad_sidecar", subject.badSidecar());
    return json;
  }

  static void put(ObjectNode json, String name, ByteRanges ranges) {
    var array = json.putArray(name);
    for (ByteRange range : ranges.asList()) {
      array.addObject().put("start", range.start()).put("end", range.end());
    }
  }

  /** Shows which files of folders have no sidecar, and which sidecars have no file. */
  static int showRest(SidecarFiles all, Console console, boolean json) {
    for (Path orphan : all.orphans()) {
      if (json) {
        console.line(
            Json.line(Json.object().put("type", "missing").put("file", orphan.toString())));
      } else {
        console.line(orphan + ": GONE, only its sidecar is left");
      }
    }
    if (!json && !all.unprotected().isEmpty()) {
      console.line(
          "%d more without a sidecar: bezoar protect %s"
              .formatted(
                  all.unprotected().size(),
                  Shell.quote(all.unprotected().getFirst().toString())
                      + (all.unprotected().size() > 1 ? " ..." : "")));
    }
    if (all.files().isEmpty() && all.orphans().isEmpty()) {
      console.note("bezoar: there is no protected file here");
      return Exit.UNAVAILABLE;
    }
    return all.orphans().isEmpty() ? Exit.OK : Exit.UNAVAILABLE;
  }
}

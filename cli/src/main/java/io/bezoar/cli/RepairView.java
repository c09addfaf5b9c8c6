package io.bezoar.cli;

import io.bezoar.cli.control.Exit;
import io.bezoar.cli.control.Json;
import io.bezoar.guard.sidecar.Differences;
import io.bezoar.guard.sidecar.Repair;
import io.bezoar.guard.sidecar.Verification;
import io.bezoar.media.ByteRanges;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/**
 * A repair, in words and as JSON.
 *
 * @param file the file
 * @param copy where the repaired file went, or null when it was repaired in place
 * @param differences what was asked
 * @param done what came of it
 */
record RepairView(Path file, @Nullable Path copy, Differences differences, Repair done) {

  /** True when the file was changed, and so left alone. */
  private boolean isLeftAlone() {
    return differences == Differences.KEEP && done.before() instanceof Verification.Changed;
  }

  int exitCode() {
    if (isLeftAlone()) {
      return Exit.CHANGED;
    }
    if (!done.lost().isEmpty() || !done.stuck().isEmpty()) {
      return Exit.DAMAGED;
    }
    return copy == null && !done.badSidecar().isEmpty() ? Exit.DEGRADED : Exit.OK;
  }

  List<String> lines() {
    if (isLeftAlone()) {
      return SidecarView.lines(file, done.before());
    }
    List<String> lines = new ArrayList<>();
    lines.add(file + ": " + outcome());
    SidecarView.ranges("repaired", done.repaired()).forEach(lines::add);
    SidecarView.ranges("lost", done.lost()).forEach(lines::add);
    SidecarView.ranges("not stored", done.stuck()).forEach(lines::add);
    ByteRanges before = done.before().subject().badSidecar();
    if (copy == null && !before.isEmpty()) {
      long left = done.badSidecar().totalBytes();
      lines.add(
          "  sidecar     %s made anew%s"
              .formatted(
                  Sizes.text(before.totalBytes() - left),
                  left == 0 ? "" : ", " + Sizes.text(left) + " still bad"));
    }
    String name = Shell.quote(file.toString());
    if (!done.lost().isEmpty()) {
      lines.add("  next        restore the lost bytes from a copy, then: bezoar verify " + name);
    } else if (!done.stuck().isEmpty()) {
      lines.add("  next        another disk: bezoar repair " + name + " --to COPY");
    }
    return lines;
  }

  private String outcome() {
    String repaired = Sizes.text(done.repaired().totalBytes()) + " repaired";
    String lost =
        done.lost().isEmpty() ? "" : ", " + Sizes.text(done.lost().totalBytes()) + " LOST";
    Path to = copy;
    if (to != null) {
      return "copied to " + to + ", " + repaired + lost + (lost.isEmpty() ? "" : " (zeroes there)");
    }
    if (!done.stuck().isEmpty()) {
      return repaired + lost + ", " + Sizes.text(done.stuck().totalBytes()) + " cannot be stored";
    }
    if (done.repaired().isEmpty() && done.lost().isEmpty()) {
      return "intact, nothing to repair";
    }
    return lost.isEmpty() ? repaired + ", intact now" : repaired + lost;
  }

  ObjectNode toJson() {
    ObjectNode json =
        Json.object()
            .put("type", "repair")
            .put("file", file.toString())
            .put("outcome", isLeftAlone() ? "changed" : exitCode() == Exit.OK ? "intact" : "bad")
            .put("exit", exitCode());
    Path to = copy;
    if (to != null) {
      json.put("copy", to.toString());
    }
    SidecarView.put(json, "repaired", done.repaired());
    SidecarView.put(json, "lost", done.lost());
    SidecarView.put(json, "stuck", done.stuck());
    SidecarView.put(json, "bad_sidecar", done.badSidecar());
    return json;
  }
}

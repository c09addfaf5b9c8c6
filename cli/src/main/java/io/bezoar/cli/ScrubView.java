package io.bezoar.cli;

import tools.jackson.databind.JsonNode;

/** A scrub for people. */
final class ScrubView {
  private ScrubView() {}

  static String totals(JsonNode totals) {
    long found = totals.path("found").asLong();
    if (found == 0) {
      return "nothing wrong in " + Sizes.text(totals.path("checked").asLong());
    }
    long degraded = totals.path("degraded").asLong();
    return "%d %s found, %s repaired%s, %s lost"
        .formatted(
            found,
            found == 1 ? "range" : "ranges",
            Sizes.text(totals.path("repaired").asLong()),
            degraded > 0 ? ", " + Sizes.text(degraded) + " degraded" : "",
            Sizes.text(totals.path("lost").asLong()));
  }

  static String percent(JsonNode progress) {
    return ProgressView.percent(progress.path("done").asLong(), progress.path("total").asLong());
  }
}

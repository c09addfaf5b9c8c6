package io.bezoar.cli;

import io.bezoar.cli.control.Json;
import java.util.Locale;

/**
 * One thing that the doctor looked at.
 *
 * @param verdict how it is
 * @param subject what was looked at
 * @param finding what was found
 * @param advice what to do about it; empty for nothing
 */
record Diagnosis(Verdict verdict, String subject, String finding, String advice) {
  /** How it is. */
  enum Verdict {
    /** As it should be. */
    OK,
    /** Not needed, good to know. */
    NOTE,
    /** Works, with limits. */
    LIMIT,
    /** Pools cannot be used. */
    BAD
  }

  String toJsonLine() {
    return Json.line(
        Json.object()
            .put("type", "diagnosis")
            .put("verdict", verdict.name().toLowerCase(Locale.ROOT))
            .put("subject", subject)
            .put("finding", finding)
            .put("advice", advice));
  }
}

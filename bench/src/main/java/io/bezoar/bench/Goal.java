package io.bezoar.bench;

import java.util.Locale;

/** What a line of the table is measured against. */
sealed interface Goal {
  /** As the table says it. */
  String text();

  /** Ours over the peer's. */
  record RatioAtMost(double limit) implements Goal {
    @Override
    public String text() {
      return String.format(Locale.ROOT, "≤ %.2fx", limit);
    }
  }

  /** Ours over the peer's. */
  record RatioAtLeast(double limit) implements Goal {
    @Override
    public String text() {
      return String.format(Locale.ROOT, "≥ %.2fx", limit);
    }
  }

  /** Ours alone. */
  record AtMost(Quantity limit) implements Goal {
    @Override
    public String text() {
      return "≤ " + limit;
    }
  }

  /** Ours alone. */
  record AtLeast(Quantity limit) implements Goal {
    @Override
    public String text() {
      return "≥ " + limit;
    }
  }

  /** For information. */
  record None() implements Goal {
    @Override
    public String text() {
      return "";
    }
  }
}

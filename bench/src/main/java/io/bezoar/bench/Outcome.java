package io.bezoar.bench;

import java.util.Optional;

/** One line of the table. */
sealed interface Outcome {
  /** Its number in the table of targets. */
  int row();

  /** What was, or was to be, measured. */
  String what();

  /** Where: on which kind of file. */
  String place();

  /** Whether a goal was reached. */
  enum Verdict {
    MET("met"),
    NOT_MET("NOT MET"),
    /** There is no goal, or nothing was measured. */
    NONE("");

    private final String text;

    Verdict(String text) {
      this.text = text;
    }

    String text() {
      return text;
    }
  }

  Verdict verdict();

  /**
   * What stands beside ours.
   *
   * @param name what it is
   * @param value its number
   * @param ratio ours over it
   * @param source whether it was measured now
   */
  record Peer(String name, Quantity value, Ratio ratio, Source source) {}

  /** Where the number of a peer comes from. */
  enum Source {
    /** In the same rounds as ours. */
    MEASURED,
    /** On another machine, at another time: shows the order of magnitude. */
    QUOTED
  }

  /** Something was measured. */
  record Measured(int row, String what, String place, Quantity ours, Optional<Peer> peer, Goal goal)
      implements Outcome {
    /** Ratios are shown, and so judged, to two places. */
    private static final double ROUNDING = 0.005;

    @Override
    public Verdict verdict() {
      boolean met =
          switch (goal) {
            case Goal.RatioAtMost g -> ratio() <= g.limit() + ROUNDING;
            case Goal.RatioAtLeast g -> ratio() >= g.limit() - ROUNDING;
            case Goal.AtMost g -> ours.value() <= g.limit().value();
            case Goal.AtLeast g -> ours.value() >= g.limit().value();
            case Goal.None _ -> true;
          };
      if (goal instanceof Goal.None) {
        return Verdict.NONE;
      }
      return met ? Verdict.MET : Verdict.NOT_MET;
    }

    private double ratio() {
      return peer.orElseThrow(() -> new IllegalStateException(what + " has no peer"))
          .ratio()
          .median();
    }
  }

  /** Nothing could be measured. */
  record Skipped(int row, String what, String place, String reason) implements Outcome {
    @Override
    public Verdict verdict() {
      return Verdict.NONE;
    }
  }
}

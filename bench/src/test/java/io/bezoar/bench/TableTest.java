package io.bezoar.bench;

import static org.assertj.core.api.Assertions.assertThat;

import io.bezoar.bench.Outcome.Verdict;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class TableTest {
  private static final Samples HALF_MICRO = Samples.of(500e-9);
  private static final Samples MICRO = Samples.of(1e-6);

  private static Outcome beside(Samples ours, Samples peer, Goal goal) {
    Report report = new Report(1, "tmpfs");
    report.beside("reading", Unit.SECONDS, ours, "copy", peer, goal);
    return report.outcomes().getFirst();
  }

  private static Outcome alone(double seconds, Goal goal) {
    Report report = new Report(1, "tmpfs");
    report.alone("reading", Unit.SECONDS, Samples.of(seconds), goal);
    return report.outcomes().getFirst();
  }

  @Test
  void verdictShouldFollowTheGoal() {
    assertThat(beside(MICRO, HALF_MICRO, new Goal.RatioAtMost(2)).verdict()).isEqualTo(Verdict.MET);
    assertThat(beside(MICRO, HALF_MICRO, new Goal.RatioAtMost(1.99)).verdict())
        .isEqualTo(Verdict.NOT_MET);
    assertThat(beside(MICRO, HALF_MICRO, new Goal.RatioAtLeast(2.1)).verdict())
        .isEqualTo(Verdict.NOT_MET);
    assertThat(alone(1e-6, new Goal.AtMost(new Quantity(1e-6, Unit.SECONDS))).verdict())
        .isEqualTo(Verdict.MET);
    assertThat(alone(1e-6, new Goal.AtLeast(new Quantity(2e-6, Unit.SECONDS))).verdict())
        .isEqualTo(Verdict.NOT_MET);
    assertThat(alone(1e-6, new Goal.None()).verdict()).isEqualTo(Verdict.NONE);
  }

  @Test
  void whatIsShownAsTheLimitShouldCountAsTheLimit() {
    Samples shownAsOne = Samples.of(1.004e-6);
    assertThat(beside(shownAsOne, MICRO, new Goal.RatioAtMost(1)).verdict()).isEqualTo(Verdict.MET);
  }

  @Test
  void quantitiesShouldBeReadable() {
    assertThat(new Quantity(433e-9, Unit.SECONDS)).hasToString("433 ns");
    assertThat(new Quantity(1.12e-6, Unit.SECONDS)).hasToString("1.12 µs");
    assertThat(new Quantity(-2e-3, Unit.SECONDS)).hasToString("-2.00 ms");
    assertThat(new Quantity(1.5, Unit.SECONDS)).hasToString("1.50 s");
    assertThat(new Quantity(26e9, Unit.BYTES_PER_SECOND)).hasToString("26.0 GB/s");
    assertThat(new Quantity(135_000, Unit.PER_SECOND)).hasToString("135k/s");
    assertThat(new Quantity(0.0345, Unit.FRACTION)).hasToString("3.45%");
    assertThat(new Quantity(3 << 20, Unit.BYTES)).hasToString("3.00 MiB");
  }

  private static List<Outcome> some() {
    List<Outcome> outcomes = new ArrayList<>();
    Report second = new Report(15, "disk");
    second.skipped("serving \"it\"", "needs fio");
    second.besideQuoted("repair", Unit.SECONDS, MICRO, "btrfs", 2e-6, new Goal.RatioAtMost(0.6));
    outcomes.addAll(second.outcomes());
    outcomes.add(beside(MICRO, HALF_MICRO, new Goal.RatioAtMost(1.9)));
    return outcomes;
  }

  @Test
  void tableShouldBeSortedByRowAndAligned() {
    assertThat(Table.format(some()))
        .isEqualTo(
            """
            row  what          on     Bezoar   beside     its      ratio              target
            1    reading       tmpfs  1.00 µs  copy       500 ns   2.00x (2.00-2.00)  ≤ 1.90x  NOT MET
            15   serving "it"  disk   SKIPPED  needs fio
            15   repair        disk   1.00 µs  btrfs *    2.00 µs  0.50x (0.50-0.50)  ≤ 0.60x  met

            Medians of rounds in which all contenders take turns; ratio: median (quartiles).
            * measured on another machine, not here.
            Not everything was measured: see row 15.
            """);
  }

  @Test
  void jsonShouldCarryWhatTheTableSays() {
    assertThat(JsonReport.format(some()))
        .isEqualTo(
            """
            [
              {"row": 1, "what": "reading", "on": "tmpfs", "unit": "s", "value": 1.0E-6, \
            "peer": "copy", "peerSource": "measured", "peerValue": 5.0E-7, "ratio": 2.0, \
            "ratioLow": 2.0, "ratioHigh": 2.0, "target": "≤ 1.90x", "met": false},
              {"row": 15, "what": "serving \\"it\\"", "on": "disk", "skipped": "needs fio"},
              {"row": 15, "what": "repair", "on": "disk", "unit": "s", "value": 1.0E-6, \
            "peer": "btrfs", "peerSource": "quoted", "peerValue": 2.0E-6, "ratio": 0.5, \
            "ratioLow": 0.5, "ratioHigh": 0.5, "target": "≤ 0.60x", "met": true}
            ]
            """);
  }
}

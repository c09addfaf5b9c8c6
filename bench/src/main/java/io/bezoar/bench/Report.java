package io.bezoar.bench;

import io.bezoar.bench.Outcome.Measured;
import io.bezoar.bench.Outcome.Peer;
import io.bezoar.bench.Outcome.Source;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Collects the lines of one row at one place. */
final class Report {
  private static final Goal NO_GOAL = new Goal.None();

  private final int row;
  private final String place;
  private final List<Outcome> outcomes = new ArrayList<>();

  Report(int row, String place) {
    this.row = row;
    this.place = place;
  }

  List<Outcome> outcomes() {
    return List.copyOf(outcomes);
  }

  /** Beside a peer that was measured in the same rounds. */
  void beside(String what, Unit unit, Samples ours, String peerName, Samples peer, Goal goal) {
    Peer beside =
        new Peer(peerName, new Quantity(peer.median(), unit), ours.over(peer), Source.MEASURED);
    add(what, new Quantity(ours.median(), unit), Optional.of(beside), goal);
  }

  /** As {@link #beside}, for information. */
  void beside(String what, Unit unit, Samples ours, String peerName, Samples peer) {
    beside(what, unit, ours, peerName, peer, NO_GOAL);
  }

  /** Beside a number measured elsewhere. */
  void besideQuoted(
      String what, Unit unit, Samples ours, String peerName, double quoted, Goal goal) {
    double[] same = new double[ours.count()];
    java.util.Arrays.fill(same, quoted);
    Peer beside =
        new Peer(peerName, new Quantity(quoted, unit), ours.over(Samples.of(same)), Source.QUOTED);
    add(what, new Quantity(ours.median(), unit), Optional.of(beside), goal);
  }

  /** With nothing beside it. */
  void alone(String what, Unit unit, Samples ours, Goal goal) {
    add(what, new Quantity(ours.median(), unit), Optional.empty(), goal);
  }

  /** As {@link #alone}, for information. */
  void alone(String what, Unit unit, Samples ours) {
    alone(what, unit, ours, NO_GOAL);
  }

  void skipped(String what, String reason) {
    outcomes.add(new Outcome.Skipped(row, what, place, reason));
  }

  private void add(String what, Quantity ours, Optional<Peer> peer, Goal goal) {
    outcomes.add(new Measured(row, what, place, ours, peer, goal));
  }
}

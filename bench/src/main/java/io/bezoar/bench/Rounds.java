package io.bezoar.bench;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.IntPredicate;
import java.util.stream.DoubleStream;

/**
 * Lets contenders take turns, so that whatever disturbs the machine disturbs all of them alike.
 * Each round starts with another one.
 */
final class Rounds {
  private Rounds() {}

  /** Something to be measured. */
  @FunctionalInterface
  interface Contender {
    /** Does its work once and says what it took. */
    double sample() throws IOException, InterruptedException;
  }

  /**
   * As many rounds as the scale says, or as fit into its time, after warming up; samples in the
   * order of contenders.
   */
  static List<Samples> run(Scale scale, Contender... contenders)
      throws IOException, InterruptedException {
    long warmUpNanos = scale.warmUpMillis * 1_000_000L;
    for (Contender contender : contenders) {
      long end = System.nanoTime() + warmUpNanos;
      do {
        contender.sample();
      } while (System.nanoTime() - end < 0);
    }
    long enough = System.nanoTime() + scale.measureMillis * 1_000_000L;
    return run(
        round ->
            round < scale.leastRounds || (round < scale.rounds && System.nanoTime() - enough < 0),
        contenders);
  }

  /** That many rounds, without warming up. */
  static List<Samples> run(int rounds, Contender... contenders)
      throws IOException, InterruptedException {
    return run(round -> round < rounds, contenders);
  }

  private static List<Samples> run(IntPredicate goOn, Contender... contenders)
      throws IOException, InterruptedException {
    List<DoubleStream.Builder> values = new ArrayList<>();
    for (int i = 0; i < contenders.length; i++) {
      values.add(DoubleStream.builder());
    }
    List<Integer> order = new ArrayList<>();
    for (int i = 0; i < contenders.length; i++) {
      order.add(i);
    }
    for (int round = 0; goOn.test(round); round++) {
      for (int i : order) {
        values.get(i).add(contenders[i].sample());
      }
      Collections.rotate(order, 1);
    }
    return values.stream().map(taken -> Samples.of(taken.build().toArray())).toList();
  }
}

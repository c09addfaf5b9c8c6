package io.bezoar.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import org.junit.jupiter.api.Test;

class SamplesTest {
  @Test
  void medianShouldBeTheMiddleOrBetweenTheTwo() {
    assertThat(Samples.of(9, 1, 5).median()).isEqualTo(5);
    assertThat(Samples.of(4, 1, 2, 3).median()).isEqualTo(2.5);
    assertThat(Samples.of(7).median()).isEqualTo(7);
    assertThat(Samples.of(0, 10).quantile(0.25)).isEqualTo(2.5);
  }

  @Test
  void ratioShouldCompareRoundByRound() {
    // The machine was ten times slower in the second round, and that shows in neither.
    Ratio ratio = Samples.of(2, 20, 2).over(Samples.of(1, 10, 1));
    assertThat(ratio).isEqualTo(new Ratio(2, 2, 2));
    assertThat(Samples.of(3, 4, 9).over(Samples.of(1, 2, 3)).median()).isEqualTo(3);
  }

  @Test
  void samplesOfDifferentRoundsShouldBeRefused() {
    assertThatThrownBy(() -> Samples.of(1, 2).over(Samples.of(1)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("2 samples beside 1");
    assertThatThrownBy(Samples::of).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void timesShouldTurnIntoSpeeds() {
    assertThat(Samples.of(0.5, 0.25, 0.1).per(100).median()).isCloseTo(400, within(1e-9));
  }

  @Test
  void contendersShouldTakeTurnsAndEachBeFirst() throws Exception {
    List<String> order = new ArrayList<>();
    List<Samples> found =
        Rounds.run(
            2,
            () -> {
              order.add("a");
              return 1;
            },
            () -> {
              order.add("b");
              return 2;
            });
    assertThat(order).containsExactly("a", "b", "b", "a");
    assertThat(found).extracting(Samples::median).containsExactly(1.0, 2.0);
  }

  @Test
  void walkShouldVisitEveryPlaceOnceBeforeAnyTwice() {
    Walk walk = new Walk(1000, 1);
    for (int pass = 0; pass < 2; pass++) {
      BitSet seen = new BitSet();
      for (int i = 0; i < walk.places(); i++) {
        seen.set(walk.next());
      }
      assertThat(seen.cardinality()).isEqualTo(1000);
    }
  }
}

package io.bezoar.tree;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

/** Whoever reads a commit keeps what later ones free. */
class PinsTest {
  private final Pins pins = new Pins();

  private static Durable commit(long number) {
    return new Durable(
        new ForestLayout.Root(1, number, 1 << 20, 100, List.of(), SystemTrees.empty()), List.of());
  }

  @Test
  void shouldLetEverythingGoThatWasFreedBeforeTheNewestCommitWhenNobodyReads() {
    assertThat(pins.reusable(() -> commit(5))).isEqualTo(5);
  }

  @Test
  void shouldKeepWhatWasFreedSinceTheOldestReaderCame() {
    pins.pin(() -> commit(3));
    pins.pin(() -> commit(4));
    assertThat(pins.reusable(() -> commit(9))).isEqualTo(4);
    pins.unpin(3);
    assertThat(pins.reusable(() -> commit(9))).isEqualTo(5);
    pins.unpin(4);
    assertThat(pins.reusable(() -> commit(9))).isEqualTo(9);
  }

  /** It comes after the question was asked, and before commits that were made meanwhile. */
  @Test
  void shouldNotMissAReaderWhoComesInBetween() {
    long reusable =
        pins.reusable(
            () -> {
              pins.pin(() -> commit(1));
              return commit(5);
            });
    assertThat(reusable).isEqualTo(2);
  }

  @Test
  void shouldPinWhatTheOldestReaderHasForARepair() {
    assertThat(pins.pinOldest(() -> commit(7))).isEqualTo(7);
    pins.unpin(7);
    pins.pin(() -> commit(3));
    assertThat(pins.pinOldest(() -> commit(7))).isEqualTo(3);
    pins.unpin(3);
    assertThat(pins.reusable(() -> commit(9))).isEqualTo(4);
  }
}

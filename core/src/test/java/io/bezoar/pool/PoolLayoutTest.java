package io.bezoar.pool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bezoar.target.Geometry;
import org.junit.jupiter.api.Test;

class PoolLayoutTest {
  @Test
  void shouldTakeAtMostFourPercentFromOneGibibyteOn() {
    for (long gib = 1; gib <= 4096; gib *= 2) {
      long sizeBytes = gib << 30;
      PoolLayout layout = PoolLayout.plan(sizeBytes);
      Geometry geometry = Geometry.plan(layout.payload(), 32);
      double overhead = 1 - geometry.volumeBytes() / (double) sizeBytes;
      assertThat(overhead).as(gib + " GiB").isLessThanOrEqualTo(0.04);
    }
  }

  @Test
  void shouldHoldFourThousandEventsInAllButTheSmallestPools() {
    assertThat(PoolLayout.plan(1L << 30).events().length() / 128).isGreaterThanOrEqualTo(4000);
    assertThat(PoolLayout.plan(32L << 20).events().length() / 128).isGreaterThanOrEqualTo(4000);
  }

  @Test
  void shouldPlanEverySizeFromTheSmallestOn() {
    for (long pages = PoolLayout.MIN_SIZE_BYTES / 4096; pages < 5000; pages += 7) {
      PoolLayout layout = PoolLayout.plan(pages * 4096);
      assertThat(layout.secondLabel().end()).isEqualTo(pages * 4096);
      assertThat(layout.firstList().length()).isEqualTo(layout.secondList().length());
    }
    assertThatThrownBy(() -> PoolLayout.plan(PoolLayout.MIN_SIZE_BYTES - 4096))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> PoolLayout.plan(PoolLayout.MIN_SIZE_BYTES + 1))
        .isInstanceOf(IllegalArgumentException.class);
  }
}

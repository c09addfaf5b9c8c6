package io.bezoar.health;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class RateLimiterTest {
  private long nanos;

  @Test
  void shouldAllowASecondsBurstAndThenTheRate() {
    RateLimiter limiter = new RateLimiter(1000, () -> nanos);
    assertThat(limiter.spend(1000)).isZero();
    assertThat(limiter.spend(500)).isEqualTo(500_000_000);
    nanos += 500_000_000;
    assertThat(limiter.spend(100)).isEqualTo(100_000_000);
  }

  @Test
  void shouldHoldTheRateOverALongTime() {
    RateLimiter limiter = new RateLimiter(1 << 20, () -> nanos);
    long spent = 0;
    while (spent < 100L << 20) {
      nanos += limiter.spend(64 << 10);
      spent += 64 << 10;
    }
    assertThat(nanos).isBetween(98_000_000_000L, 100_000_000_000L);
  }

  @Test
  void shouldNotWaitWithoutARate() {
    assertThat(new RateLimiter(0, () -> nanos).spend(Long.MAX_VALUE)).isZero();
    assertThatThrownBy(() -> new RateLimiter(-1, () -> nanos))
        .isInstanceOf(IllegalArgumentException.class);
  }
}

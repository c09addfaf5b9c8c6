package io.bezoar.bench;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The system's clock, but for what it was advanced by: a device allows only so many repairs in ten
 * minutes, and nobody wants to wait for the next ten.
 */
final class AdvancingClock implements InstantSource {
  private final AtomicLong aheadMillis = new AtomicLong();

  void advance(Duration by) {
    aheadMillis.addAndGet(by.toMillis());
  }

  @Override
  public Instant instant() {
    return Instant.now().plusMillis(aheadMillis.get());
  }
}

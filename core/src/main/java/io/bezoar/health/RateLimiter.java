package io.bezoar.health;

import java.util.function.LongSupplier;

/**
 * A token bucket in bytes: says how long to wait so that, over any time, no more than the rate and
 * one second's burst was spent. Not thread-safe: one worker has it.
 */
final class RateLimiter {
  private static final double NANOS_PER_SECOND = 1e9;

  private final double bytesPerNano;
  private final double burstBytes;
  private final LongSupplier nanoClock;
  private double availableBytes;
  private long lastNanos;

  /**
   * A full bucket.
   *
   * @param bytesPerSecond the rate; 0 for no limit
   * @param nanoClock like {@link System#nanoTime()}
   */
  RateLimiter(long bytesPerSecond, LongSupplier nanoClock) {
    if (bytesPerSecond < 0) {
      throw new IllegalArgumentException("rate of " + bytesPerSecond + " bytes/s");
    }
    this.bytesPerNano = bytesPerSecond / NANOS_PER_SECOND;
    this.burstBytes = bytesPerSecond;
    this.nanoClock = nanoClock;
    this.availableBytes = burstBytes;
    this.lastNanos = nanoClock.getAsLong();
  }

  /** Spends {@code bytes} that were just used and returns how many nanoseconds to wait for them. */
  long spend(long bytes) {
    if (bytesPerNano == 0) {
      return 0;
    }
    long now = nanoClock.getAsLong();
    availableBytes = Math.min(burstBytes, availableBytes + (now - lastNanos) * bytesPerNano);
    lastNanos = now;
    availableBytes -= bytes;
    return availableBytes >= 0 ? 0 : (long) Math.ceil(-availableBytes / bytesPerNano);
  }
}

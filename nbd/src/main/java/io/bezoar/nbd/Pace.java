package io.bezoar.nbd;

/**
 * How fast a device has been answering lately. Media that may block mostly do not: what they hold
 * in the page cache comes back in a microsecond, and handing such a request to another thread would
 * cost ten times more than serving it. Racy on purpose: a lost update costs nothing but accuracy.
 */
final class Pace {
  /** Below this, handing over costs more than waiting. */
  private static final long FAST_NANOS = 20_000;

  /** What a cache delivers in a nanosecond, at least: so much of the time is no waiting. */
  private static final long CACHE_BYTES_PER_NANO = 4;

  private static final int WEIGHT = 8;

  private volatile long averageNanos;

  /** One request for so many bytes took this long. */
  void took(long nanos, long bytes) {
    long average = averageNanos;
    long waitedNanos = Math.max(0, nanos - bytes / CACHE_BYTES_PER_NANO);
    averageNanos = average + (waitedNanos - average) / WEIGHT;
  }

  boolean isFast() {
    return averageNanos < FAST_NANOS;
  }
}

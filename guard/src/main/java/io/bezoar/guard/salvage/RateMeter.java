package io.bezoar.guard.salvage;

/** Bytes per second over about the last second. Not thread-safe. */
final class RateMeter {
  private static final long WINDOW_NANOS = 1_000_000_000;

  private long sinceNanos;
  private long sinceBytes;
  private long bytesPerSecond;

  RateMeter(long nowNanos, long totalBytes) {
    this.sinceNanos = nowNanos;
    this.sinceBytes = totalBytes;
  }

  /** The rate, when {@code totalBytes} have been moved by now; at first over less than a second. */
  long rate(long nowNanos, long totalBytes) {
    long nanos = nowNanos - sinceNanos;
    boolean full = nanos >= WINDOW_NANOS;
    if (full || (bytesPerSecond == 0 && nanos > 0)) {
      bytesPerSecond = (long) ((totalBytes - sinceBytes) * 1e9 / nanos);
    }
    if (full) {
      sinceNanos = nowNanos;
      sinceBytes = totalBytes;
    }
    return bytesPerSecond;
  }
}

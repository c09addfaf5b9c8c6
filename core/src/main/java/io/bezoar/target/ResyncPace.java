package io.bezoar.target;

import java.util.function.BooleanSupplier;

/** How a resync gives way. Called by one worker at a time. */
@FunctionalInterface
public interface ResyncPace {
  /**
   * How long to wait after a piece of work.
   *
   * @param bytes copied just now
   * @param tookNanos how long that took
   * @return nanoseconds; 0 to go on at once
   */
  long waitNanos(long bytes, long tookNanos);

  /** As fast as it goes. */
  static ResyncPace unlimited() {
    return (bytes, tookNanos) -> 0;
  }

  /**
   * At most {@code bytesPerSecond} on average (0 for no limit), and while users of the device wait
   * for it, a quarter of the time.
   */
  static ResyncPace of(long bytesPerSecond, BooleanSupplier foregroundBusy) {
    if (bytesPerSecond < 0) {
      throw new IllegalArgumentException("rate of " + bytesPerSecond + " bytes/s");
    }
    return (bytes, tookNanos) -> {
      long atRate = bytesPerSecond == 0 ? 0 : (long) (bytes * 1e9 / bytesPerSecond) - tookNanos;
      return Math.max(Math.max(0, atRate), foregroundBusy.getAsBoolean() ? 3 * tookNanos : 0);
    };
  }
}

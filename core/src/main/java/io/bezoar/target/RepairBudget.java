package io.bezoar.target;

import java.time.Duration;
import java.time.InstantSource;

/**
 * Stops healing when too much of it happens: through bad RAM or a bad cable every page looks
 * broken, and rewriting them makes it true. A fixed number of repairs per fixed window; the first
 * refusal in a window is reported so that somebody hears of it.
 */
final class RepairBudget {
  private static final long WINDOW_MILLIS = Duration.ofMinutes(10).toMillis();
  private static final long LEAST = 16_384;

  private final long perWindow;
  private final InstantSource clock;
  private long windowStartMillis;
  private long used;

  /** Allows two whole columns of 32, or 16,384 pages, whichever is more, in ten minutes. */
  static RepairBudget forPages(long pages, InstantSource clock) {
    return new RepairBudget(Math.max(LEAST, pages / 16), clock);
  }

  RepairBudget(long perWindow, InstantSource clock) {
    this.perWindow = perWindow;
    this.clock = clock;
    this.windowStartMillis = clock.millis();
  }

  /** Takes one repair; false when this window's are used up. */
  synchronized boolean tryTake() {
    long now = clock.millis();
    if (now - windowStartMillis >= WINDOW_MILLIS) {
      windowStartMillis = now;
      used = 0;
    }
    if (used >= perWindow) {
      return false;
    }
    used++;
    return true;
  }
}

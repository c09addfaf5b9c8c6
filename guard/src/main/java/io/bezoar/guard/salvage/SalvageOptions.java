package io.bezoar.guard.salvage;

import java.time.Duration;

/**
 * How to salvage.
 *
 * @param retries how often every bad granule is tried once more, after everything else; at most
 *     {@link #RETRIES_MAX}
 * @param saveEvery how much time's work a crash may cost: destination and map are made durable that
 *     often, and whenever the work ends or a phase does
 */
public record SalvageOptions(int retries, Duration saveEvery) {
  /** More retries than make sense. */
  public static final int RETRIES_MAX = 1_000_000;

  /** No retries, saved every ten seconds. */
  public static final SalvageOptions DEFAULT = new SalvageOptions(0, Duration.ofSeconds(10));

  /** Checks the values. */
  public SalvageOptions {
    if (retries < 0 || retries > RETRIES_MAX) {
      throw new IllegalArgumentException("cannot retry " + retries + " times");
    }
    if (saveEvery.isNegative()) {
      throw new IllegalArgumentException("cannot save every " + saveEvery);
    }
  }

  /** The same with this number of retries. */
  public SalvageOptions withRetries(int number) {
    return new SalvageOptions(number, saveEvery);
  }
}

package io.bezoar.target;

/**
 * How far a resync is.
 *
 * @param doneBytes copied or found equal so far
 * @param totalBytes to do in all
 * @param bytesPerSecond average since it began; 0 when too little was done to say
 * @param secondsLeft at that rate; -1 when unknown
 */
public record ResyncProgress(
    long doneBytes, long totalBytes, long bytesPerSecond, long secondsLeft) {
  /** The progress of {@code doneBytes} of {@code totalBytes} after {@code tookNanos}. */
  static ResyncProgress of(long doneBytes, long totalBytes, long tookNanos) {
    double seconds = tookNanos / 1e9;
    long rate = seconds > 0 ? (long) (doneBytes / seconds) : 0;
    long left = rate > 0 ? Math.ceilDiv(totalBytes - doneBytes, rate) : -1;
    return new ResyncProgress(doneBytes, totalBytes, rate, left);
  }
}

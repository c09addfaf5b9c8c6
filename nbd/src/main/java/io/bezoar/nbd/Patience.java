package io.bezoar.nbd;

import java.util.concurrent.atomic.AtomicLong;

/**
 * Since when one connection has been waiting for its client in the middle of something: for the
 * rest of a request that it began, or for it to take a reply. Waiting for a new request does not
 * count. Written by the thread that waits, read by whoever looks for stalled clients.
 */
final class Patience {
  private static final long NOT_WAITING = 0;

  private final AtomicLong receivingSince = new AtomicLong(NOT_WAITING);
  private final AtomicLong sendingSince = new AtomicLong(NOT_WAITING);

  void receiving() {
    receivingSince.setRelease(now());
  }

  void received() {
    receivingSince.setRelease(NOT_WAITING);
  }

  void sending() {
    sendingSince.setRelease(now());
  }

  void sent() {
    sendingSince.setRelease(NOT_WAITING);
  }

  /** How long the client has made no progress, in nanoseconds; 0 when nobody waits for it. */
  long waitedNanos() {
    return Math.max(waited(receivingSince.getAcquire()), waited(sendingSince.getAcquire()));
  }

  private static long waited(long since) {
    return since == NOT_WAITING ? 0 : System.nanoTime() - since;
  }

  private static long now() {
    long nanos = System.nanoTime();
    return nanos == NOT_WAITING ? 1 : nanos;
  }
}

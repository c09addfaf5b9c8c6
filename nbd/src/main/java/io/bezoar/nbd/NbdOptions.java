package io.bezoar.nbd;

import java.time.Duration;

/**
 * The limits within which a server works, whatever its clients do. Beyond them each connection has
 * 576 KiB of buffers and at most two threads.
 *
 * @param maxConnections connections at one time; a further one is closed at once
 * @param connectionBytes memory for requests in flight on one connection; the reading of further
 *     requests waits for it
 * @param totalBytes the same for all connections together
 * @param workers threads for media that may block
 * @param handshakeTime how long a client may take to agree on an export
 * @param stallTime how long a client that does not take its replies, or does not finish the request
 *     it began, may hold memory that another one waits for
 * @param closeTime how long requests in flight may take when the server stops
 */
public record NbdOptions(
    int maxConnections,
    long connectionBytes,
    long totalBytes,
    int workers,
    Duration handshakeTime,
    Duration stallTime,
    Duration closeTime) {

  private static final NbdOptions DEFAULTS =
      new NbdOptions(
          64,
          64L << 20,
          256L << 20,
          16,
          Duration.ofSeconds(30),
          Duration.ofSeconds(10),
          Duration.ofSeconds(10));

  /**
   * Checks the numbers.
   *
   * @throws IllegalArgumentException when the largest request does not fit into the memory, or
   *     there is no connection or no worker
   */
  public NbdOptions {
    if (maxConnections < 1 || workers < 1) {
      throw new IllegalArgumentException(
          "a server needs a connection and a worker, not " + maxConnections + " and " + workers);
    }
    long leastBytes = BufferPool.footprintBytes(NbdLayout.MAX_BLOCK_BYTES);
    if (connectionBytes < leastBytes || totalBytes < connectionBytes) {
      throw new IllegalArgumentException(
          "memory of "
              + connectionBytes
              + " bytes for a connection and "
              + totalBytes
              + " in total: a connection needs "
              + leastBytes
              + ", and the total must not be less");
    }
  }

  /** 64 connections, 256 MiB for requests in flight. */
  public static NbdOptions defaults() {
    return DEFAULTS;
  }
}

package io.bezoar.pool;

import io.bezoar.media.ByteRange;
import io.bezoar.media.Units;

/**
 * Where everything lies in a pool file.
 *
 * <pre>
 *   page 0          label, first copy
 *   poison list     first copy
 *   event ring
 *   payload         a protected target, or the bare volume
 *   poison list     second copy
 *   last page       label, second copy
 * </pre>
 *
 * The copies of what must survive lie at both ends, because media tends to fail in one place. Apart
 * from the payload this takes 0.1% of a pool of 1 GiB, and 160 KiB at least.
 *
 * @param sizeBytes of the whole pool
 * @param firstList first copy of the poison list
 * @param events the event ring
 * @param payload the target's region
 * @param secondList second copy of the poison list
 */
public record PoolLayout(
    long sizeBytes,
    ByteRange firstList,
    ByteRange events,
    ByteRange payload,
    ByteRange secondList) {
  /** No smaller pool can be made. */
  public static final long MIN_SIZE_BYTES = 1 << 20;

  private static final int PAGE = Units.PAGE_BYTES;
  private static final long LIST_SHARE = 4096;
  private static final long MIN_LIST_BYTES = 64 << 10;
  private static final long MAX_LIST_BYTES = 16 << 20;
  private static final long EVENTS_SHARE = 2048;
  private static final long SMALL_EVENTS_SHARE = 64;
  private static final long EVENTS_BYTES = 512 << 10;
  private static final long MIN_EVENTS_BYTES = 32 << 10;
  private static final long MAX_EVENTS_BYTES = 4 << 20;

  /** Checks that the parts are whole pages, in order, and do not overlap. */
  public PoolLayout {
    long at = PAGE;
    for (ByteRange part : new ByteRange[] {firstList, events, payload, secondList}) {
      if (part.isEmpty()
          || part.start() < at
          || part.start() % PAGE != 0
          || part.length() % PAGE != 0) {
        throw new IllegalArgumentException("part " + part + " begins before " + at + " or is odd");
      }
      at = part.end();
    }
    if (sizeBytes % PAGE != 0 || at > sizeBytes - PAGE) {
      throw new IllegalArgumentException("parts end at " + at + ", the pool at " + sizeBytes);
    }
  }

  /**
   * The layout of a new pool.
   *
   * @throws IllegalArgumentException when {@code sizeBytes} is too small or not whole pages
   */
  public static PoolLayout plan(long sizeBytes) {
    if (sizeBytes < MIN_SIZE_BYTES || sizeBytes % PAGE != 0) {
      throw new IllegalArgumentException("a pool of " + sizeBytes + " bytes");
    }
    long listBytes = share(sizeBytes, LIST_SHARE, MIN_LIST_BYTES, MAX_LIST_BYTES);
    // 4,096 events, more in large pools; in small ones no more than a 64th of the pool.
    long wantedEventBytes = share(sizeBytes, EVENTS_SHARE, EVENTS_BYTES, MAX_EVENTS_BYTES);
    long eventBytes = share(sizeBytes, SMALL_EVENTS_SHARE, MIN_EVENTS_BYTES, wantedEventBytes);
    ByteRange firstList = ByteRange.ofLength(PAGE, listBytes);
    ByteRange events = ByteRange.ofLength(firstList.end(), eventBytes);
    ByteRange secondList = ByteRange.ofLength(sizeBytes - PAGE - listBytes, listBytes);
    long payloadBytes = secondList.start() - events.end();
    ByteRange payload = ByteRange.ofLength(events.end(), payloadBytes);
    return new PoolLayout(sizeBytes, firstList, events, payload, secondList);
  }

  private static long share(long sizeBytes, long divisor, long least, long most) {
    return Math.clamp(Math.ceilDiv(sizeBytes / divisor, PAGE) * PAGE, least, most);
  }

  /** The first copy of the label. */
  public ByteRange firstLabel() {
    return ByteRange.ofLength(0, PAGE);
  }

  /** The second copy of the label. */
  public ByteRange secondLabel() {
    return ByteRange.ofLength(sizeBytes - PAGE, PAGE);
  }
}

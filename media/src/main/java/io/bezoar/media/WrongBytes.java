package io.bezoar.media;

import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * What a range holds after a fault that gives wrong bytes. Pure, decided by the seed, and never
 * equal to what was there: a strike that changes nothing would be counted as one that was healed.
 */
final class WrongBytes {
  private WrongBytes() {}

  /** Which bit of a range of {@code lengthBytes} bytes a flip inverts. */
  static long flippedBit(long lengthBytes, long seed) {
    return new SplittableRandom(seed).nextLong(Math.multiplyExact(lengthBytes, 8L));
  }

  /** A lost write: what was there before it, which is zeroes, or other bytes over zeroes. */
  static byte[] stale(byte[] current, long seed) {
    byte[] older = new byte[current.length];
    return Arrays.equals(older, current) ? noise(current, seed) : older;
  }

  /** A write meant for another place, whose bytes are {@code elsewhere}. */
  static byte[] misdirected(byte[] current, byte[] elsewhere, long seed) {
    return Arrays.equals(current, elsewhere) ? noise(current, seed) : elsewhere.clone();
  }

  /**
   * A write of which only some sectors arrived: at least one sector is stale, and at least one is
   * current when there are two. Of a range within one sector the second half is stale.
   */
  static byte[] torn(byte[] current, long seed) {
    byte[] torn = current.clone();
    int sectors = Math.ceilDiv(current.length, Units.SECTOR_BYTES);
    if (sectors < 2) {
      int half = current.length / 2;
      makeStale(torn, half, current.length, seed);
      return torn;
    }
    SplittableRandom random = new SplittableRandom(seed);
    int staleForSure = random.nextInt(sectors);
    int currentForSure = (staleForSure + 1 + random.nextInt(sectors - 1)) % sectors;
    for (int i = 0; i < sectors; i++) {
      boolean stale = random.nextBoolean();
      if (i == staleForSure || (stale && i != currentForSure)) {
        int from = i * Units.SECTOR_BYTES;
        makeStale(torn, from, Math.min(current.length, from + Units.SECTOR_BYTES), seed + i);
      }
    }
    return torn;
  }

  private static void makeStale(byte[] bytes, int from, int to, long seed) {
    byte[] older = stale(Arrays.copyOfRange(bytes, from, to), seed);
    System.arraycopy(older, 0, bytes, from, older.length);
  }

  private static byte[] noise(byte[] current, long seed) {
    byte[] noise = new byte[current.length];
    new SplittableRandom(seed).nextBytes(noise);
    if (noise.length > 0 && noise[0] == current[0]) {
      noise[0] ^= (byte) 0xFF;
    }
    return noise;
  }
}

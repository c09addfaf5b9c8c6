package io.bezoar.fs;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;

/** Keys of trees: numbers big-endian, so that they stand in their order, then bytes. */
final class Keys {
  private static final VarHandle BIG =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);
  private static final byte[] NOTHING = {};

  private Keys() {}

  static byte[] of(long first) {
    return of(first, NOTHING);
  }

  static byte[] of(long first, byte[] rest) {
    byte[] key = new byte[Long.BYTES + rest.length];
    BIG.set(key, 0, first);
    System.arraycopy(rest, 0, key, Long.BYTES, rest.length);
    return key;
  }

  static byte[] of(long first, long second) {
    return of(first, second, NOTHING);
  }

  static byte[] of(long first, long second, byte[] rest) {
    byte[] key = new byte[2 * Long.BYTES + rest.length];
    BIG.set(key, 0, first);
    BIG.set(key, Long.BYTES, second);
    System.arraycopy(rest, 0, key, 2 * Long.BYTES, rest.length);
    return key;
  }

  static byte[] of(long first, long second, long third) {
    byte[] key = new byte[3 * Long.BYTES];
    BIG.set(key, 0, first);
    BIG.set(key, Long.BYTES, second);
    BIG.set(key, 2 * Long.BYTES, third);
    return key;
  }

  /** The number at {@code index} of a key. */
  static long number(byte[] key, int index) {
    return (long) BIG.get(key, index * Long.BYTES);
  }

  /** What follows the first {@code numbers} numbers. */
  static byte[] rest(byte[] key, int numbers) {
    return Arrays.copyOfRange(key, numbers * Long.BYTES, key.length);
  }
}

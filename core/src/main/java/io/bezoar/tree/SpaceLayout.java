package io.bezoar.tree;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * Entries of the tree that says which pages are in use: group number (u32, big-endian, so that
 * groups stand in order) to a bit for each of its pages, the lowest bit of the first byte first; 1
 * is in use. A group without an entry is free.
 */
final class SpaceLayout {
  static final int GROUP_PAGES = 4096;
  static final int WORDS = GROUP_PAGES / Long.SIZE;

  private static final VarHandle WORD =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
  private static final VarHandle KEY =
      MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.BIG_ENDIAN);

  private SpaceLayout() {}

  static int groupOf(long page) {
    return (int) (page / GROUP_PAGES);
  }

  /**
   * Which bits of a word of a group stand for pages of {@code [begin, end)}, a range within that
   * group of which some are in that word.
   */
  static long maskOf(int word, long begin, long end) {
    long first = Math.max(0, begin % GROUP_PAGES - 64L * word);
    long last = Math.min(63, (end - 1) % GROUP_PAGES - 64L * word);
    return (-1L << first) & (-1L >>> (63 - last));
  }

  static byte[] key(int group) {
    byte[] key = new byte[Integer.BYTES];
    KEY.set(key, 0, group);
    return key;
  }

  /** The group of a key, or -1 for what is no key. */
  static int group(byte[] key) {
    return key.length == Integer.BYTES ? (int) KEY.get(key, 0) : -1;
  }

  static byte[] encode(long[] bits) {
    byte[] value = new byte[GROUP_PAGES / Byte.SIZE];
    for (int i = 0; i < WORDS; i++) {
      WORD.set(value, i * Long.BYTES, bits[i]);
    }
    return value;
  }

  /**
   * The bits of a value.
   *
   * @throws IllegalArgumentException when it has another length
   */
  static long[] decode(byte[] value) {
    if (value.length != GROUP_PAGES / Byte.SIZE) {
      throw new IllegalArgumentException("not a group of pages: " + value.length + " bytes");
    }
    long[] bits = new long[WORDS];
    for (int i = 0; i < WORDS; i++) {
      bits[i] = (long) WORD.get(value, i * Long.BYTES);
    }
    return bits;
  }
}

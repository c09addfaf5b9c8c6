package io.bezoar.fs;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * Entries of the two trees that say which file has which pages of the device.
 *
 * <p>{@code extents}: inode (u64), page of the file (u64) to {page of the device u64, pages u32,
 * content u8, zero x3, commit that took the pages u64}.
 *
 * <p>{@code owners}: page of the device (u64), inode (u64), page of the file (u64) to {pages u32,
 * zero u32, commit that took the pages u64}.
 *
 * <p>Keys are big-endian, values little-endian. The node that holds them checks them.
 */
final class ExtentLayout {
  static final int EXTENT_BYTES = 24;
  static final int OWNER_BYTES = 16;

  private static final int COUNT_AT = 8;
  private static final int CONTENT_AT = 12;
  private static final int BORN_AT = 16;
  private static final int OWNER_BORN_AT = 8;

  private static final VarHandle I64 =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
  private static final VarHandle I32 =
      MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);

  /** Pages of the device, and who has them. */
  record OwnerEntry(long start, long inode, long page, long count, long born) {
    long end() {
      return start + count;
    }
  }

  private ExtentLayout() {}

  static byte[] key(long inode, long page) {
    return Keys.of(inode, page);
  }

  static byte[] value(Extent extent) {
    byte[] value = new byte[EXTENT_BYTES];
    I64.set(value, 0, extent.start());
    I32.set(value, COUNT_AT, Math.toIntExact(extent.count()));
    value[CONTENT_AT] = (byte) extent.content().code();
    I64.set(value, BORN_AT, extent.born());
    return value;
  }

  /**
   * The extent of an entry.
   *
   * @throws IllegalArgumentException when it is none
   */
  static Extent extent(byte[] key, byte[] value) {
    if (key.length != 2 * Long.BYTES
        || value.length != EXTENT_BYTES
        || value[CONTENT_AT] < 0
        || value[CONTENT_AT] > 1
        || (int) I32.get(value, COUNT_AT) <= 0) {
      throw new IllegalArgumentException(
          "not an extent: " + Arrays.toString(key) + ": " + Arrays.toString(value));
    }
    return new Extent(
        Keys.number(key, 0),
        Keys.number(key, 1),
        (int) I32.get(value, COUNT_AT),
        (long) I64.get(value, 0),
        (long) I64.get(value, BORN_AT),
        value[CONTENT_AT] == 0 ? FileExtent.Content.WRITTEN : FileExtent.Content.UNWRITTEN);
  }

  static byte[] ownerKey(Extent extent) {
    return Keys.of(extent.start(), extent.inode(), extent.page());
  }

  static byte[] ownerValue(Extent extent) {
    byte[] value = new byte[OWNER_BYTES];
    I32.set(value, 0, Math.toIntExact(extent.count()));
    I64.set(value, OWNER_BORN_AT, extent.born());
    return value;
  }

  /**
   * The owner of an entry.
   *
   * @throws IllegalArgumentException when it is none
   */
  static OwnerEntry owner(byte[] key, byte[] value) {
    if (key.length != 3 * Long.BYTES
        || value.length != OWNER_BYTES
        || (int) I32.get(value, 0) <= 0) {
      throw new IllegalArgumentException(
          "not an owner: " + Arrays.toString(key) + ": " + Arrays.toString(value));
    }
    return new OwnerEntry(
        Keys.number(key, 0),
        Keys.number(key, 1),
        Keys.number(key, 2),
        (int) I32.get(value, 0),
        (long) I64.get(value, OWNER_BORN_AT));
  }
}

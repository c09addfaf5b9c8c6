package io.bezoar.fs;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * An entry of the tree {@code inodes}: number (u64, big-endian) to {version u8, type u8, mode u16,
 * uid u32, gid u32, zero u32, links u64, size u64, pages u64, generation u64, accessed, modified,
 * changed, created: i64 nanoseconds}, little-endian. The node that holds it checks it.
 */
final class InodeLayout {
  static final int BYTES = 80;

  private static final byte VERSION = 1;
  private static final int TYPE_AT = 1;
  private static final int MODE_AT = 2;
  private static final int UID_AT = 4;
  private static final int GID_AT = 8;
  private static final int ZERO_AT = 12;
  private static final int LINKS_AT = 16;
  private static final int SIZE_AT = 24;
  private static final int PAGES_AT = 32;
  private static final int GENERATION_AT = 40;
  private static final int ACCESSED_AT = 48;
  private static final int MODIFIED_AT = 56;
  private static final int CHANGED_AT = 64;
  private static final int CREATED_AT = 72;

  private static final VarHandle I64 =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
  private static final VarHandle I32 =
      MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
  private static final VarHandle I16 =
      MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);

  private InodeLayout() {}

  static byte[] encode(Inode inode) {
    byte[] value = new byte[BYTES];
    value[0] = VERSION;
    value[TYPE_AT] = (byte) inode.type().code();
    I16.set(value, MODE_AT, (short) inode.mode());
    I32.set(value, UID_AT, inode.uid());
    I32.set(value, GID_AT, inode.gid());
    I64.set(value, LINKS_AT, inode.links());
    I64.set(value, SIZE_AT, inode.size());
    I64.set(value, PAGES_AT, inode.pages());
    I64.set(value, GENERATION_AT, inode.generation());
    I64.set(value, ACCESSED_AT, inode.accessed());
    I64.set(value, MODIFIED_AT, inode.modified());
    I64.set(value, CHANGED_AT, inode.changed());
    I64.set(value, CREATED_AT, inode.created());
    return value;
  }

  /**
   * The inode of an entry.
   *
   * @throws IllegalArgumentException when it is none
   */
  static Inode decode(long number, byte[] value) {
    if (value.length != BYTES
        || value[0] != VERSION
        || (int) I32.get(value, ZERO_AT) != 0
        || (long) I64.get(value, SIZE_AT) < 0
        || (long) I64.get(value, PAGES_AT) < 0
        || (long) I64.get(value, LINKS_AT) < 0) {
      throw new IllegalArgumentException("not an inode: " + number + ": " + Arrays.toString(value));
    }
    return new Inode(
        number,
        FileType.ofCode(value[TYPE_AT]),
        Short.toUnsignedInt((short) I16.get(value, MODE_AT)),
        (int) I32.get(value, UID_AT),
        (int) I32.get(value, GID_AT),
        (long) I64.get(value, LINKS_AT),
        (long) I64.get(value, SIZE_AT),
        (long) I64.get(value, PAGES_AT),
        (long) I64.get(value, GENERATION_AT),
        (long) I64.get(value, ACCESSED_AT),
        (long) I64.get(value, MODIFIED_AT),
        (long) I64.get(value, CHANGED_AT),
        (long) I64.get(value, CREATED_AT));
  }
}

package io.bezoar.tree;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Entries of the two trees that keep states of the forest.
 *
 * <p>Holds: commit (u64) to {releasing u8, name length u8, trees u8, name, trees, 30 bytes each: id
 * u32, height u16, address, twin, generation}.
 *
 * <p>Held pages, which the live trees have no more and some hold still has: commit of the newest
 * hold when they were freed (u64), first page (u64) to {pages u64, commit that allocated them u64}.
 *
 * <p>Keys are big-endian, so that they stand in order; values little-endian.
 */
final class HoldLayout {
  static final int NAME_BYTES_MAX = 255;

  private static final int HEAD_BYTES = 3;
  private static final int TREE_BYTES = 30;

  private static final VarHandle BIG =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);
  private static final VarHandle I64 =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
  private static final VarHandle I32 =
      MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
  private static final VarHandle I16 =
      MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);

  /**
   * A hold.
   *
   * @param releasing true once it was released, while its pages are being let go of
   * @param roots the trees that it keeps, by id; those of the forest itself are empty
   */
  record Kept(long commit, String name, boolean releasing, List<TreeRoot> roots) {
    Hold hold() {
      return new Hold(name, commit);
    }

    Kept released() {
      return new Kept(commit, name, true, roots);
    }
  }

  /** Pages that a hold keeps. */
  record Held(long list, long start, long count, long born) {}

  private HoldLayout() {}

  static byte[] holdKey(long commit) {
    byte[] key = new byte[Long.BYTES];
    BIG.set(key, 0, commit);
    return key;
  }

  static byte[] encode(Kept kept) {
    byte[] name = kept.name().getBytes(StandardCharsets.UTF_8);
    byte[] value = new byte[HEAD_BYTES + name.length + kept.roots().size() * TREE_BYTES];
    value[0] = (byte) (kept.releasing() ? 1 : 0);
    value[1] = (byte) name.length;
    value[2] = (byte) kept.roots().size();
    System.arraycopy(name, 0, value, HEAD_BYTES, name.length);
    int at = HEAD_BYTES + name.length;
    for (TreeRoot root : kept.roots()) {
      I32.set(value, at, root.id());
      I16.set(value, at + 4, (short) root.height());
      I64.set(value, at + 6, root.ref().address());
      I64.set(value, at + 14, root.ref().twin());
      I64.set(value, at + 22, root.ref().generation());
      at += TREE_BYTES;
    }
    return value;
  }

  /**
   * The hold of an entry.
   *
   * @param names what the trees are called, by id
   * @throws IllegalArgumentException when it is none
   */
  static Kept decode(byte[] key, byte[] value, List<TreeRoot> names) {
    if (key.length != Long.BYTES || value.length < HEAD_BYTES) {
      throw new IllegalArgumentException("not a hold: " + Arrays.toString(key));
    }
    int nameLength = Byte.toUnsignedInt(value[1]);
    int count = Byte.toUnsignedInt(value[2]);
    if (value[0] < 0
        || value[0] > 1
        || nameLength > NAME_BYTES_MAX
        || count > names.size()
        || value.length != HEAD_BYTES + nameLength + count * TREE_BYTES) {
      throw new IllegalArgumentException("not a hold: " + Arrays.toString(value));
    }
    List<TreeRoot> roots = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      int at = HEAD_BYTES + nameLength + i * TREE_BYTES;
      int height = Short.toUnsignedInt((short) I16.get(value, at + 4));
      if ((int) I32.get(value, at) != i || height > ForestLayout.HEIGHT_MAX) {
        throw new IllegalArgumentException("not a tree of a hold: " + Arrays.toString(value));
      }
      Ref ref =
          new Ref(
              (long) I64.get(value, at + 6),
              (long) I64.get(value, at + 14),
              (long) I64.get(value, at + 22));
      roots.add(new TreeRoot(i, names.get(i).name(), height, ref, null));
    }
    String name = new String(value, HEAD_BYTES, nameLength, StandardCharsets.UTF_8);
    return new Kept((long) BIG.get(key, 0), name, value[0] == 1, List.copyOf(roots));
  }

  static byte[] heldKey(long list, long start) {
    byte[] key = new byte[2 * Long.BYTES];
    BIG.set(key, 0, list);
    BIG.set(key, Long.BYTES, start);
    return key;
  }

  static byte[] heldValue(long count, long born) {
    byte[] value = new byte[2 * Long.BYTES];
    I64.set(value, 0, count);
    I64.set(value, Long.BYTES, born);
    return value;
  }

  /**
   * The pages of an entry.
   *
   * @throws IllegalArgumentException when it is none
   */
  static Held decodeHeld(byte[] key, byte[] value) {
    if (key.length != 2 * Long.BYTES || value.length != 2 * Long.BYTES) {
      throw new IllegalArgumentException("not held pages: " + Arrays.toString(key));
    }
    return new Held(
        (long) BIG.get(key, 0),
        (long) BIG.get(key, Long.BYTES),
        (long) I64.get(value, 0),
        (long) I64.get(value, Long.BYTES));
  }
}

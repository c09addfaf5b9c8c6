package io.bezoar.tree;

import static io.bezoar.media.Units.PAGE_BYTES;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.zip.CRC32C;

/**
 * One node of a tree: a page of entries in ascending order of their keys, which are compared as
 * unsigned bytes. The same form is worked on in memory and stored.
 *
 * <pre>
 *  0 magic       8 crc32c      12 version u16   14 level u16
 * 16 address    24 generation  32 twin          40 tree u32
 * 44 count u16  46 heap u16    48 live u16      50 zero        56 forest
 * 64 slots, u16 each: where the entry starts
 * heap: entries at the end of the page: key length u16, value length u16, key, value
 * </pre>
 *
 * <p>Little-endian. A leaf has level 0. In a branch each value is a reference to a child (address,
 * twin, generation), the key of entry i > 0 is the least key that child i may hold, and the key of
 * entry 0 is empty: its bound stands in the parent. The checksum covers the page without its own
 * four bytes. Address and twin are those of the two copies of the node, which differ in nothing
 * else.
 */
final class NodeLayout {
  static final int VERSION = 1;

  /** Longest key. */
  static final int KEY_BYTES_MAX = 512;

  /** Longest value: a quarter of a node. */
  static final int VALUE_BYTES_MAX = 1024;

  static final int REF_BYTES = 24;

  private static final long MAGIC = 0x3145444f4e525a42L; // "BZRNODE1"

  private static final int AT_MAGIC = 0;
  private static final int AT_CRC = 8;
  private static final int AT_VERSION = 12;
  private static final int AT_LEVEL = 14;
  private static final int AT_ADDRESS = 16;
  private static final int AT_GENERATION = 24;
  private static final int AT_TWIN = 32;
  private static final int AT_TREE = 40;
  private static final int AT_COUNT = 44;
  private static final int AT_HEAP = 46;
  private static final int AT_LIVE = 48;
  private static final int AT_FOREST = 56;
  private static final int AT_SLOTS = 64;

  private static final int SLOT_BYTES = 2;
  private static final int ENTRY_HEAD_BYTES = 4;

  /** Room for slots and entries in one node. */
  static final int CAPACITY_BYTES = PAGE_BYTES - AT_SLOTS;

  /** Most children that a branch can have. */
  static final int FANOUT_MAX = CAPACITY_BYTES / (SLOT_BYTES + ENTRY_HEAD_BYTES + REF_BYTES);

  private static final VarHandle U16 =
      MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);
  private static final VarHandle I32 =
      MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
  private static final VarHandle BIG =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);
  private static final VarHandle I64 =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

  /** What a page turned out to be when a certain node was expected. */
  enum Verdict {
    /** The node that was expected. */
    SOUND,
    /** No node, or one whose bytes changed. */
    DAMAGED,
    /** An intact node, but not this one: a write was lost, or went elsewhere. */
    OTHER
  }

  private NodeLayout() {}

  /** A node without entries. */
  static byte[] empty(int tree, int level) {
    byte[] page = new byte[PAGE_BYTES];
    I64.set(page, AT_MAGIC, MAGIC);
    putU16(page, AT_VERSION, VERSION);
    putU16(page, AT_LEVEL, level);
    I32.set(page, AT_TREE, tree);
    putU16(page, AT_HEAP, PAGE_BYTES);
    return page;
  }

  static int level(byte[] page) {
    return u16(page, AT_LEVEL);
  }

  static int tree(byte[] page) {
    return (int) I32.get(page, AT_TREE);
  }

  static int count(byte[] page) {
    return u16(page, AT_COUNT);
  }

  static int keyStart(byte[] page, int i) {
    return slot(page, i) + ENTRY_HEAD_BYTES;
  }

  static int keyLength(byte[] page, int i) {
    return u16(page, slot(page, i));
  }

  static int valueStart(byte[] page, int i) {
    int entry = slot(page, i);
    return entry + ENTRY_HEAD_BYTES + u16(page, entry);
  }

  static int valueLength(byte[] page, int i) {
    return u16(page, slot(page, i) + 2);
  }

  static byte[] key(byte[] page, int i) {
    int start = keyStart(page, i);
    return Arrays.copyOfRange(page, start, start + keyLength(page, i));
  }

  static byte[] value(byte[] page, int i) {
    int start = valueStart(page, i);
    return Arrays.copyOfRange(page, start, start + valueLength(page, i));
  }

  static long refAddress(byte[] page, int i) {
    return (long) I64.get(page, valueStart(page, i));
  }

  static long refTwin(byte[] page, int i) {
    return (long) I64.get(page, valueStart(page, i) + 8);
  }

  static long refGeneration(byte[] page, int i) {
    return (long) I64.get(page, valueStart(page, i) + 16);
  }

  static Ref ref(byte[] page, int i) {
    return new Ref(refAddress(page, i), refTwin(page, i), refGeneration(page, i));
  }

  static void setRef(byte[] page, int i, Ref ref) {
    int at = valueStart(page, i);
    I64.set(page, at, ref.address());
    I64.set(page, at + 8, ref.twin());
    I64.set(page, at + 16, ref.generation());
  }

  /** Compares the key of entry {@code i} with {@code key}. */
  static int compareKey(byte[] page, int i, byte[] key) {
    int entry = slot(page, i);
    int start = entry + ENTRY_HEAD_BYTES;
    int length = u16(page, entry);
    if (length >= Long.BYTES && key.length >= Long.BYTES) {
      // Most keys differ here, and two loads cost less than a call.
      int order = Long.compareUnsigned((long) BIG.get(page, start), (long) BIG.get(key, 0));
      if (order != 0 || (length == Long.BYTES && key.length == Long.BYTES)) {
        return order;
      }
    }
    return Arrays.compareUnsigned(page, start, start + length, key, 0, key.length);
  }

  /** Compares the keys of two entries. */
  static int compareKeys(byte[] page, int i, int j) {
    int first = keyStart(page, i);
    int second = keyStart(page, j);
    return Arrays.compareUnsigned(
        page, first, first + keyLength(page, i), page, second, second + keyLength(page, j));
  }

  /** Index of the entry with this key, or -1 less the index at which it would stand. */
  static int find(byte[] page, byte[] key) {
    int low = 0;
    int high = count(page) - 1;
    while (low <= high) {
      int middle = (low + high) >>> 1;
      int order = compareKey(page, middle, key);
      if (order == 0) {
        return middle;
      } else if (order < 0) {
        low = middle + 1;
      } else {
        high = middle - 1;
      }
    }
    return -1 - low;
  }

  /** Index of the child of a branch that may hold {@code key}. */
  static int childIndex(byte[] page, byte[] key) {
    int low = 1;
    int high = count(page) - 1;
    while (low <= high) {
      int middle = (low + high) >>> 1;
      if (compareKey(page, middle, key) <= 0) {
        low = middle + 1;
      } else {
        high = middle - 1;
      }
    }
    return low - 1;
  }

  /** Bytes of a node that an entry takes. */
  static int entryBytes(int keyLength, int valueLength) {
    return SLOT_BYTES + ENTRY_HEAD_BYTES + keyLength + valueLength;
  }

  /** Bytes that the entries take, of {@link #CAPACITY_BYTES}. */
  static int usedBytes(byte[] page) {
    return count(page) * SLOT_BYTES + u16(page, AT_LIVE);
  }

  static boolean fits(byte[] page, int keyLength, int valueLength) {
    return usedBytes(page) + entryBytes(keyLength, valueLength) <= CAPACITY_BYTES;
  }

  /** Adds an entry at index {@code i}; it must fit, and be in order there. */
  static void insert(byte[] page, int i, byte[] key, byte[] value) {
    insert(page, i, key, 0, key.length, value, 0, value.length);
  }

  private static void insert(
      byte[] page,
      int i,
      byte[] key,
      int keyFrom,
      int keyLength,
      byte[] value,
      int valueFrom,
      int valueLength) {
    int count = count(page);
    int length = ENTRY_HEAD_BYTES + keyLength + valueLength;
    if (usedBytes(page) + length + SLOT_BYTES > CAPACITY_BYTES) {
      throw new IllegalStateException(
          "an entry of " + length + " bytes does not fit beside " + usedBytes(page));
    }
    if (heap(page) - length < AT_SLOTS + (count + 1) * SLOT_BYTES) {
      compact(page);
    }
    int at = heap(page) - length;
    putU16(page, at, keyLength);
    putU16(page, at + 2, valueLength);
    System.arraycopy(key, keyFrom, page, at + ENTRY_HEAD_BYTES, keyLength);
    System.arraycopy(value, valueFrom, page, at + ENTRY_HEAD_BYTES + keyLength, valueLength);
    int slot = AT_SLOTS + i * SLOT_BYTES;
    System.arraycopy(page, slot, page, slot + SLOT_BYTES, (count - i) * SLOT_BYTES);
    putU16(page, slot, at);
    putU16(page, AT_HEAP, at);
    putU16(page, AT_COUNT, count + 1);
    putU16(page, AT_LIVE, u16(page, AT_LIVE) + length);
  }

  /** Takes entries {@code [from, to)} out. */
  static void remove(byte[] page, int from, int to) {
    int gone = 0;
    for (int i = from; i < to; i++) {
      gone += ENTRY_HEAD_BYTES + keyLength(page, i) + valueLength(page, i);
    }
    int count = count(page);
    int slot = AT_SLOTS + from * SLOT_BYTES;
    System.arraycopy(page, AT_SLOTS + to * SLOT_BYTES, page, slot, (count - to) * SLOT_BYTES);
    putU16(page, AT_COUNT, count - (to - from));
    putU16(page, AT_LIVE, u16(page, AT_LIVE) - gone);
  }

  /** Gives entry {@code i} another value; false when there is no room for it, and nothing done. */
  static boolean setValue(byte[] page, int i, byte[] value) {
    int start = valueStart(page, i);
    int before = valueLength(page, i);
    if (before == value.length) {
      System.arraycopy(value, 0, page, start, value.length);
      return true;
    }
    if (usedBytes(page) - before + value.length > CAPACITY_BYTES) {
      return false;
    }
    byte[] key = key(page, i);
    remove(page, i, i + 1);
    insert(page, i, key, value);
    return true;
  }

  /** Gives entry {@code i} another key, of the same place in the order. */
  static void setKey(byte[] page, int i, byte[] key) {
    byte[] value = value(page, i);
    remove(page, i, i + 1);
    insert(page, i, key, value);
  }

  /** Adds entries {@code [from, to)} of {@code source} behind those of {@code page}. */
  static void append(byte[] page, byte[] source, int from, int to) {
    for (int i = from; i < to; i++) {
      insert(
          page,
          count(page),
          source,
          keyStart(source, i),
          keyLength(source, i),
          source,
          valueStart(source, i),
          valueLength(source, i));
    }
  }

  /** Puts the entries together at the end of the page; what lay between them is zeroed. */
  static void compact(byte[] page) {
    byte[] old = page.clone();
    Arrays.fill(page, AT_SLOTS + count(page) * SLOT_BYTES, PAGE_BYTES, (byte) 0);
    int at = PAGE_BYTES;
    for (int i = count(page) - 1; i >= 0; i--) {
      int entry = slot(old, i);
      int length = ENTRY_HEAD_BYTES + u16(old, entry) + u16(old, entry + 2);
      at -= length;
      System.arraycopy(old, entry, page, at, length);
      putU16(page, AT_SLOTS + i * SLOT_BYTES, at);
    }
    putU16(page, AT_HEAP, at);
  }

  /** Makes {@code image} the copy of its node that stands at {@code address}. */
  static void seal(byte[] image, long forest, Ref ref, long address) {
    I64.set(image, AT_ADDRESS, address);
    I64.set(image, AT_TWIN, ref.twinOf(address));
    I64.set(image, AT_GENERATION, ref.generation());
    I64.set(image, AT_FOREST, forest);
    I32.set(image, AT_CRC, crc(image));
  }

  /** Looks whether a page is the copy at {@code address} of the node that a parent expects. */
  static Verdict judge(byte[] page, long forest, int tree, int level, Ref ref, long address) {
    if ((long) I64.get(page, AT_MAGIC) != MAGIC || (int) I32.get(page, AT_CRC) != crc(page)) {
      return Verdict.DAMAGED;
    }
    boolean expected =
        u16(page, AT_VERSION) == VERSION
            && (long) I64.get(page, AT_FOREST) == forest
            && (long) I64.get(page, AT_ADDRESS) == address
            && (long) I64.get(page, AT_TWIN) == ref.twinOf(address)
            && (long) I64.get(page, AT_GENERATION) == ref.generation()
            && tree(page) == tree
            && level(page) == level;
    if (!expected) {
      return Verdict.OTHER;
    }
    return isWellFormed(page) ? Verdict.SOUND : Verdict.DAMAGED;
  }

  /** True when a page is the intact copy at {@code address} of a node, of which one is sound. */
  static boolean isTwin(byte[] page, byte[] sound, Ref ref, long address) {
    return Arrays.equals(page, AT_VERSION, AT_ADDRESS, sound, AT_VERSION, AT_ADDRESS)
        && (long) I64.get(page, AT_ADDRESS) == address
        && Arrays.equals(page, AT_GENERATION, AT_TWIN, sound, AT_GENERATION, AT_TWIN)
        && (long) I64.get(page, AT_TWIN) == ref.twinOf(address)
        && Arrays.equals(page, AT_TREE, PAGE_BYTES, sound, AT_TREE, PAGE_BYTES)
        && (long) I64.get(page, AT_MAGIC) == MAGIC
        && (int) I32.get(page, AT_CRC) == crc(page);
  }

  /** True when a page is an intact node of a forest in its own place, whoever may refer to it. */
  static boolean isNode(byte[] page, long forest, long address) {
    return (long) I64.get(page, AT_MAGIC) == MAGIC
        && (int) I32.get(page, AT_CRC) == crc(page)
        && u16(page, AT_VERSION) == VERSION
        && (long) I64.get(page, AT_FOREST) == forest
        && (long) I64.get(page, AT_ADDRESS) == address
        && isWellFormed(page);
  }

  /** Where the other copy is, of the node that a page says it is. */
  static long twin(byte[] page) {
    return (long) I64.get(page, AT_TWIN);
  }

  static long generation(byte[] page) {
    return (long) I64.get(page, AT_GENERATION);
  }

  /** Nothing in the page points out of it. The order of keys is looked at by a check only. */
  private static boolean isWellFormed(byte[] page) {
    int count = count(page);
    int heap = heap(page);
    boolean branch = level(page) > 0;
    if (heap > PAGE_BYTES || AT_SLOTS + count * SLOT_BYTES > heap || (branch && count == 0)) {
      return false;
    }
    int live = 0;
    for (int i = 0; i < count; i++) {
      int entry = slot(page, i);
      if (entry < heap || entry > PAGE_BYTES - ENTRY_HEAD_BYTES) {
        return false;
      }
      int keyLength = u16(page, entry);
      int valueLength = u16(page, entry + 2);
      boolean sound =
          keyLength <= KEY_BYTES_MAX
              && valueLength <= VALUE_BYTES_MAX
              && entry + ENTRY_HEAD_BYTES + keyLength + valueLength <= PAGE_BYTES
              && (!branch || (valueLength == REF_BYTES && (i > 0 || keyLength == 0)));
      if (!sound) {
        return false;
      }
      live += ENTRY_HEAD_BYTES + keyLength + valueLength;
    }
    return live == u16(page, AT_LIVE) && count * SLOT_BYTES + live <= CAPACITY_BYTES;
  }

  private static int crc(byte[] page) {
    CRC32C crc = new CRC32C();
    crc.update(page, 0, AT_CRC);
    crc.update(page, AT_CRC + Integer.BYTES, PAGE_BYTES - AT_CRC - Integer.BYTES);
    return (int) crc.getValue();
  }

  private static int slot(byte[] page, int i) {
    return u16(page, AT_SLOTS + i * SLOT_BYTES);
  }

  private static int heap(byte[] page) {
    return u16(page, AT_HEAP);
  }

  private static int u16(byte[] page, int at) {
    return Short.toUnsignedInt((short) U16.get(page, at));
  }

  private static void putU16(byte[] page, int at, int value) {
    U16.set(page, at, (short) value);
  }
}

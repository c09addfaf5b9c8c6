package io.bezoar.tree;

import static io.bezoar.media.Units.PAGE_BYTES;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.zip.CRC32C;

/**
 * A root slot: one page that says all about one commit.
 *
 * <pre>
 *  0 magic       8 crc32c      12 version u32   16 address    24 forest
 * 32 commit     40 device size, bytes           48 free pages
 * 56 slots, 4 x u64            88 trees u32     92 zero
 * 128 trees, 64 bytes each: id u32, height u16, name length u8, zero, address, twin, generation,
 *     name (32 bytes)
 * </pre>
 *
 * <p>Little-endian. Magic, checksum and version keep their places in every version to come; the
 * checksum covers the page without its own four bytes.
 */
final class ForestLayout {
  static final int VERSION = 1;
  static final int SLOTS = 4;

  /** Longest name of a tree, UTF-8. */
  static final int NAME_BYTES_MAX = 32;

  /** Most trees, those of the forest itself included: what a hold can name. */
  static final int TREES_MAX = 27;

  private static final long MAGIC = 0x545352464f525a42L; // "BZROFRST"

  private static final int AT_MAGIC = 0;
  private static final int AT_CRC = 8;
  private static final int AT_VERSION = 12;
  private static final int AT_ADDRESS = 16;
  private static final int AT_FOREST = 24;
  private static final int AT_COMMIT = 32;
  private static final int AT_SIZE = 40;
  private static final int AT_FREE = 48;
  private static final int AT_SLOTS = 56;
  private static final int AT_TREES = 88;
  private static final int AT_ENTRIES = 128;
  private static final int ENTRY_BYTES = 64;

  private static final VarHandle I16 =
      MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.LITTLE_ENDIAN);
  private static final VarHandle I32 =
      MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.LITTLE_ENDIAN);
  private static final VarHandle I64 =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

  /**
   * One commit.
   *
   * @param forest tells this forest from every other, random
   * @param commit its number
   * @param sizeBytes size of the device
   * @param freePages pages that no tree of this commit, no hold and nobody above has
   * @param slots addresses of the four slots
   * @param trees the top of each tree, by id; all by reference
   */
  record Root(
      long forest,
      long commit,
      long sizeBytes,
      long freePages,
      List<Long> slots,
      List<TreeRoot> trees) {}

  /** What a page turned out to be. */
  sealed interface Slot {
    /** An intact slot. */
    record Valid(Root root) implements Slot {}

    /** A slot whose bytes changed, or that is not in its place. */
    record Damaged() implements Slot {}

    /** Intact, and written by a later version. */
    record Newer(int version) implements Slot {}

    /** Nothing that looks like a slot. */
    record Foreign() implements Slot {}
  }

  private ForestLayout() {}

  static byte[] encode(Root root, long address) {
    byte[] page = new byte[PAGE_BYTES];
    I64.set(page, AT_MAGIC, MAGIC);
    I32.set(page, AT_VERSION, VERSION);
    I64.set(page, AT_ADDRESS, address);
    I64.set(page, AT_FOREST, root.forest());
    I64.set(page, AT_COMMIT, root.commit());
    I64.set(page, AT_SIZE, root.sizeBytes());
    I64.set(page, AT_FREE, root.freePages());
    for (int i = 0; i < SLOTS; i++) {
      I64.set(page, AT_SLOTS + 8 * i, (long) root.slots().get(i));
    }
    I32.set(page, AT_TREES, root.trees().size());
    int at = AT_ENTRIES;
    for (TreeRoot tree : root.trees()) {
      encodeTree(page, at, tree);
      at += ENTRY_BYTES;
    }
    I32.set(page, AT_CRC, crc(page));
    return page;
  }

  private static void encodeTree(byte[] page, int at, TreeRoot tree) {
    byte[] name = tree.name().getBytes(StandardCharsets.UTF_8);
    I32.set(page, at, tree.id());
    I16.set(page, at + 4, (short) tree.height());
    page[at + 6] = (byte) name.length;
    I64.set(page, at + 8, tree.ref().address());
    I64.set(page, at + 16, tree.ref().twin());
    I64.set(page, at + 24, tree.ref().generation());
    System.arraycopy(name, 0, page, at + 32, name.length);
  }

  static Slot decode(byte[] page, long address) {
    if ((long) I64.get(page, AT_MAGIC) != MAGIC) {
      return new Slot.Foreign();
    }
    if ((int) I32.get(page, AT_CRC) != crc(page) || (long) I64.get(page, AT_ADDRESS) != address) {
      return new Slot.Damaged();
    }
    int version = (int) I32.get(page, AT_VERSION);
    if (version > VERSION) {
      return new Slot.Newer(version);
    }
    Optional<Root> root = decodeRoot(page);
    return version == VERSION && root.isPresent() ? new Slot.Valid(root.get()) : new Slot.Damaged();
  }

  private static Optional<Root> decodeRoot(byte[] page) {
    long size = (long) I64.get(page, AT_SIZE);
    long free = (long) I64.get(page, AT_FREE);
    int count = (int) I32.get(page, AT_TREES);
    if (size <= 0 || free < 0 || free > size / PAGE_BYTES || count < 0 || count > TREES_MAX) {
      return Optional.empty();
    }
    List<Long> slots = new ArrayList<>();
    for (int i = 0; i < SLOTS; i++) {
      long slot = (long) I64.get(page, AT_SLOTS + 8 * i);
      if (!isPage(slot, size) || slots.contains(slot)) {
        return Optional.empty();
      }
      slots.add(slot);
    }
    List<TreeRoot> trees = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      Optional<TreeRoot> tree = decodeTree(page, AT_ENTRIES + i * ENTRY_BYTES, size);
      if (tree.isEmpty() || tree.get().id() != i) {
        return Optional.empty();
      }
      trees.add(tree.get());
    }
    return Optional.of(
        new Root(
            (long) I64.get(page, AT_FOREST),
            (long) I64.get(page, AT_COMMIT),
            size,
            free,
            slots,
            trees));
  }

  private static Optional<TreeRoot> decodeTree(byte[] page, int at, long size) {
    int height = Short.toUnsignedInt((short) I16.get(page, at + 4));
    int nameLength = Byte.toUnsignedInt(page[at + 6]);
    Ref ref =
        new Ref(
            (long) I64.get(page, at + 8),
            (long) I64.get(page, at + 16),
            (long) I64.get(page, at + 24));
    boolean sound =
        nameLength <= NAME_BYTES_MAX
            && (height == 0 ? ref.equals(Ref.NONE) : isRef(ref, size))
            && height <= HEIGHT_MAX;
    if (!sound) {
      return Optional.empty();
    }
    String name = new String(page, at + 32, nameLength, StandardCharsets.UTF_8);
    return Optional.of(new TreeRoot((int) I32.get(page, at), name, height, ref, null));
  }

  /** More levels than this would hold more entries than there are addresses. */
  static final int HEIGHT_MAX = 40;

  private static boolean isRef(Ref ref, long size) {
    return isPage(ref.address(), size) && isPage(ref.twin(), size) && ref.address() != ref.twin();
  }

  private static boolean isPage(long address, long size) {
    return address >= 0 && address % PAGE_BYTES == 0 && address <= size - PAGE_BYTES;
  }

  private static int crc(byte[] page) {
    CRC32C crc = new CRC32C();
    crc.update(page, 0, AT_CRC);
    crc.update(page, AT_VERSION, PAGE_BYTES - AT_VERSION);
    return (int) crc.getValue();
  }
}

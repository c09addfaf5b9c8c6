package io.bezoar.target;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Optional;
import java.util.UUID;
import java.util.zip.CRC32C;

/**
 * The bytes of a write cache on its fast device, little-endian.
 *
 * <pre>
 * superblock, a page, twice
 *   0  magic "BZWCACHE"   8
 *   8  version   4
 *  12  zero   4
 *  16  own address   8
 *  24  cache, most and least significant half   16
 *  40  format id, random, part of every entry's checksum   8
 *  48  bytes of the origin   8
 *  56  bytes of the fast device   8
 *  64  blocks   4
 *  68  CRC32C of the 68 bytes before   4
 *
 * entry, 32 bytes, one for each block in each table
 *   0  magic "BZWE"   4
 *   4  state: 1 free, 2 dirty, 3 clean   4
 *   8  page of the origin; of a free block zero   8
 *  16  sequence of the write   8
 *  24  CRC32C of the block's content, zero when nobody knows it   4
 *  28  CRC32C of the 28 bytes before, mixed with own address and format id   4
 * </pre>
 *
 * An entry lies within one line, so a crash leaves it old or new; where stores are smaller it does
 * not verify. The mixing makes entries of another place, or of a cache that was here before,
 * foreign.
 */
final class WriteCacheLayout {
  static final int VERSION = 1;
  static final int ENTRY_BYTES = 32;
  static final int ENTRIES_PER_PAGE = 128;

  private static final long MAGIC = 0x4548434143575a42L;
  private static final int ENTRY_MAGIC = 0x45575a42;

  private static final ValueLayout.OfLong LONG =
      JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfInt INT =
      JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private static final int AT_VERSION = 8;
  private static final int AT_ADDRESS = 16;
  private static final int AT_CACHE = 24;
  private static final int AT_FORMAT = 40;
  private static final int AT_ORIGIN = 48;
  private static final int AT_FAST = 56;
  private static final int AT_BLOCKS = 64;
  private static final int AT_SUPER_CHECK = 68;

  private static final int AT_STATE = 4;
  private static final int AT_PAGE = 8;
  private static final int AT_SEQUENCE = 16;
  private static final int AT_SUM = 24;
  private static final int AT_CHECK = 28;

  /** What a superblock says. */
  record Superblock(int version, UUID cache, long formatId, WriteCacheGeometry geometry) {}

  /** What becomes of a block when the cache is opened. The order decides between equal numbers. */
  enum Kind {
    /** Holds what the origin does not have. */
    DIRTY(2),
    /** Holds what the origin has. */
    CLEAN(3),
    /** Holds nothing. */
    FREE(1);

    private final int code;

    Kind(int code) {
      this.code = code;
    }
  }

  /**
   * What an entry says.
   *
   * @param page of the origin
   * @param sequence of two entries for one page, or of two copies of one entry, the higher counts
   * @param sum checksum of the content, zero when unknown
   */
  record Entry(Kind kind, long page, long sequence, int sum) {
    /** True when this one was written later than {@code other}. */
    boolean newerThan(Entry other) {
      return sequence != other.sequence
          ? sequence > other.sequence
          : kind.compareTo(other.kind) > 0;
    }
  }

  private WriteCacheLayout() {}

  static void encodeSuperblock(MemorySegment page, long address, Superblock is) {
    page.fill((byte) 0);
    page.set(LONG, 0, MAGIC);
    page.set(INT, AT_VERSION, is.version());
    page.set(LONG, AT_ADDRESS, address);
    page.set(LONG, AT_CACHE, is.cache().getMostSignificantBits());
    page.set(LONG, AT_CACHE + 8, is.cache().getLeastSignificantBits());
    page.set(LONG, AT_FORMAT, is.formatId());
    page.set(LONG, AT_ORIGIN, is.geometry().originBytes());
    page.set(LONG, AT_FAST, is.geometry().fastBytes());
    page.set(INT, AT_BLOCKS, is.geometry().blocks());
    page.set(INT, AT_SUPER_CHECK, crc(page, 0, AT_SUPER_CHECK));
  }

  /** The superblock; empty when this is not one, intact, for {@code address}. */
  static Optional<Superblock> decodeSuperblock(MemorySegment page, long address) {
    if (page.get(LONG, 0) != MAGIC
        || page.get(LONG, AT_ADDRESS) != address
        || page.get(INT, AT_SUPER_CHECK) != crc(page, 0, AT_SUPER_CHECK)) {
      return Optional.empty();
    }
    WriteCacheGeometry geometry =
        new WriteCacheGeometry(
            page.get(LONG, AT_ORIGIN), page.get(LONG, AT_FAST), page.get(INT, AT_BLOCKS));
    return Optional.of(
        new Superblock(
            page.get(INT, AT_VERSION),
            new UUID(page.get(LONG, AT_CACHE), page.get(LONG, AT_CACHE + 8)),
            page.get(LONG, AT_FORMAT),
            geometry));
  }

  /** Writes the entry for the one that stands at {@code address} into {@code buffer}. */
  static void encodeEntry(MemorySegment buffer, long at, long address, long formatId, Entry entry) {
    buffer.set(INT, at, ENTRY_MAGIC);
    buffer.set(INT, at + AT_STATE, entry.kind().code);
    buffer.set(LONG, at + AT_PAGE, entry.page());
    buffer.set(LONG, at + AT_SEQUENCE, entry.sequence());
    buffer.set(INT, at + AT_SUM, entry.sum());
    buffer.set(INT, at + AT_CHECK, check(buffer, at, address, formatId));
  }

  /** The entry; empty when this is not one, intact, of this cache, for {@code address}. */
  static Optional<Entry> decodeEntry(MemorySegment buffer, long at, long address, long formatId) {
    if (buffer.get(INT, at) != ENTRY_MAGIC
        || buffer.get(INT, at + AT_CHECK) != check(buffer, at, address, formatId)) {
      return Optional.empty();
    }
    int code = buffer.get(INT, at + AT_STATE);
    long page = buffer.get(LONG, at + AT_PAGE);
    long sequence = buffer.get(LONG, at + AT_SEQUENCE);
    for (Kind kind : Kind.values()) {
      if (kind.code == code && page >= 0 && sequence >= 0) {
        return Optional.of(new Entry(kind, page, sequence, buffer.get(INT, at + AT_SUM)));
      }
    }
    return Optional.empty();
  }

  /**
   * Bound to its place, and not linear: bytes that end with their own CRC32C, whatever they are,
   * change nothing in the CRC32C of the page around them, so a verified device below could not tell
   * one state of an entry from another.
   */
  private static int check(MemorySegment buffer, long at, long address, long formatId) {
    int crc = crc(buffer, at, AT_CHECK);
    return (int) mix((long) crc << 32 ^ mix(address * 0x9e3779b97f4a7c15L ^ formatId));
  }

  private static int crc(MemorySegment bytes, long at, int length) {
    ByteBuffer view = bytes.asSlice(at, length).asByteBuffer();
    CRC32C crc = new CRC32C();
    crc.update(view);
    return (int) crc.getValue();
  }

  /** The finaliser of SplitMix64. */
  private static long mix(long value) {
    long z = (value ^ (value >>> 30)) * 0xbf58476d1ce4e5b9L;
    z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
    return z ^ (z >>> 31);
  }
}

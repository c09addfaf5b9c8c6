package io.bezoar.target;

import io.bezoar.media.ByteRange;
import io.bezoar.media.Units;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * Where a mirror keeps its notes on each leg, and their durable form. Content first, then the
 * notes: superblock and write-intent words at the front of the tail, their second copies in
 * reversed order at its end, unused pages between.
 *
 * <pre>
 * superblock, one page, little-endian:
 *  0 magic      8 version    12 own slot   16 own address   24 event        32 time, ms since 1970
 * 40 mirror    56 data bytes 64 region     72 crc32c        76 zero
 * 80 eight members of 32 bytes, by slot: uuid, last event on that leg, state (0: none), zero
 * </pre>
 *
 * <p>Write-intent words are eight bytes each: the bits of 32 regions, and a CRC32C over them, over
 * magic and version, over both uuids and over the word's own address. An aligned eight-byte store
 * is atomic, so a crash leaves each word as it was or as it was to be, never torn; a word that does
 * not check was damaged. Words need no generation: a bit that is set though it need not be costs a
 * comparison, nothing else, so the union of copies is always right.
 *
 * @param dataBytes size of the content, whole pages
 * @param regionBytes what one write-intent bit stands for, a power of two of pages
 * @param bitmapPages pages of one copy of the words
 * @param gapBytes unused bytes between the copies
 */
record MirrorLayout(long dataBytes, long regionBytes, int bitmapPages, long gapBytes) {
  static final int VERSION = 1;
  static final int SUPERBLOCK_BYTES = Units.PAGE_BYTES;
  static final int WORD_BYTES = Long.BYTES;
  static final int REGIONS_PER_WORD = Integer.SIZE;

  private static final int PAGE = Units.PAGE_BYTES;
  private static final long REGIONS_WANTED = 1 << 14;
  private static final long REGIONS_AT_LEAST = 64;
  private static final long REGION_BYTES_USUAL = 1 << 20;
  private static final long REGION_BYTES_MAX = 64 << 20;
  private static final long GAP_BYTES_MAX = 1 << 20;
  private static final long GAP_SHARE = 4096;

  private static final long MAGIC = 0x524f5252494d5a42L; // "BZMIRROR"
  private static final long AT_MAGIC = 0;
  private static final long AT_VERSION = 8;
  private static final long AT_SLOT = 12;
  private static final long AT_ADDRESS = 16;
  private static final long AT_EVENT = 24;
  private static final long AT_TIME = 32;
  private static final long AT_MIRROR = 40;
  private static final long AT_DATA = 56;
  private static final long AT_REGION = 64;
  private static final long AT_CRC = 72;
  private static final long AT_MEMBERS = 80;
  private static final int MEMBER_BYTES = 32;
  private static final int MEMBER_EVENT = 16;
  private static final int MEMBER_STATE = 24;

  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /**
   * What a superblock says.
   *
   * @param slot where the leg it was found on stands
   * @param table the mirror, as that leg knows it
   * @param dataBytes size of the content
   */
  record Superblock(int slot, MirrorTable table, long dataBytes) {}

  /** The layout of legs with {@code dataBytes} of content. */
  static MirrorLayout of(long dataBytes) {
    if (dataBytes <= 0 || dataBytes % PAGE != 0) {
      throw new IllegalArgumentException("not a positive number of whole pages: " + dataBytes);
    }
    long region =
        Math.clamp(powerOfTwo(dataBytes / REGIONS_WANTED), REGION_BYTES_USUAL, REGION_BYTES_MAX);
    // A small device still has some regions, so that a resync is not all of it.
    region = Math.min(region, Math.max(PAGE, powerOfTwo(dataBytes / REGIONS_AT_LEAST)));
    long words = Math.ceilDiv(Math.ceilDiv(dataBytes, region), (long) REGIONS_PER_WORD);
    int bitmapPages = Math.toIntExact(Math.ceilDiv(words * WORD_BYTES, (long) PAGE));
    long gap = Math.min(GAP_BYTES_MAX, dataBytes / GAP_SHARE / PAGE * PAGE);
    return new MirrorLayout(dataBytes, region, bitmapPages, gap);
  }

  /** Largest power of two that is not above {@code value}; 1 for none. */
  private static long powerOfTwo(long value) {
    return Math.max(1, Long.highestOneBit(value));
  }

  /** Bytes of notes behind {@code dataBytes} of content. */
  static long metaBytes(long dataBytes) {
    return of(dataBytes).metaBytes();
  }

  long metaBytes() {
    return 2L * PAGE * (1 + bitmapPages) + gapBytes;
  }

  /** Bytes that a leg must have at least. */
  long legBytes() {
    return dataBytes + metaBytes();
  }

  ByteRange data() {
    return new ByteRange(0, dataBytes);
  }

  int regions() {
    return Math.toIntExact(Math.ceilDiv(dataBytes, regionBytes));
  }

  int words() {
    return Math.ceilDiv(regions(), REGIONS_PER_WORD);
  }

  int regionOf(long offset) {
    return (int) (offset / regionBytes);
  }

  /** The bytes of a region; the last one may be short. */
  ByteRange region(int index) {
    long start = index * regionBytes;
    return new ByteRange(start, Math.min(dataBytes, start + regionBytes));
  }

  /** Where a copy (0 or 1) of the superblock stands on a leg. */
  long superblockAt(int copy) {
    return copy == 0 ? dataBytes : legBytes() - PAGE;
  }

  /** Where a copy (0 or 1) of the words begins on a leg. */
  long wordsAt(int copy) {
    long back = (long) PAGE * (1 + bitmapPages);
    return copy == 0 ? dataBytes + PAGE : legBytes() - back;
  }

  /** The bytes of both superblocks and of both copies of the words. */
  List<ByteRange> notes() {
    List<ByteRange> notes = new ArrayList<>();
    for (int copy = 0; copy < 2; copy++) {
      notes.add(ByteRange.ofLength(superblockAt(copy), PAGE));
      notes.add(ByteRange.ofLength(wordsAt(copy), (long) bitmapPages * PAGE));
    }
    return notes;
  }

  void encodeSuperblock(MemorySegment page, int copy, int slot, MirrorTable table) {
    page.fill((byte) 0);
    page.set(LONG, AT_MAGIC, MAGIC);
    page.set(INT, AT_VERSION, VERSION);
    page.set(INT, AT_SLOT, slot);
    page.set(LONG, AT_ADDRESS, superblockAt(copy));
    page.set(LONG, AT_EVENT, table.event());
    page.set(LONG, AT_TIME, table.atMillis());
    putUuid(page, AT_MIRROR, table.mirror());
    page.set(LONG, AT_DATA, dataBytes);
    page.set(LONG, AT_REGION, regionBytes);
    for (int s = 0; s < MirrorTable.SLOTS; s++) {
      MirrorTable.Member member = table.member(s);
      if (member != null) {
        long at = AT_MEMBERS + (long) s * MEMBER_BYTES;
        putUuid(page, at, member.uuid());
        page.set(LONG, at + MEMBER_EVENT, member.lastEvent());
        page.set(INT, at + MEMBER_STATE, member.state().code());
      }
    }
    page.set(INT, AT_CRC, crc(page));
  }

  /** The superblock; empty when there is none, intact, of this version, at {@code address}. */
  static Optional<Superblock> decodeSuperblock(MemorySegment page, long address) {
    if (page.get(LONG, AT_MAGIC) != MAGIC
        || page.get(INT, AT_VERSION) != VERSION
        || page.get(LONG, AT_ADDRESS) != address
        || page.get(INT, AT_CRC) != crc(page)) {
      return Optional.empty();
    }
    int slot = page.get(INT, AT_SLOT);
    long dataBytes = page.get(LONG, AT_DATA);
    try {
      List<MirrorTable.@Nullable Member> members = new ArrayList<>();
      for (int s = 0; s < MirrorTable.SLOTS; s++) {
        members.add(decodeMember(page, AT_MEMBERS + (long) s * MEMBER_BYTES));
      }
      MirrorTable table =
          new MirrorTable(
              uuid(page, AT_MIRROR), page.get(LONG, AT_EVENT), page.get(LONG, AT_TIME), members);
      boolean sound =
          slot >= 0
              && slot < MirrorTable.SLOTS
              && table.member(slot) != null
              && of(dataBytes).regionBytes() == page.get(LONG, AT_REGION);
      return sound ? Optional.of(new Superblock(slot, table, dataBytes)) : Optional.empty();
    } catch (IllegalArgumentException | ArithmeticException notOne) {
      return Optional.empty();
    }
  }

  private static MirrorTable.@Nullable Member decodeMember(MemorySegment page, long at) {
    int code = page.get(INT, at + MEMBER_STATE);
    return code == 0
        ? null
        : new MirrorTable.Member(
            uuid(page, at), MirrorTable.State.ofCode(code), page.get(LONG, at + MEMBER_EVENT));
  }

  /** The word for the bits of regions {@code [32 * index, 32 * index + 32)}. */
  long encodeWord(UUID mirror, UUID leg, int copy, int index, int bits) {
    return (long) wordCrc(mirror, leg, copy, index, bits) << Integer.SIZE
        | Integer.toUnsignedLong(bits);
  }

  /** True when {@link #wordBits} of a word are those that were stored there. */
  boolean checksWord(UUID mirror, UUID leg, int copy, int index, long word) {
    int crc = (int) (word >>> Integer.SIZE);
    return crc == wordCrc(mirror, leg, copy, index, wordBits(word));
  }

  static int wordBits(long word) {
    return (int) word;
  }

  private int wordCrc(UUID mirror, UUID leg, int copy, int index, int bits) {
    ByteBuffer key = ByteBuffer.allocate(7 * Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    key.putLong(MAGIC).putInt(VERSION).putInt(bits);
    key.putLong(mirror.getMostSignificantBits()).putLong(mirror.getLeastSignificantBits());
    key.putLong(leg.getMostSignificantBits()).putLong(leg.getLeastSignificantBits());
    key.putLong(wordsAt(copy) + (long) index * WORD_BYTES);
    CRC32C crc = new CRC32C();
    crc.update(key.flip());
    return (int) crc.getValue();
  }

  static void putWord(MemorySegment segment, long at, long word) {
    segment.set(LONG, at, word);
  }

  static long getWord(MemorySegment segment, long at) {
    return segment.get(LONG, at);
  }

  private static void putUuid(MemorySegment page, long at, UUID uuid) {
    page.set(LONG, at, uuid.getMostSignificantBits());
    page.set(LONG, at + Long.BYTES, uuid.getLeastSignificantBits());
  }

  private static UUID uuid(MemorySegment page, long at) {
    return new UUID(page.get(LONG, at), page.get(LONG, at + Long.BYTES));
  }

  /** Over everything but the checksum itself. */
  private static int crc(MemorySegment page) {
    CRC32C crc = new CRC32C();
    crc.update(page.asSlice(0, AT_CRC).asByteBuffer());
    long rest = AT_CRC + Integer.BYTES;
    crc.update(page.asSlice(rest, PAGE - rest).asByteBuffer());
    return (int) crc.getValue();
  }
}

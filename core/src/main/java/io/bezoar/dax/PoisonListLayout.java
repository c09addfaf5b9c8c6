package io.bezoar.dax;

import static io.bezoar.media.Units.PAGE_BYTES;

import io.bezoar.media.ByteRange;
import io.bezoar.media.Cause;
import io.bezoar.media.Units;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.zip.CRC32C;

/**
 * The durable form of a poison list. A copy is a run of pages: a header, then pages of entries.
 * Every page carries magic, version, what it is, its own address on the media, the generation that
 * wrote it, and a CRC32C of all of it. The header also holds a digest of all pages of its copy, so
 * that a copy of which only some pages were written is known as such.
 *
 * <pre>
 *  0 magic        8 version     12 kind    16 address   24 generation
 * 32 index       36 entries     40 digest  48 sequence  56 crc32c   60 zero
 * 64 entries, five words each: start | suspect bit | cause, end, first seen | count, last seen,
 *    sequence
 * </pre>
 *
 * All little-endian; index and entries of entry pages, digest and sequence of headers, else zero.
 */
final class PoisonListLayout {
  static final int VERSION = 1;
  static final int ENTRIES_PER_PAGE = 100;
  static final int WORDS_PER_ENTRY = 5;

  private static final long MAGIC = 0x4e4f53494f505a42L; // "BZPOISON"
  private static final int KIND_HEADER = 1;
  private static final int KIND_ENTRIES = 2;

  private static final long AT_MAGIC = 0;
  private static final long AT_VERSION = 8;
  private static final long AT_KIND = 12;
  private static final long AT_ADDRESS = 16;
  private static final long AT_GENERATION = 24;
  private static final long AT_INDEX = 32;
  private static final long AT_COUNT = 36;
  private static final long AT_DIGEST = 40;
  private static final long AT_SEQUENCE = 48;
  private static final long AT_CRC = 56;
  private static final long AT_ENTRIES = 64;

  private static final int MAX_COUNT = (1 << 20) - 1;
  private static final int COUNT_BITS = 20;
  private static final long LINE_MASK = Units.LINE_BYTES - 1;
  private static final long SUSPECT_BIT = 1 << 4;
  private static final long CAUSE_MASK = SUSPECT_BIT - 1;
  private static final long MAX_MILLIS = (1L << 44) - 1;

  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /** What a header says. */
  record Header(long generation, long digest, long sequence) {}

  /** What a page of entries says; {@code mark} is its part of the digest. */
  record EntryPage(long generation, List<PoisonEntry> entries, long mark) {}

  private PoisonListLayout() {}

  static void encodeHeader(MemorySegment page, long address, Header header) {
    start(page, KIND_HEADER, address, header.generation());
    page.set(LONG, AT_DIGEST, header.digest());
    page.set(LONG, AT_SEQUENCE, header.sequence());
    page.set(INT, AT_CRC, crc(page));
  }

  /** Returns the page's part of the digest. */
  static long encodeEntries(
      MemorySegment page, long address, int index, long generation, List<PoisonEntry> entries) {
    start(page, KIND_ENTRIES, address, generation);
    page.set(INT, AT_INDEX, index);
    page.set(INT, AT_COUNT, entries.size());
    long[] words = new long[WORDS_PER_ENTRY];
    long at = AT_ENTRIES;
    for (PoisonEntry entry : entries) {
      pack(entry, words, 0);
      for (long word : words) {
        page.set(LONG, at, word);
        at += Long.BYTES;
      }
    }
    int crc = crc(page);
    page.set(INT, AT_CRC, crc);
    return mark(index, crc);
  }

  /** The header; empty when this is not one, intact, of this version, at this address. */
  static Optional<Header> decodeHeader(MemorySegment page, long address) {
    return isIntact(page, KIND_HEADER, address) && page.get(INT, AT_VERSION) == VERSION
        ? Optional.of(
            new Header(
                page.get(LONG, AT_GENERATION),
                page.get(LONG, AT_DIGEST),
                page.get(LONG, AT_SEQUENCE)))
        : Optional.empty();
  }

  /** The entries; empty when this is not page {@code index}, intact, at this address. */
  static Optional<EntryPage> decodeEntries(MemorySegment page, long address, int index) {
    int count = page.get(INT, AT_COUNT);
    boolean sound =
        isIntact(page, KIND_ENTRIES, address)
            && page.get(INT, AT_VERSION) == VERSION
            && page.get(INT, AT_INDEX) == index
            && count >= 0
            && count <= ENTRIES_PER_PAGE;
    if (!sound) {
      return Optional.empty();
    }
    long[] words = new long[count * WORDS_PER_ENTRY];
    MemorySegment.copy(page, LONG, AT_ENTRIES, words, 0, words.length);
    List<PoisonEntry> entries = new ArrayList<>(count);
    try {
      for (int i = 0; i < count; i++) {
        entries.add(unpack(words, i * WORDS_PER_ENTRY));
      }
    } catch (IllegalArgumentException notAnEntry) {
      return Optional.empty();
    }
    long mark = mark(index, page.get(INT, AT_CRC));
    return Optional.of(new EntryPage(page.get(LONG, AT_GENERATION), entries, mark));
  }

  /** True for an intact header that a newer version wrote. */
  static boolean isNewer(MemorySegment page, long address) {
    return isIntact(page, KIND_HEADER, address) && page.get(INT, AT_VERSION) > VERSION;
  }

  /** Five words for one entry; start and end leave room for cause and confidence. */
  static void pack(PoisonEntry entry, long[] words, int at) {
    boolean suspect = entry.confidence() == Confidence.SUSPECT;
    long firstSeen = Math.clamp(entry.firstSeenMillis(), 0, MAX_MILLIS);
    words[at] = entry.range().start() | (suspect ? SUSPECT_BIT : 0) | entry.cause().code();
    words[at + 1] = entry.range().end();
    words[at + 2] = firstSeen << COUNT_BITS | Math.min(MAX_COUNT, entry.count());
    words[at + 3] = Math.clamp(entry.lastSeenMillis(), 0, MAX_MILLIS);
    words[at + 4] = entry.sequence();
  }

  /**
   * The entry packed at {@code at}.
   *
   * @throws IllegalArgumentException when the words are not an entry
   */
  static PoisonEntry unpack(long[] words, int at) {
    ByteRange range = new ByteRange(packedStart(words[at]), words[at + 1]);
    if (range.isEmpty() || (range.end() & LINE_MASK) != 0) {
      throw new IllegalArgumentException("not a range of lines: " + range);
    }
    return new PoisonEntry(
        range,
        Cause.ofCode((int) (words[at] & CAUSE_MASK)),
        packedIsExact(words[at]) ? Confidence.EXACT : Confidence.SUSPECT,
        words[at + 2] >>> COUNT_BITS,
        words[at + 3],
        words[at + 2] & MAX_COUNT,
        words[at + 4]);
  }

  static long packedStart(long firstWord) {
    return firstWord & ~LINE_MASK;
  }

  static boolean packedIsExact(long firstWord) {
    return (firstWord & SUSPECT_BIT) == 0;
  }

  private static void start(MemorySegment page, int kind, long address, long generation) {
    page.fill((byte) 0);
    page.set(LONG, AT_MAGIC, MAGIC);
    page.set(INT, AT_VERSION, VERSION);
    page.set(INT, AT_KIND, kind);
    page.set(LONG, AT_ADDRESS, address);
    page.set(LONG, AT_GENERATION, generation);
  }

  private static boolean isIntact(MemorySegment page, int kind, long address) {
    return page.get(LONG, AT_MAGIC) == MAGIC
        && page.get(INT, AT_KIND) == kind
        && page.get(LONG, AT_ADDRESS) == address
        && page.get(INT, AT_CRC) == crc(page);
  }

  /** Over everything but the checksum itself. */
  private static int crc(MemorySegment page) {
    CRC32C crc = new CRC32C();
    crc.update(page.asSlice(0, AT_CRC).asByteBuffer());
    long rest = AT_CRC + Integer.BYTES;
    crc.update(page.asSlice(rest, PAGE_BYTES - rest).asByteBuffer());
    return (int) crc.getValue();
  }

  /** Sums of marks tell sets of pages apart (the finaliser of SplitMix64). */
  private static long mark(int index, int crc) {
    long z = (long) index << 32 | Integer.toUnsignedLong(crc);
    z = (z ^ (z >>> 30)) * 0xbf58476d1ce4e5b9L;
    z = (z ^ (z >>> 27)) * 0x94d049bb133111ebL;
    return z ^ (z >>> 31);
  }
}

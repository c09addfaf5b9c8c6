package io.bezoar.target;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import io.bezoar.media.Units;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.zip.CRC32C;

/**
 * One page of the checksum table, little-endian:
 *
 * <pre>
 *   0  magic "BZRSUMS1"   8
 *   8  child offset of this page   8
 *  16  generation, counts write-outs of the page   8
 *  24  CRC32C of the page with this field zero   4
 *  28  flags: 1 = doubtful, rebuilt from raw copies that did not verify   4
 *  32  zero   32
 *  64  lost bits, one per entry, lowest bit first   128
 * 192  entries: CRC32C of the page XOR that of a page of zeroes   976 x 4
 * </pre>
 *
 * An all-zero page is a valid table page of generation 0: it describes pages of zeroes, so that
 * zeroed media verifies without having been formatted.
 */
final class ChecksumLayout {
  static final int ENTRIES_PER_PAGE = 976;

  /** CRC32C of 4096 zero bytes. */
  static final int ZERO_PAGE_CRC = 0x98f94189;

  private static final long MAGIC = 0x31534d555352_5a42L;
  private static final ValueLayout.OfLong LONG =
      JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfInt INT =
      JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final int ADDRESS = 8;
  private static final int GENERATION = 16;
  private static final int CHECK = 24;
  private static final int FLAGS = 28;
  private static final int FLAG_DOUBTFUL = 1;
  private static final int LOST_BITS = 64;
  private static final int ENTRIES = 192;

  private ChecksumLayout() {}

  static int entry(MemorySegment page, int index) {
    return page.get(INT, ENTRIES + 4L * index);
  }

  /** Sets an entry; returns the index of the 64-byte line that changed. */
  static int setEntry(MemorySegment page, int index, int value) {
    page.set(INT, ENTRIES + 4L * index, value);
    return (ENTRIES + 4 * index) / Units.LINE_BYTES;
  }

  static boolean lost(MemorySegment page, int index) {
    long at = (long) LOST_BITS + (index >> 3);
    return (page.get(ValueLayout.JAVA_BYTE, at) >> (index & 7) & 1) != 0;
  }

  /** Sets or clears a lost bit; returns the index of the 64-byte line that changed. */
  static int setLost(MemorySegment page, int index, boolean lost) {
    long at = (long) LOST_BITS + (index >> 3);
    int bit = 1 << (index & 7);
    int old = page.get(ValueLayout.JAVA_BYTE, at);
    page.set(ValueLayout.JAVA_BYTE, at, (byte) (lost ? old | bit : old & ~bit));
    return (int) (at / Units.LINE_BYTES);
  }

  static long generation(MemorySegment page) {
    return page.get(LONG, GENERATION);
  }

  static boolean doubtful(MemorySegment page) {
    return (page.get(INT, FLAGS) & FLAG_DOUBTFUL) != 0;
  }

  static void setDoubtful(MemorySegment page, boolean doubtful) {
    page.set(INT, FLAGS, doubtful ? FLAG_DOUBTFUL : 0);
  }

  /** Writes the header for the page as it is now. */
  static void seal(MemorySegment page, long address, long generation) {
    page.set(LONG, 0, MAGIC);
    page.set(LONG, ADDRESS, address);
    page.set(LONG, GENERATION, generation);
    page.set(INT, CHECK, 0);
    page.set(INT, CHECK, crc(page));
  }

  /** True when the page is what was sealed for {@code address}. */
  static boolean sealed(MemorySegment page, long address) {
    if (page.get(LONG, 0) != MAGIC || page.get(LONG, ADDRESS) != address) {
      return false;
    }
    int check = page.get(INT, CHECK);
    page.set(INT, CHECK, 0);
    int actual = crc(page);
    page.set(INT, CHECK, check);
    return check == actual;
  }

  /** True when every byte is zero: a page that was never written. */
  static boolean isZero(MemorySegment page) {
    return page.get(LONG, 0) == 0 && crc(page) == ZERO_PAGE_CRC;
  }

  /** True when the header is that of the page at {@code address}, or has never been written. */
  static boolean plausible(MemorySegment page, long address) {
    long magic = page.get(LONG, 0);
    long found = page.get(LONG, ADDRESS);
    return (magic == MAGIC && found == address) || (magic == 0 && found == 0);
  }

  /** Clears the lost bits that {@code other} does not have. */
  static void keepCommonLostBits(MemorySegment page, MemorySegment other) {
    for (long at = LOST_BITS; at < ENTRIES; at += Long.BYTES) {
      page.set(LONG, at, page.get(LONG, at) & other.get(LONG, at));
    }
  }

  private static int crc(MemorySegment page) {
    CRC32C crc = new CRC32C();
    crc.update(page.asByteBuffer());
    return (int) crc.getValue();
  }
}

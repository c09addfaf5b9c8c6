package io.bezoar.target;

import io.bezoar.media.ByteRange;
import io.bezoar.media.Units;

/**
 * Where everything of a write cache lies on its fast device: superblock, table, blocks, second
 * table, second superblock. The copies are as far apart as the device allows.
 *
 * @param originBytes size of the address space that is cached, whole pages
 * @param fastBytes size of the fast device
 * @param blocks number of page-sized cache blocks, each with one entry in each table
 */
record WriteCacheGeometry(long originBytes, long fastBytes, int blocks) {
  private static final int PAGE = Units.PAGE_BYTES;

  /** Copies of superblock and table. */
  static final int COPIES = 2;

  /** The most blocks that fit on a fast device of {@code fastBytes}. */
  static WriteCacheGeometry plan(long fastBytes, long originBytes) {
    if (originBytes <= 0 || originBytes % PAGE != 0) {
      throw new IllegalArgumentException("origin of " + originBytes + " bytes: not whole pages");
    }
    long room = fastBytes / PAGE - COPIES;
    long perTablePage = WriteCacheLayout.ENTRIES_PER_PAGE;
    long blocks = Math.min(room * perTablePage / (perTablePage + COPIES), Integer.MAX_VALUE - 8L);
    while (blocks > 0 && blocks + COPIES * Math.ceilDiv(blocks, perTablePage) > room) {
      blocks--;
    }
    if (blocks <= 0) {
      throw new IllegalArgumentException(
          "a fast device of " + fastBytes + " bytes has no room for a block: use a larger one");
    }
    return new WriteCacheGeometry(originBytes, fastBytes, (int) blocks);
  }

  int tablePages() {
    return Math.ceilDiv(blocks, WriteCacheLayout.ENTRIES_PER_PAGE);
  }

  private long tableBytes() {
    return (long) tablePages() * PAGE;
  }

  ByteRange superblock(int copy) {
    return copy == 0
        ? ByteRange.ofLength(0, PAGE)
        : ByteRange.ofLength(fastBytes / PAGE * PAGE - PAGE, PAGE);
  }

  ByteRange table(int copy) {
    return copy == 0
        ? ByteRange.ofLength(PAGE, tableBytes())
        : ByteRange.ofLength(superblock(1).start() - tableBytes(), tableBytes());
  }

  /** All blocks. */
  ByteRange data() {
    return ByteRange.ofLength(PAGE + tableBytes(), (long) blocks * PAGE);
  }

  long blockOffset(int block) {
    return data().start() + (long) block * PAGE;
  }

  ByteRange block(int block) {
    return ByteRange.ofLength(blockOffset(block), PAGE);
  }

  /** The block that holds {@code offset}, which lies in {@link #data}. */
  int blockAt(long offset) {
    return (int) ((offset - data().start()) / PAGE);
  }

  long entryOffset(int copy, int block) {
    return table(copy).start() + (long) block * WriteCacheLayout.ENTRY_BYTES;
  }

  long originPages() {
    return originBytes / PAGE;
  }

  /** The bytes of one page of the cached address space. */
  static ByteRange page(long page) {
    return ByteRange.ofLength(page * PAGE, PAGE);
  }
}

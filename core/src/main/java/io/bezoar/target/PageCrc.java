package io.bezoar.target;

import io.bezoar.media.Units;
import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/**
 * Checksums of pages in private memory, in the form in which the table stores them: that of zeroes
 * is zero, and so that of the XOR of pages is the XOR of theirs.
 */
final class PageCrc {
  private PageCrc() {}

  /** Table value of the page at {@code position} of a direct buffer. Moves the buffer's bounds. */
  static int of(ByteBuffer buffer, int position) {
    CRC32C crc = new CRC32C();
    buffer.limit(position + Units.PAGE_BYTES).position(position);
    crc.update(buffer);
    return (int) crc.getValue() ^ ChecksumLayout.ZERO_PAGE_CRC;
  }

  /** Table value of a whole one-page buffer. */
  static int of(java.lang.foreign.MemorySegment page) {
    return of(page.asByteBuffer(), 0);
  }
}

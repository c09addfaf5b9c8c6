package io.bezoar.guard.sidecar;

import io.bezoar.media.Units;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.zip.CRC32C;

/** CRC32C of whole pages in one private native buffer. Not thread-safe. */
final class PageChecksum {
  private final CRC32C crc = new CRC32C();
  private final ByteBuffer bytes;

  PageChecksum(MemorySegment buffer) {
    this.bytes = buffer.asByteBuffer();
  }

  /** Of the page at this offset of the buffer. */
  long of(int offset) {
    bytes.limit(offset + Units.PAGE_BYTES).position(offset);
    crc.reset();
    crc.update(bytes);
    return crc.getValue();
  }
}

package io.bezoar.guard.sidecar;

import static io.bezoar.media.Units.PAGE_BYTES;

import io.bezoar.media.Media;
import io.bezoar.media.MediaFaultException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;

/**
 * Pages of the protected file as they are now.
 *
 * @param media the file; what was cut off its end is unreadable
 * @param geometry says where it ends
 */
record PageSource(Media media, SidecarGeometry geometry) implements Sidecar.PageReader {

  @Override
  public boolean read(long page, MemorySegment dst) throws IOException {
    return readAll(page, 1, dst);
  }

  /**
   * Reads pages {@code [first, first + count)} at once, the end of the last one filled up with
   * zeroes; false when a page of them cannot be read.
   */
  boolean readAll(long first, int count, MemorySegment dst) throws IOException {
    long offset = first * PAGE_BYTES;
    long bytes = Math.min((long) count * PAGE_BYTES, geometry.fileSizeBytes() - offset);
    if (offset + bytes > media.sizeBytes()) {
      return false;
    }
    try {
      media.read(offset, dst.asSlice(0, bytes));
    } catch (MediaFaultException unreadable) {
      return false;
    }
    dst.asSlice(bytes, (long) count * PAGE_BYTES - bytes).fill((byte) 0);
    return true;
  }
}

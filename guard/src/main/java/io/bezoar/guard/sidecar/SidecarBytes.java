package io.bezoar.guard.sidecar;

import io.bezoar.media.Media;
import io.bezoar.media.MediaFaultException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;

/**
 * Reads a sidecar that may be damaged itself: what cannot be read, or is not there because its end
 * was cut off, is an answer here and no error.
 *
 * @param media the sidecar
 */
record SidecarBytes(Media media) {
  /** Fills {@code dst}; false when a byte of it cannot be had. */
  boolean read(long offset, MemorySegment dst) throws IOException {
    if (offset + dst.byteSize() > media.sizeBytes()) {
      return false;
    }
    try {
      media.read(offset, dst);
      return true;
    } catch (MediaFaultException damaged) {
      return false;
    }
  }

  long sizeBytes() {
    return media.sizeBytes();
  }
}

package io.bezoar.dax;

import io.bezoar.media.ByteRange;
import io.bezoar.media.Cause;
import io.bezoar.media.Media;
import io.bezoar.media.MediaFaultException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;

/**
 * Reads everything that a media can still read, and says what it cannot; past caches, since whoever
 * reads like this doubts what an ordinary read gave.
 */
final class TolerantReader {
  /** Told of the bytes of a read, from left to right, without gaps. */
  interface Sink {
    void good(ByteRange range);

    /**
     * These bytes could not be read.
     *
     * @param hole the part of the request
     * @param fault what the media named, in whole granules; reaches out of the hole
     */
    void bad(ByteRange hole, ByteRange fault, Cause cause) throws IOException;
  }

  private TolerantReader() {}

  /** Fills {@code dst} from {@code offset}; zeroes stand where the media cannot be read. */
  static void read(Media media, long offset, MemorySegment dst, Sink sink) throws IOException {
    long end = offset + dst.byteSize();
    for (long at = offset; at < end; ) {
      try {
        media.readPastCache(at, dst.asSlice(at - offset, end - at));
        sink.good(new ByteRange(at, end));
        return;
      } catch (MediaFaultException fault) {
        long holeStart = at + fault.goodPrefixBytes();
        long holeEnd = Math.min(end, Math.max(holeStart + 1, fault.range().end()));
        sink.good(new ByteRange(at, holeStart));
        dst.asSlice(holeStart - offset, holeEnd - holeStart).fill((byte) 0);
        sink.bad(new ByteRange(holeStart, holeEnd), fault.range(), fault.faultCause());
        at = holeEnd;
      }
    }
  }
}

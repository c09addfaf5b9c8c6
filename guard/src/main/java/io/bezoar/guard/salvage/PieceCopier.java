package io.bezoar.guard.salvage;

import io.bezoar.media.ByteRange;
import io.bezoar.media.Media;
import io.bezoar.media.MediaFaultException;
import io.bezoar.media.MediaUnavailableException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;

/**
 * Reads, stores and marks one piece. What was read is stored before it is marked; what was not read
 * is not touched in the destination.
 */
final class PieceCopier {
  /** What came of a piece. */
  sealed interface Outcome {}

  /** All of it was stored. */
  record Whole() implements Outcome {}

  /** What is before {@code bad} was stored; {@code bad} is bad; nobody knows of what is behind. */
  record Failed(ByteRange bad) implements Outcome {}

  /** The source is not there; nothing was stored or marked. */
  record Absent(MediaUnavailableException why) implements Outcome {}

  private final Media source;
  private final Reading reading;
  private final Media destination;
  private final RescueMap map;
  private final MemorySegment buffer;
  private final int granuleBytes;

  /** {@code buffer} is native memory for the largest piece. */
  PieceCopier(
      Media source, Reading reading, Media destination, RescueMap map, MemorySegment buffer) {
    this.source = source;
    this.reading = reading;
    this.destination = destination;
    this.map = map;
    this.buffer = buffer;
    this.granuleBytes = source.info().granuleBytes();
  }

  /**
   * Tries one piece, of which nothing is rescued yet.
   *
   * @throws IOException when the destination cannot store it, or the source fails in a way that is
   *     neither a bad place nor absence
   */
  Outcome copy(ByteRange piece) throws IOException {
    MemorySegment bytes = buffer.asSlice(0, piece.length());
    try {
      switch (reading) {
        case CACHED -> source.read(piece.start(), bytes);
        case DIRECT -> source.readPastCache(piece.start(), bytes);
      }
    } catch (MediaFaultException fault) {
      long good = Math.clamp(fault.goodPrefixBytes(), 0, piece.length() - 1);
      keep(ByteRange.ofLength(piece.start(), good), bytes);
      ByteRange bad = badRun(piece, piece.start() + good, fault.range());
      map.mark(bad, RescueStatus.BAD);
      return new Failed(bad);
    } catch (MediaUnavailableException gone) {
      return new Absent(gone);
    }
    keep(piece, bytes);
    return new Whole();
  }

  /** The bad run that begins at {@code from}: at least the granule there, at most what was read. */
  private ByteRange badRun(ByteRange piece, long from, ByteRange named) {
    long granuleEnd = (from / granuleBytes + 1) * granuleBytes;
    long runEnd = named.contains(from) ? Math.max(granuleEnd, named.end()) : granuleEnd;
    return new ByteRange(from, Math.min(piece.end(), runEnd));
  }

  private void keep(ByteRange range, MemorySegment bytes) throws IOException {
    if (!range.isEmpty()) {
      destination.write(range.start(), bytes.asSlice(0, range.length()));
      map.mark(range, RescueStatus.RESCUED);
    }
  }
}

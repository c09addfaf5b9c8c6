package io.bezoar.guard.salvage;

import io.bezoar.media.ByteRange;
import io.bezoar.media.Media;
import io.bezoar.media.MediaFaultException;
import io.bezoar.media.MediaUnavailableException;
import io.bezoar.media.Presence;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;

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
      read(piece.start(), bytes);
    } catch (MediaFaultException fault) {
      long good = Math.clamp(fault.goodPrefixBytes(), 0, piece.length() - 1);
      keep(ByteRange.ofLength(piece.start(), good), bytes);
      ByteRange bad = badRun(piece, piece.start() + good, fault.range());
      map.mark(bad, RescueStatus.BAD);
      return new Failed(bad);
    } catch (MediaUnavailableException gone) {
      return wronglyGone(gone, piece) ? granules(piece) : new Absent(gone);
    }
    keep(piece, bytes);
    return new Whole();
  }

  private void read(long offset, MemorySegment bytes) throws IOException {
    switch (reading) {
      case CACHED -> source.read(offset, bytes);
      case DIRECT -> source.readPastCache(offset, bytes);
    }
  }

  /**
   * Media takes a source for gone when a few far apart places do not answer; of one that is bad
   * nearly everywhere that is wrong, and what was rescued next to the piece still answers.
   */
  private boolean wronglyGone(MediaUnavailableException gone, ByteRange piece) throws IOException {
    if (gone.presence() != Presence.GONE) {
      return false;
    }
    Set<RescueStatus> known = EnumSet.of(RescueStatus.RESCUED);
    Optional<RescueBlock> before = map.lastBefore(piece.start(), known);
    Optional<RescueBlock> behind =
        map.firstFrom(piece.end(), known)
            .filter(block -> block.range().start() < source.sizeBytes());
    return (before.isPresent() && answersAt(before.get().range().end() - 1))
        || (behind.isPresent() && answersAt(behind.get().range().start()));
  }

  private boolean answersAt(long offset) throws IOException {
    ByteRange granule = granule(offset, source.sizeBytes());
    return givesPastCache(granule.start(), buffer.asSlice(0, granule.length()));
  }

  /** Whether the source itself, and not a cache of it, gives these bytes. */
  private boolean givesPastCache(long offset, MemorySegment bytes) throws IOException {
    try {
      source.readPastCache(offset, bytes);
      return true;
    } catch (MediaFaultException | MediaUnavailableException refused) {
      return false;
    }
  }

  /** The granule at {@code offset}, as far as it lies before {@code end}. */
  private ByteRange granule(long offset, long end) {
    long start = offset / granuleBytes * granuleBytes;
    return new ByteRange(start, Math.min(end, start + granuleBytes));
  }

  /** A piece of a source that is taken for gone, and is not: up to the first bad granule. */
  private Outcome granules(ByteRange piece) throws IOException {
    for (long at = piece.start(); at < piece.end(); ) {
      ByteRange part = new ByteRange(at, granule(at, piece.end()).end());
      MemorySegment bytes = buffer.asSlice(0, part.length());
      try {
        read(at, bytes);
      } catch (MediaFaultException bad) {
        map.mark(part, RescueStatus.BAD);
        return new Failed(part);
      } catch (MediaUnavailableException gone) {
        boolean given = givesPastCache(at, bytes);
        if (!given && !wronglyGone(gone, piece)) {
          return new Absent(gone);
        }
        if (!given) {
          map.mark(part, RescueStatus.BAD);
          return new Failed(part);
        }
      }
      keep(part, bytes);
      at = part.end();
    }
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

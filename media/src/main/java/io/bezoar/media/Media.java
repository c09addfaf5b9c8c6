package io.bezoar.media;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;

/**
 * Raw bytes of one file, device or simulation.
 *
 * <p>Media knows nothing of checksums, redundancy or history: it answers what can be read now. It
 * is the only code that touches mapped memory, and it never lets a fault out as anything but a
 * {@link MediaException}. An access that meets a fault first asks {@link #presence()}: bytes that
 * are absent (truncated, device gone) are reported as {@link MediaUnavailableException}, never as a
 * fault.
 *
 * <p>Offsets and lengths are in bytes; ranges are half-open; an access outside {@code [0, size)}
 * throws {@link IndexOutOfBoundsException} before anything happens. Buffers handed in must be
 * private <em>native</em> memory ({@code isNative() && !isMapped()}), never a window of media; heap
 * segments are refused with {@link IllegalArgumentException}.
 *
 * <p>Thread-safe. Concurrent accesses to overlapping ranges may see any mixture of 64-byte lines;
 * order is the caller's business. No method takes a lock that outlives a system call.
 */
public interface Media extends AutoCloseable {

  /** True for memory that may be handed to a media, or a device on it. */
  static boolean isPrivateNative(MemorySegment buffer) {
    return buffer.isNative() && !buffer.isMapped();
  }

  /**
   * Refuses buffers that are not private native memory.
   *
   * @throws IllegalArgumentException for one on the heap, or of a mapped file
   */
  static void requirePrivateNative(MemorySegment buffer) {
    if (!isPrivateNative(buffer)) {
      throw new IllegalArgumentException("a buffer must be private native memory, not " + buffer);
    }
  }

  /** What this media is. */
  MediaInfo info();

  /** Size in bytes at open. */
  default long sizeBytes() {
    return info().sizeBytes();
  }

  /**
   * Fills {@code dst} from {@code offset}.
   *
   * @throws MediaFaultException when a byte cannot be read; {@code dst} then holds exactly the good
   *     prefix that the exception names
   * @throws MediaUnavailableException when the media is gone or was truncated
   */
  void read(long offset, MemorySegment dst) throws IOException;

  /**
   * As {@link #read}, but not from a cache that could hold bytes which the media does not: past the
   * page cache where there is one.
   */
  void readPastCache(long offset, MemorySegment dst) throws IOException;

  /**
   * Stores {@code src} at {@code offset}. Not durable until the next successful {@link #persist}.
   *
   * @throws MediaFaultException when the bytes cannot be stored; part of {@code src} may have been
   * @throws MediaFullException when a sparse file finds no room
   * @throws PersistFailedException when a persist failed before: the media is read-only
   * @throws UnsupportedOperationException when the media was opened read-only
   * @throws MediaUnavailableException when the media is gone or was truncated
   */
  void write(long offset, MemorySegment src) throws IOException;

  /**
   * Makes everything written before this call durable, in the sense of {@link MediaInfo}.
   *
   * @throws PersistFailedException now and for ever after, once it has failed
   */
  void persist() throws IOException;

  /**
   * The unreadable ranges within {@code range}, ascending, disjoint, in whole granules, found
   * without touching them by a load. Where the platform has no cheap way this reads the range (by
   * system call); the answer is the same.
   *
   * @throws MediaUnavailableException when the media is gone or was truncated
   */
  List<ByteRange> probe(ByteRange range) throws IOException;

  /**
   * Clears what is wrong with the clear units that {@code src} covers and stores it there. Offset
   * and end are multiples of {@link MediaInfo#clearUnitBytes()}, or the end is that of the media.
   * Not durable until {@link #persist}, except on media opened with {@link Access#REPAIR}, where it
   * is durable at once. Harmless over healthy bytes.
   *
   * @throws MediaFaultException when the media cannot be cleared: the range stays bad
   * @throws PersistFailedException when a persist failed before: the media is read-only
   * @throws UnsupportedOperationException when the media was opened read-only
   * @throws MediaOpenException when it was opened to be repaired, and cannot be written now
   */
  void reinitialise(long offset, MemorySegment src) throws IOException;

  /**
   * What is to stand where.
   *
   * @param offset as in {@link #reinitialise}
   * @param content as in {@link #reinitialise}
   */
  record Piece(long offset, MemorySegment content) {}

  /**
   * As {@link #reinitialise} of each piece in turn; but where that is durable at once, all of them
   * become durable together, which for many small pieces on a disk is most of the time it takes.
   * When it throws, any of them may have been stored.
   */
  default void reinitialiseAll(List<Piece> pieces) throws IOException {
    for (Piece piece : pieces) {
      reinitialise(piece.offset(), piece.content());
    }
  }

  /**
   * A raw view of {@code range}, read-only, valid while the media is open; empty where this kind of
   * media has none. A load from it may raise {@link InternalError}, late: see the class comment of
   * the guarded copy before using it.
   */
  Optional<MemorySegment> window(ByteRange range) throws IOException;

  /**
   * A read-only mapping of all of this media, on which single pages can be taken from the readers
   * and given back. Ends with the media at the latest.
   *
   * @throws UnsupportedOperationException when this kind of media cannot be mapped
   * @throws MediaOpenException {@code NOT_MAPPABLE} when this JVM failed {@link GuardSelfTest}
   * @throws MediaUnavailableException when the media is gone or was truncated
   */
  Window map() throws IOException;

  /**
   * Size and modification time of the file that is open, whatever stands under its name by now. A
   * repair ({@link Access#REPAIR}) in this process or another has the time for as long as it takes:
   * this waits for it, about a second at most.
   *
   * @throws UnsupportedOperationException when this media is not a file
   * @throws MediaUnavailableException when the media is gone
   */
  MediaStamp stamp() throws IOException;

  /** Asks the platform whether the media is still the one that was opened. Never throws. */
  Presence presence();

  /**
   * The switchboard of deliberate faults on this media.
   *
   * @throws UnsupportedOperationException when the media was opened without drills
   */
  FaultInjector injector();

  /**
   * Releases everything. Does not persist. Idempotent; later accesses fail as {@code GONE}.
   *
   * <p>Safe while other threads are inside: a copy that is under way ends first, a system call that
   * is under way keeps the file (and its lock) until it returns. Windows become invalid: a load
   * from one throws {@link IllegalStateException}.
   */
  @Override
  void close() throws IOException;
}

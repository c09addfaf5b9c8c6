package io.bezoar.lucene;

import io.bezoar.guard.DamagedRangeException;
import io.bezoar.guard.Guard;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import org.apache.lucene.index.CorruptIndexException;
import org.apache.lucene.store.AlreadyClosedException;
import org.apache.lucene.store.IndexInput;
import org.jspecify.annotations.Nullable;

/**
 * A part of a guarded file, as one input sees it.
 *
 * @param guard the mapping of the whole file
 * @param description what errors call it
 * @param start where the part begins, in bytes from the start of the file
 * @param length its length in bytes
 * @param precision how inputs on it may read
 */
record FileView(Guard guard, String description, long start, long length, Precision precision) {

  /** How inputs on a file read. */
  enum Precision {
    /** As the attempt that they are made in says. */
    AS_ATTEMPTED,
    /**
     * Always exactly. For what is read once and kept, where a value that was never read would
     * outlive the attempt that is thrown away.
     */
    EXACT;

    private static final int EXTENSION_CHARS = 4;

    /**
     * By the name of a file, inside of a compound file or not: readers of stored fields and of term
     * vectors keep a decompressed block from one document to the next.
     */
    static Precision ofName(String name) {
      if (name.length() < EXTENSION_CHARS) {
        return AS_ATTEMPTED;
      }
      return switch (name.substring(name.length() - EXTENSION_CHARS)) {
        case ".fdt", ".fdx", ".tvd", ".tvx" -> EXACT;
        default -> AS_ATTEMPTED;
      };
    }
  }

  FileView slice(String name, long offset, long sliceLength, Precision wanted) {
    if ((offset | sliceLength) < 0 || sliceLength > length - offset) {
      throw new IllegalArgumentException(
          "slice "
              + name
              + " ["
              + offset
              + ", "
              + (offset + sliceLength)
              + ") is outside of [0, "
              + length
              + "): "
              + description);
    }
    Precision sliced = precision == Precision.EXACT ? precision : wanted;
    String described = description + " [slice=" + name + "]";
    return new FileView(guard, described, start + offset, sliceLength, sliced);
  }

  /** The input by which a file was opened. */
  IndexInput opened(OpenFiles.Lease lease) {
    return input(lease, 0);
  }

  /** A clone, or a slice at 0: it has no share in the mapping of its own. */
  IndexInput input(long position) {
    return input(null, position);
  }

  private IndexInput input(OpenFiles.@Nullable Lease lease, long position) {
    return precision == Precision.EXACT || Attempt.isExact()
        ? new ExactIndexInput(this, lease, position)
        : new DirectIndexInput(this, lease, position);
  }

  /** The part itself, mapped: to be loaded from as {@link DirectIndexInput} says. */
  MemorySegment segment() {
    return guard.segment().asSlice(start, length);
  }

  /**
   * Fills {@code dst}; heals on the way what is bad.
   *
   * @throws CorruptIndexException when bytes among them are lost; it names the file and the range
   * @throws IOException when the file cannot be read for another reason
   */
  void copy(long position, byte[] dst, int from, int count) throws IOException {
    try {
      guard.copy(start + position, dst, from, count);
    } catch (DamagedRangeException e) {
      throw Losses.named(guard, e, description);
    } catch (IllegalStateException e) {
      throw new AlreadyClosedException("closed: " + description, e);
    }
  }
}

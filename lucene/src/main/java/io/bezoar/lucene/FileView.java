package io.bezoar.lucene;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.bezoar.guard.DamagedRangeException;
import io.bezoar.guard.Guard;
import io.bezoar.media.ByteRange;
import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import org.apache.lucene.index.CorruptIndexException;
import org.apache.lucene.store.AlreadyClosedException;
import org.apache.lucene.store.IOContext;
import org.apache.lucene.store.IndexInput;
import org.apache.lucene.store.ReadOnceHint;
import org.jspecify.annotations.Nullable;

/**
 * A part of a guarded file, as one input sees it.
 *
 * @param guard the mapping of the whole file
 * @param readAhead of the whole file
 * @param description what errors call it
 * @param start where the part begins, in bytes from the start of the file
 * @param length its length in bytes
 * @param precision how inputs on it may read
 */
record FileView(
    Guard guard,
    ReadAhead readAhead,
    String description,
    long start,
    long length,
    Precision precision) {

  /** How inputs on a file may read. */
  enum Precision {
    /** As the attempt says that they are made in. */
    AS_ATTEMPTED,
    /** By guarded copies: nothing that was never read may be kept longer than an attempt. */
    KEPT,
    /** By guarded copies, and checked, for the little that a reader loads when it is opened. */
    CHECKED;

    private static final int EXTENSION_CHARS = 4;

    /** Of a file, inside of a compound file or not. */
    static Precision of(String name, IOContext context) {
      return context.hints().contains(ReadOnceHint.INSTANCE) ? CHECKED : of(name);
    }

    /**
     * By the name: readers of stored fields and of term vectors keep a decompressed block from one
     * document to the next.
     */
    static Precision of(String name) {
      if (name.length() < EXTENSION_CHARS) {
        return AS_ATTEMPTED;
      }
      return switch (name.substring(name.length() - EXTENSION_CHARS)) {
        case ".fdt", ".fdx", ".tvd", ".tvx" -> KEPT;
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
    Precision sliced = precision.compareTo(wanted) > 0 ? precision : wanted;
    String described = description + " [slice=" + name + "]";
    return new FileView(guard, readAhead, described, start + offset, sliceLength, sliced);
  }

  /**
   * The input by which a file is opened, or one inside of a compound file. A reader takes headers
   * and footers from it while it is opened, and from then on makes clones and slices: so it reads
   * by copies, and they need not.
   */
  IndexInput opened(OpenFiles.@Nullable Lease lease) {
    return precision == Precision.CHECKED || Attempt.isExact()
        ? new CopiedIndexInput(this, this::copyChecked, lease, 0)
        : new CopiedIndexInput(this, this::copyGuarded, lease, 0);
  }

  /** A clone, or a slice at 0. */
  IndexInput input(long position) {
    if (precision == Precision.CHECKED || Attempt.isExact()) {
      return new CopiedIndexInput(this, this::copyChecked, null, position);
    }
    return precision == Precision.KEPT
        ? new CopiedIndexInput(this, this::copyGuarded, null, position)
        : new DirectIndexInput(this, position);
  }

  /** The part itself, mapped: to be loaded from as {@link DirectIndexInput} says. */
  MemorySegment segment() {
    return guard.segment().asSlice(start, length);
  }

  /** A request to read a part of the view ahead. */
  void prefetch(long offset, long count) throws EOFException {
    if (offset < 0 || count > length - offset) {
      throw new EOFException(
          "prefetch past the end, at " + offset + " of " + length + ": " + description);
    }
    try {
      readAhead.hint(guard, ByteRange.ofLength(start + offset, count));
    } catch (IllegalStateException e) {
      throw new AlreadyClosedException("closed: " + description, e);
    }
  }

  /** Fills an array from a position of the view. */
  interface Copy {
    /**
     * Copies.
     *
     * @throws CorruptIndexException when bytes among them are lost; it names the file and the range
     * @throws IOException when the file cannot be read for another reason
     */
    void copy(long position, byte[] dst, int from, int count) throws IOException;
  }

  /** By the guard's own copy, which compares with the sidecar, if there is one. */
  private void copyChecked(long position, byte[] dst, int from, int count) throws IOException {
    // An error that is on its way belongs to a load before: it must not be taken for ours.
    Guard.barrier();
    copyByGuard(position, dst, from, count);
  }

  /** As it was checked when the file was opened, if it was: only bad pages go to the guard. */
  private void copyGuarded(long position, byte[] dst, int from, int count) throws IOException {
    Guard.barrier(); // as above
    try {
      MemorySegment.copy(guard.segment(), JAVA_BYTE, start + position, dst, from, count);
      Guard.barrier();
    } catch (InternalError e) {
      if (!Faults.isOfBadPage(e)) {
        throw e;
      }
      copyByGuard(position, dst, from, count);
    } catch (IllegalStateException e) {
      throw new AlreadyClosedException("closed: " + description, e);
    }
  }

  private void copyByGuard(long position, byte[] dst, int from, int count) throws IOException {
    try {
      guard.copy(start + position, dst, from, count);
    } catch (DamagedRangeException e) {
      throw Losses.named(guard, e, description);
    } catch (IllegalStateException e) {
      throw new AlreadyClosedException("closed: " + description, e);
    }
  }
}

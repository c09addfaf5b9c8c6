package io.bezoar.lucene;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.bezoar.guard.Guard;
import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Optional;
import org.apache.lucene.store.AlreadyClosedException;
import org.apache.lucene.store.IOContext;
import org.apache.lucene.store.IndexInput;
import org.apache.lucene.store.RandomAccessInput;
import org.jspecify.annotations.Nullable;

/**
 * Reads a guarded file by plain loads from its mapping: what Lucene's own MMapDirectory does, at
 * the same price.
 *
 * <p><b>Invariant.</b> A load costs nothing over a plain one. In return it promises nothing: a load
 * from a bad page raises {@link InternalError}, late, when its invented value may long have been
 * used. Whoever reads therefore reads within an {@link Attempt}, whose result is dropped then.
 *
 * <p><b>Why no read catches the error.</b> It may be that of an earlier read, delivered in a later
 * one: to repeat the later one and go on would let the invented value of the earlier one live.
 *
 * <p><b>Garbage in between.</b> What runs on an invented value before the error arrives is short,
 * and bounded: loops that are not counted poll, and counted ones end. An invented length could
 * still be allocated before, and an out-of-memory error may be a process's end by its own choice;
 * so numbers of variable length, which is how lengths are written, wait for an error that is on its
 * way when they are too large to be likely.
 *
 * <p>A load that faulted leaves in its register whatever was there before, all 64 bits of it, and
 * C2 takes it for a byte: it drops the check of an index into a table of 256, and what comes out is
 * not garbage but the end of the JVM. So a number that is narrower than its register goes through
 * an operation that cuts it to its width, and that the compiler cannot drop.
 *
 * <p><b>Not a {@code MemorySegmentAccessInput}, on purpose.</b> Through that interface Lucene runs
 * Vector API loads on mapped memory, and a bad page under one of those ends the JVM where C2
 * compiled it. Without it Lucene copies first, as {@link #readInts} and {@link #readFloats} do.
 *
 * <p>Always a clone or a slice, so that no mapping hangs on it.
 *
 * <p>As any input: not thread-safe, except for the positional reads of {@link RandomAccessInput}.
 */
final class DirectIndexInput extends IndexInput implements RandomAccessInput {
  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /** Bits that a likely length does not have; negative numbers have one. */
  private static final int UNLIKELY_INT = 0xff00_0000;

  /** Always 0, but not final, so that no compiler knows. */
  private static int noBits;

  private final FileView view;
  private final long length;
  private boolean closed;

  /** The view's part of the mapping; nothing of it once this input is closed. */
  private MemorySegment segment;

  private long position;

  DirectIndexInput(FileView view, long position) {
    super(view.description());
    this.view = view;
    this.length = view.length();
    this.segment = view.segment();
    this.position = position;
  }

  @Override
  public byte readByte() throws IOException {
    try {
      byte value = (byte) (segment.get(JAVA_BYTE, position) ^ noBits);
      position++;
      return value;
    } catch (IndexOutOfBoundsException e) {
      throw outside("read", position, e);
    } catch (IllegalStateException e) {
      throw closedUnder(e);
    }
  }

  @Override
  public short readShort() throws IOException {
    try {
      short value = (short) (segment.get(SHORT, position) ^ noBits);
      position += Short.BYTES;
      return value;
    } catch (IndexOutOfBoundsException e) {
      throw outside("read", position, e);
    } catch (IllegalStateException e) {
      throw closedUnder(e);
    }
  }

  @Override
  public int readInt() throws IOException {
    try {
      int value = segment.get(INT, position) ^ noBits;
      position += Integer.BYTES;
      return value;
    } catch (IndexOutOfBoundsException e) {
      throw outside("read", position, e);
    } catch (IllegalStateException e) {
      throw closedUnder(e);
    }
  }

  @Override
  public long readLong() throws IOException {
    try {
      long value = segment.get(LONG, position);
      position += Long.BYTES;
      return value;
    } catch (IndexOutOfBoundsException e) {
      throw outside("read", position, e);
    } catch (IllegalStateException e) {
      throw closedUnder(e);
    }
  }

  @Override
  public int readVInt() throws IOException {
    int value = super.readVInt();
    if ((value & UNLIKELY_INT) != 0) {
      Guard.barrier();
    }
    return value;
  }

  @Override
  public long readVLong() throws IOException {
    return super.readVLong(); // here, so that its loop is compiled with this class's readByte
  }

  @Override
  public void readBytes(byte[] dst, int offset, int count) throws IOException {
    try {
      MemorySegment.copy(segment, JAVA_BYTE, position, dst, offset, count);
      position += count;
    } catch (IndexOutOfBoundsException e) {
      throw outside("read", position, count, e);
    } catch (IllegalStateException e) {
      throw closedUnder(e);
    }
  }

  @Override
  public void readInts(int[] dst, int offset, int count) throws IOException {
    try {
      MemorySegment.copy(segment, INT, position, dst, offset, count);
      position += (long) Integer.BYTES * count;
    } catch (IndexOutOfBoundsException e) {
      throw outside("read", position, (long) Integer.BYTES * count, e);
    } catch (IllegalStateException e) {
      throw closedUnder(e);
    }
  }

  @Override
  public void readLongs(long[] dst, int offset, int count) throws IOException {
    try {
      MemorySegment.copy(segment, LONG, position, dst, offset, count);
      position += (long) Long.BYTES * count;
    } catch (IndexOutOfBoundsException e) {
      throw outside("read", position, (long) Long.BYTES * count, e);
    } catch (IllegalStateException e) {
      throw closedUnder(e);
    }
  }

  @Override
  public void readFloats(float[] dst, int offset, int count) throws IOException {
    try {
      MemorySegment.copy(segment, FLOAT, position, dst, offset, count);
      position += (long) Float.BYTES * count;
    } catch (IndexOutOfBoundsException e) {
      throw outside("read", position, (long) Float.BYTES * count, e);
    } catch (IllegalStateException e) {
      throw closedUnder(e);
    }
  }

  @Override
  public byte readByte(long pos) throws IOException {
    try {
      return (byte) (segment.get(JAVA_BYTE, pos) ^ noBits);
    } catch (IndexOutOfBoundsException e) {
      throw outside("read", pos, e);
    } catch (IllegalStateException e) {
      throw closedUnder(e);
    }
  }

  @Override
  public short readShort(long pos) throws IOException {
    try {
      return (short) (segment.get(SHORT, pos) ^ noBits);
    } catch (IndexOutOfBoundsException e) {
      throw outside("read", pos, e);
    } catch (IllegalStateException e) {
      throw closedUnder(e);
    }
  }

  @Override
  public int readInt(long pos) throws IOException {
    try {
      return segment.get(INT, pos) ^ noBits;
    } catch (IndexOutOfBoundsException e) {
      throw outside("read", pos, e);
    } catch (IllegalStateException e) {
      throw closedUnder(e);
    }
  }

  @Override
  public long readLong(long pos) throws IOException {
    try {
      return segment.get(LONG, pos);
    } catch (IndexOutOfBoundsException e) {
      throw outside("read", pos, e);
    } catch (IllegalStateException e) {
      throw closedUnder(e);
    }
  }

  @Override
  public void readBytes(long pos, byte[] dst, int offset, int count) throws IOException {
    try {
      MemorySegment.copy(segment, JAVA_BYTE, pos, dst, offset, count);
    } catch (IndexOutOfBoundsException e) {
      throw outside("read", pos, count, e);
    } catch (IllegalStateException e) {
      throw closedUnder(e);
    }
  }

  @Override
  public long getFilePointer() {
    requireOpen();
    return position;
  }

  @Override
  public void seek(long pos) throws IOException {
    requireOpen();
    if (pos < 0 || pos > length) {
      throw outside("seek", pos, null);
    }
    position = pos;
  }

  @Override
  public long length() {
    return length;
  }

  @Override
  public void prefetch(long offset, long count) throws IOException {
    requireOpen();
    view.prefetch(offset, count);
  }

  @Override
  public Optional<Boolean> isLoaded() {
    requireOpen();
    return Optional.of(segment.isLoaded());
  }

  @Override
  public IndexInput clone() {
    requireOpen();
    return view.input(position);
  }

  @Override
  public IndexInput slice(String name, long offset, long sliceLength) throws IOException {
    requireOpen();
    FileView.Precision precision = FileView.Precision.of(name);
    return view.slice(name, offset, sliceLength, precision).input(0);
  }

  @Override
  public IndexInput slice(String name, long offset, long sliceLength, IOContext context)
      throws IOException {
    requireOpen();
    FileView.Precision precision = FileView.Precision.of(name, context);
    return view.slice(name, offset, sliceLength, precision).opened(null);
  }

  @Override
  public void close() {
    closed = true;
    segment = segment.asSlice(0, 0);
  }

  private void requireOpen() {
    if (closed) {
      throw new AlreadyClosedException("closed: " + this);
    }
  }

  private IOException outside(String what, long pos, @Nullable RuntimeException cause) {
    return outside(what, pos, 1, cause);
  }

  /** Also where a caller's own array is too short, which stays that caller's error. */
  private IOException outside(
      String what, long pos, long countBytes, @Nullable RuntimeException cause) {
    requireOpen();
    if (pos < 0) {
      throw new IllegalArgumentException(what + " at negative position " + pos + ": " + this);
    }
    if (cause != null && countBytes >= 0 && pos + countBytes <= length) {
      throw cause;
    }
    return new EOFException(what + " past the end, at " + pos + " of " + length + ": " + this);
  }

  private RuntimeException closedUnder(IllegalStateException e) {
    return view.guard().segment().scope().isAlive()
        ? e
        : new AlreadyClosedException("closed: " + this, e);
  }
}

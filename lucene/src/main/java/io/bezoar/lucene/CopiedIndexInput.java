package io.bezoar.lucene;

import java.io.EOFException;
import java.io.IOException;
import java.util.Optional;
import org.apache.lucene.store.AlreadyClosedException;
import org.apache.lucene.store.IOContext;
import org.apache.lucene.store.IndexInput;
import org.apache.lucene.store.RandomAccessInput;
import org.apache.lucene.util.BitUtil;
import org.jspecify.annotations.Nullable;

/**
 * Reads a guarded file by guarded copies into a buffer of its own.
 *
 * <p><b>Invariant.</b> No value is returned that was not read. A page that turns out to be bad is
 * healed before the read returns, or the read fails with the file and the range.
 *
 * <p>A read in sequence takes ever larger copies, a positional one just what it needs: each copy
 * ends with a barrier of some 20 ns, and nothing beyond what is asked for should fail for a bad
 * page further on than a copy reaches.
 */
final class CopiedIndexInput extends IndexInput implements RandomAccessInput {
  private static final int BUFFER_BYTES_MIN = 256;
  private static final int BUFFER_BYTES_MAX = 8192;
  private static final byte[] EMPTY = {};

  private final FileView view;
  private final FileView.Copy copy;
  private final OpenFiles.@Nullable Lease lease;
  private final byte[] word = new byte[Long.BYTES];
  private boolean closed;

  private byte[] buffer = EMPTY;

  /** Where {@link #buffer} begins, in bytes from the start of the view. */
  private long bufferStart;

  private int next;
  private int limit;

  /** How much the next copy takes. */
  private int stride = BUFFER_BYTES_MIN;

  CopiedIndexInput(
      FileView view, FileView.Copy copy, OpenFiles.@Nullable Lease lease, long position) {
    super(view.description());
    this.view = view;
    this.copy = copy;
    this.lease = lease;
    this.bufferStart = position;
  }

  @Override
  public byte readByte() throws IOException {
    require(1);
    return buffer[next++];
  }

  @Override
  public short readShort() throws IOException {
    require(Short.BYTES);
    short value = (short) BitUtil.VH_LE_SHORT.get(buffer, next);
    next += Short.BYTES;
    return value;
  }

  @Override
  public int readInt() throws IOException {
    require(Integer.BYTES);
    int value = (int) BitUtil.VH_LE_INT.get(buffer, next);
    next += Integer.BYTES;
    return value;
  }

  @Override
  public long readLong() throws IOException {
    require(Long.BYTES);
    long value = (long) BitUtil.VH_LE_LONG.get(buffer, next);
    next += Long.BYTES;
    return value;
  }

  private void require(int count) throws IOException {
    if (limit - next < count) {
      refill(count);
    }
  }

  @Override
  public void readBytes(byte[] dst, int offset, int count) throws IOException {
    int buffered = Math.min(limit - next, count);
    int rest = count - buffered;
    if (rest >= BUFFER_BYTES_MIN) {
      requireInside(getFilePointer(), count);
      copy.copy(getFilePointer() + buffered, dst, offset + buffered, rest);
      System.arraycopy(buffer, next, dst, offset, buffered);
      jump(getFilePointer() + count);
    } else {
      require(count);
      System.arraycopy(buffer, next, dst, offset, count);
      next += count;
    }
  }

  /** Makes at least {@code count} bytes available from {@link #next} on, which becomes 0. */
  private void refill(int count) throws IOException {
    requireOpen();
    long at = getFilePointer();
    requireInside(at, count);
    int take = (int) Math.min(view.length() - at, Math.max(stride, count));
    if (buffer.length < take) {
      buffer = new byte[take];
    }
    limit = 0; // should the copy fail
    next = 0;
    bufferStart = at;
    copy.copy(at, buffer, 0, take);
    limit = take;
    stride = Math.min(BUFFER_BYTES_MAX, 2 * stride);
  }

  @Override
  public byte readByte(long pos) throws IOException {
    return inBuffer(pos, Byte.BYTES)
        ? buffer[(int) (pos - bufferStart)]
        : positional(pos, Byte.BYTES)[0];
  }

  @Override
  public short readShort(long pos) throws IOException {
    return inBuffer(pos, Short.BYTES)
        ? (short) BitUtil.VH_LE_SHORT.get(buffer, (int) (pos - bufferStart))
        : (short) BitUtil.VH_LE_SHORT.get(positional(pos, Short.BYTES), 0);
  }

  @Override
  public int readInt(long pos) throws IOException {
    return inBuffer(pos, Integer.BYTES)
        ? (int) BitUtil.VH_LE_INT.get(buffer, (int) (pos - bufferStart))
        : (int) BitUtil.VH_LE_INT.get(positional(pos, Integer.BYTES), 0);
  }

  @Override
  public long readLong(long pos) throws IOException {
    return inBuffer(pos, Long.BYTES)
        ? (long) BitUtil.VH_LE_LONG.get(buffer, (int) (pos - bufferStart))
        : (long) BitUtil.VH_LE_LONG.get(positional(pos, Long.BYTES), 0);
  }

  @Override
  public void readBytes(long pos, byte[] dst, int offset, int count) throws IOException {
    requireOpen();
    requireInside(pos, count);
    copy.copy(pos, dst, offset, count);
  }

  private boolean inBuffer(long pos, int count) {
    return pos >= bufferStart && pos + count <= bufferStart + limit;
  }

  private byte[] positional(long pos, int count) throws IOException {
    requireOpen();
    requireInside(pos, count);
    copy.copy(pos, word, 0, count);
    return word;
  }

  @Override
  public long getFilePointer() {
    requireOpen();
    return bufferStart + next;
  }

  @Override
  public void seek(long pos) throws IOException {
    requireOpen();
    if (pos < 0) {
      throw new IllegalArgumentException("seek to negative position " + pos + ": " + this);
    }
    if (pos > view.length()) {
      throw new EOFException("seek past the end, to " + pos + " of " + view.length() + ": " + this);
    }
    if (pos >= bufferStart && pos <= bufferStart + limit) {
      next = (int) (pos - bufferStart);
    } else {
      jump(pos);
      stride = BUFFER_BYTES_MIN;
    }
  }

  private void jump(long pos) {
    bufferStart = pos;
    next = 0;
    limit = 0;
  }

  @Override
  public long length() {
    return view.length();
  }

  @Override
  public void prefetch(long offset, long count) throws IOException {
    requireOpen();
    view.prefetch(offset, count);
  }

  @Override
  public Optional<Boolean> isLoaded() {
    requireOpen();
    return Optional.of(view.segment().isLoaded());
  }

  @Override
  public IndexInput clone() {
    return view.input(getFilePointer());
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
  public void close() throws IOException {
    if (closed) {
      return;
    }
    jump(0);
    closed = true;
    if (lease != null) {
      lease.close();
    }
  }

  private void requireOpen() {
    if (closed) {
      throw new AlreadyClosedException("closed: " + this);
    }
  }

  private void requireInside(long pos, long count) throws EOFException {
    if (pos < 0) {
      throw new IllegalArgumentException("read at negative position " + pos + ": " + this);
    }
    if (count > view.length() - pos) {
      throw new EOFException("read past the end, at " + pos + " of " + view.length() + ": " + this);
    }
  }
}

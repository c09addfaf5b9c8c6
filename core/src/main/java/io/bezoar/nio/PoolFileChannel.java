package io.bezoar.nio;

import io.bezoar.fs.OpenFile;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.AsynchronousCloseException;
import java.nio.channels.Channel;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.FileLockInterruptionException;
import java.nio.channels.NonReadableChannelException;
import java.nio.channels.NonWritableChannelException;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.StandardOpenOption;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * An open file of a pool as a channel.
 *
 * <p><b>Protocol.</b> Closing waits for nobody: it may come from a thread that interrupts another.
 * So {@link #users} counts who is in the middle of something, and carries the mark that the channel
 * was closed; the last one out of a closed channel lets go of the file, because until then its
 * pages must not become another file's. {@code this}{@link #positionLock} is held over every
 * operation that uses the position, so that these happen one after another. Thread-safe.
 *
 * <p>An interrupt closes it, as {@link FileChannel} says, unless a stream or {@code
 * Files.readAllBytes} is made of it: those of the default provider go on, too.
 */
final class PoolFileChannel extends FileChannel {
  private static final int CLOSED = 1 << 31;

  private final PoolFileSystem fs;
  private final OpenFile file;
  private final Options.Open mode;
  private final Interrupts interrupts;
  private final BufferIo io;
  private final Object positionLock = new Object();
  private final AtomicInteger users = new AtomicInteger();
  private final CountDownLatch released = new CountDownLatch(1);

  /** Guarded by {@link #positionLock}. */
  private long position;

  /** What an interrupt does to a channel. */
  enum Interrupts {
    /** It is closed, and what the thread is doing with it fails. */
    CLOSE,
    /** Nothing: the thread stays interrupted and goes on. */
    IGNORE
  }

  /** Something that is done with the file. */
  private interface Work<T> {
    T run() throws IOException;
  }

  PoolFileChannel(PoolFileSystem fs, OpenFile file, Options.Open mode, Interrupts interrupts) {
    this.fs = fs;
    this.file = file;
    this.mode = mode;
    this.interrupts = interrupts;
    this.io = new BufferIo(file, () -> !isOpen());
  }

  // Who is in, and who is the last one out.

  private boolean enter() {
    while (true) {
      int now = users.get();
      if (now < 0) {
        return false;
      }
      if (users.compareAndSet(now, now + 1)) {
        return true;
      }
    }
  }

  private void leave() {
    if (users.decrementAndGet() == CLOSED) {
      letGo();
    }
  }

  private void letGo() {
    try {
      file.close();
    } finally {
      released.countDown();
    }
  }

  /** Does something that closing the channel, or an interrupt, makes fail as it should. */
  private <T> T work(Work<T> work) throws IOException {
    if (interrupts == Interrupts.IGNORE) {
      return use(work);
    }
    boolean done = false;
    begin();
    try {
      T result = use(work);
      done = true;
      return result;
    } finally {
      // Where this throws, it says who closed the channel.
      end(done);
    }
  }

  private <T> T use(Work<T> work) throws IOException {
    if (!enter()) {
      throw new ClosedChannelException();
    }
    try {
      return work.run();
    } finally {
      leave();
    }
  }

  private void checkOpen() throws ClosedChannelException {
    if (!isOpen()) {
      throw new ClosedChannelException();
    }
  }

  private void checkReadable() throws ClosedChannelException {
    checkOpen();
    if (!mode.has(StandardOpenOption.READ)) {
      throw new NonReadableChannelException();
    }
  }

  private void checkWritable() throws ClosedChannelException {
    checkOpen();
    if (!mode.has(StandardOpenOption.WRITE)) {
      throw new NonWritableChannelException();
    }
  }

  private boolean isAppending() {
    return mode.has(StandardOpenOption.APPEND);
  }

  private static void checkPosition(long position) {
    if (position < 0) {
      throw new IllegalArgumentException("position " + position + " is negative");
    }
  }

  private static void checkTarget(ByteBuffer dst) {
    if (dst.isReadOnly()) {
      throw new IllegalArgumentException("the buffer is read-only");
    }
  }

  // Reading.

  @Override
  public int read(ByteBuffer dst) throws IOException {
    checkTarget(dst);
    checkReadable();
    synchronized (positionLock) {
      return work(
          () -> {
            int read = io.read(position, dst);
            position += Math.max(0, read);
            return read;
          });
    }
  }

  @Override
  public int read(ByteBuffer dst, long at) throws IOException {
    checkTarget(dst);
    checkPosition(at);
    checkReadable();
    return work(() -> io.read(at, dst));
  }

  @Override
  public long read(ByteBuffer[] dsts, int offset, int length) throws IOException {
    Objects.checkFromIndexSize(offset, length, dsts.length);
    for (int i = offset; i < offset + length; i++) {
      checkTarget(dsts[i]);
    }
    checkReadable();
    synchronized (positionLock) {
      return work(
          () -> {
            long read = Scatter.read(io, position, dsts, offset, length);
            position += Math.max(0, read);
            return read;
          });
    }
  }

  // Writing.

  @Override
  public int write(ByteBuffer src) throws IOException {
    Objects.requireNonNull(src);
    checkWritable();
    synchronized (positionLock) {
      return work(() -> writeHere(src));
    }
  }

  /** Called with the position's lock held. */
  private int writeHere(ByteBuffer src) throws IOException {
    int before = src.position();
    if (isAppending()) {
      long end = io.append(src);
      position = src.position() == before ? position : end;
    } else {
      position += io.write(position, src);
    }
    sync(src.position() - before);
    return src.position() - before;
  }

  @Override
  public int write(ByteBuffer src, long at) throws IOException {
    Objects.requireNonNull(src);
    checkPosition(at);
    checkWritable();
    return work(() -> writeAt(src, at));
  }

  /** In append mode all goes to the end, as on Linux. */
  private int writeAt(ByteBuffer src, long at) throws IOException {
    int before = src.position();
    if (isAppending()) {
      io.append(src);
    } else {
      io.write(at, src);
    }
    int written = src.position() - before;
    sync(written);
    return written;
  }

  private void sync(long written) throws IOException {
    if (mode.isSynced() && written > 0) {
      file.sync();
    }
  }

  @Override
  public long write(ByteBuffer[] srcs, int offset, int length) throws IOException {
    Objects.checkFromIndexSize(offset, length, srcs.length);
    for (int i = offset; i < offset + length; i++) {
      Objects.requireNonNull(srcs[i]);
    }
    checkWritable();
    synchronized (positionLock) {
      return work(() -> Scatter.write(this::writeHere, srcs, offset, length));
    }
  }

  // Position and size.

  @Override
  public long position() throws IOException {
    checkOpen();
    synchronized (positionLock) {
      return work(() -> isAppending() ? file.sizeBytes() : position);
    }
  }

  @Override
  public FileChannel position(long newPosition) throws IOException {
    checkOpen();
    checkPosition(newPosition);
    synchronized (positionLock) {
      return work(
          () -> {
            position = newPosition;
            return this;
          });
    }
  }

  @Override
  public long size() throws IOException {
    checkOpen();
    return work(file::sizeBytes);
  }

  @Override
  public FileChannel truncate(long size) throws IOException {
    checkOpen();
    if (size < 0) {
      throw new IllegalArgumentException("size " + size + " is negative");
    }
    checkWritable();
    synchronized (positionLock) {
      return work(
          () -> {
            if (size < file.sizeBytes()) {
              file.truncate(size);
              sync(1);
            }
            position = Math.min(position, size);
            return this;
          });
    }
  }

  /** Makes all of it durable, names included, whatever is asked. */
  @Override
  public void force(boolean metaData) throws IOException {
    checkOpen();
    work(
        () -> {
          if (fs.whyNotWritable(file.id()) == null) {
            file.sync();
          }
          return true;
        });
  }

  // From channel to channel. Only what is done with the file counts as use: others may wait long.

  @Override
  public long transferTo(long from, long count, WritableByteChannel target) throws IOException {
    checkTransfer(from, count, target.isOpen());
    checkReadable();
    if (target instanceof PoolFileChannel other) {
      other.checkWritable();
    }
    return transfer(target, () -> moveTo(from, count, target));
  }

  private long moveTo(long from, long count, WritableByteChannel target) throws IOException {
    MemorySegment buffer = NativeBuffers.SHARED.take(Math.min(count, NativeBuffers.LARGE_BYTES));
    long moved = 0;
    try {
      while (moved < count) {
        long at = from + moved;
        long wanted = Math.min(count - moved, buffer.byteSize());
        long before = moved;
        long read = readSome(at, buffer.asSlice(0, wanted), before);
        if (read <= 0) {
          break;
        }
        int written = target.write(buffer.asSlice(0, read).asByteBuffer());
        moved += written;
        if (written < read || read < wanted) {
          break;
        }
      }
    } finally {
      NativeBuffers.SHARED.give(buffer);
    }
    return moved;
  }

  /** 0 when something went wrong and bytes were moved before: the next call meets it. */
  private long readSome(long at, MemorySegment dst, long before) throws IOException {
    try {
      return work(() -> io.readGood(at, dst));
    } catch (ClosedChannelException e) {
      throw e;
    } catch (IOException e) {
      if (before == 0) {
        throw e;
      }
      return 0;
    }
  }

  @Override
  public long transferFrom(ReadableByteChannel src, long to, long count) throws IOException {
    checkTransfer(to, count, src.isOpen());
    if (src instanceof PoolFileChannel other) {
      other.checkReadable();
    }
    checkWritable();
    return transfer(src, () -> moveFrom(src, to, count));
  }

  private long moveFrom(ReadableByteChannel src, long to, long count) throws IOException {
    MemorySegment buffer = NativeBuffers.SHARED.take(Math.min(count, NativeBuffers.LARGE_BYTES));
    long moved = 0;
    try {
      while (moved < count) {
        long wanted = Math.min(count - moved, buffer.byteSize());
        ByteBuffer bytes = buffer.asSlice(0, wanted).asByteBuffer();
        if (src.read(bytes) <= 0) {
          break;
        }
        bytes.flip();
        long at = to + moved;
        while (bytes.hasRemaining()) {
          moved += work(() -> writeAt(bytes, at + bytes.position()));
        }
      }
    } finally {
      NativeBuffers.SHARED.give(buffer);
    }
    return moved;
  }

  /** An interrupt closes both channels, whichever of them was in the middle of something. */
  private long transfer(Channel other, Work<Long> move) throws IOException {
    try {
      return move.run();
    } catch (ClosedByInterruptException e) {
      try (FileChannel _ = this;
          Channel _ = other) {
        throw e;
      }
    }
  }

  private void checkTransfer(long position, long count, boolean otherIsOpen)
      throws ClosedChannelException {
    checkOpen();
    if (!otherIsOpen) {
      throw new ClosedChannelException();
    }
    checkPosition(position);
    if (count < 0) {
      throw new IllegalArgumentException("count " + count + " is negative");
    }
  }

  // Mapping.

  /**
   * Maps a range, read-only; see {@link OpenFile#map}. A file that ends before is made longer if
   * the channel may write, as by the default provider.
   *
   * @throws UnsupportedOperationException for another mode
   */
  @Override
  public MemorySegment map(MapMode mapMode, long at, long size, Arena arena) throws IOException {
    return mapped(mapMode, at, size, arena);
  }

  /** As above, until the buffer is not reachable any more. */
  @Override
  public MappedByteBuffer map(MapMode mapMode, long at, long size) throws IOException {
    if (size > Integer.MAX_VALUE) {
      throw new IllegalArgumentException("a buffer has no room for " + size + " bytes");
    }
    return (MappedByteBuffer) mapped(mapMode, at, size, Arena.ofAuto()).asByteBuffer();
  }

  private MemorySegment mapped(MapMode mapMode, long at, long size, Arena arena)
      throws IOException {
    checkOpen();
    Objects.requireNonNull(arena);
    if (!Objects.requireNonNull(mapMode).equals(MapMode.READ_ONLY)) {
      throw new UnsupportedOperationException("files in a pool are mapped READ_ONLY");
    }
    checkReadable();
    return work(
        () -> {
          boolean isRange = at >= 0 && size >= 0 && at <= Long.MAX_VALUE - size;
          if (isRange && mode.has(StandardOpenOption.WRITE) && at + size > file.sizeBytes()) {
            file.extend(at + size);
          }
          return file.map(at, size, arena);
        });
  }

  // Locks.

  /**
   * Never waits: whatever is locked is locked by this process, and then that is an error.
   *
   * @throws FileLockInterruptionException when the thread is interrupted; the channel is closed
   */
  @Override
  public FileLock lock(long at, long size, boolean shared) throws IOException {
    FileLock lock = tryLock(at, size, shared);
    try {
      return work(() -> lock);
    } catch (ClosedByInterruptException e) {
      FileLockInterruptionException interrupted = new FileLockInterruptionException();
      interrupted.initCause(e);
      throw interrupted;
    }
  }

  /** As {@link #lock}, but an interrupt is nothing to it, because it is not meant to wait. */
  @Override
  public FileLock tryLock(long at, long size, boolean shared) throws IOException {
    checkOpen();
    if (shared) {
      checkReadable();
    } else {
      checkWritable();
    }
    long toTheEnd = Long.MAX_VALUE - Math.max(0, at);
    PoolFileLock lock = new PoolFileLock(this, at, size == 0 ? toTheEnd : size, shared);
    return use(
        () -> {
          fs.locks().add(file.id(), lock);
          if (!isOpen()) {
            // Whoever closed it may have taken away its locks before this one was there.
            unlock(lock);
            throw new AsynchronousCloseException();
          }
          return lock;
        });
  }

  void unlock(PoolFileLock lock) {
    fs.locks().remove(file.id(), lock);
  }

  // Closing.

  @Override
  protected void implCloseChannel() {
    fs.closed(this);
    int before = users.getAndUpdate(now -> now | CLOSED);
    fs.locks().removeAll(file.id(), this);
    if (before == 0) {
      letGo();
    }
  }

  /** Waits until nobody does anything with the file any more; it was closed before. */
  void awaitReleased() {
    boolean interrupted = false;
    while (true) {
      try {
        released.await();
        break;
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}

package io.bezoar.nio;

import io.bezoar.fs.DamagedRangeException;
import io.bezoar.fs.OpenFile;
import io.bezoar.media.Media;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.function.BooleanSupplier;

/**
 * Moves bytes between an open file and buffers of any kind, in steps of {@link
 * NativeBuffers#LARGE_BYTES}: directly where the buffer is private native memory, through such
 * memory where it is not.
 *
 * <p>Whatever was moved before something went wrong counts: it is the result, and the next call
 * meets what went wrong. So the good bytes before a damaged range are delivered, and then the
 * damage.
 */
final class BufferIo {
  private final OpenFile file;
  private final BooleanSupplier cancelled;

  /**
   * @param cancelled true when no further step is to be taken
   */
  BufferIo(OpenFile file, BooleanSupplier cancelled) {
    this.file = file;
    this.cancelled = cancelled;
  }

  /** One step of a transfer: how many bytes; less than {@code wanted} is the end. */
  private interface Step {
    long run(long at, ByteBuffer buffer, int wanted) throws IOException;
  }

  /** Fills a buffer from its position on; -1 at the end of the file. */
  int read(long offset, ByteBuffer dst) throws IOException {
    if (!dst.hasRemaining()) {
      return 0;
    }
    int moved = move(offset, dst, this::readStep);
    return moved == 0 ? -1 : moved;
  }

  /** Writes what remains in a buffer. */
  int write(long offset, ByteBuffer src) throws IOException {
    return move(offset, src, this::writeStep);
  }

  /** Writes what remains in a buffer at the end of the file; where the file ends then. */
  long append(ByteBuffer src) throws IOException {
    long[] end = {0};
    move(
        0,
        src,
        (_, buffer, wanted) -> {
          end[0] = wanted + withBytes(buffer, wanted, file::append);
          return wanted;
        });
    return end[0];
  }

  private int move(long offset, ByteBuffer buffer, Step step) throws IOException {
    int start = buffer.position();
    while (buffer.hasRemaining()) {
      int wanted = Math.min(buffer.remaining(), NativeBuffers.LARGE_BYTES);
      int done = buffer.position() - start;
      if (done > 0 && cancelled.getAsBoolean()) {
        break;
      }
      long moved;
      try {
        moved = step.run(offset + done, buffer, wanted);
      } catch (IOException e) {
        if (done == 0) {
          throw e;
        }
        break;
      }
      buffer.position(start + done + (int) moved);
      if (moved < wanted) {
        break;
      }
    }
    return buffer.position() - start;
  }

  private long readStep(long at, ByteBuffer dst, int wanted) throws IOException {
    MemorySegment target = MemorySegment.ofBuffer(dst).asSlice(0, wanted);
    if (Media.isPrivateNative(target)) {
      return readGood(at, target);
    }
    MemorySegment through = NativeBuffers.SHARED.take(wanted);
    try {
      long read = readGood(at, through.asSlice(0, wanted));
      CallerMemory.copy(through.asSlice(0, read), target.asSlice(0, read));
      return read;
    } finally {
      NativeBuffers.SHARED.give(through);
    }
  }

  /** The bytes before what is lost, if there are any. */
  long readGood(long at, MemorySegment dst) throws IOException {
    try {
      return file.read(at, dst);
    } catch (DamagedRangeException lost) {
      if (lost.goodPrefixBytes() == 0) {
        throw lost;
      }
      return lost.goodPrefixBytes();
    }
  }

  private long writeStep(long at, ByteBuffer src, int wanted) throws IOException {
    withBytes(
        src,
        wanted,
        bytes -> {
          file.write(at, bytes);
          return 0L;
        });
    return wanted;
  }

  private interface Writing {
    long run(MemorySegment bytes) throws IOException;
  }

  private static long withBytes(ByteBuffer src, int wanted, Writing writing) throws IOException {
    MemorySegment bytes = MemorySegment.ofBuffer(src).asSlice(0, wanted);
    if (Media.isPrivateNative(bytes)) {
      return writing.run(bytes);
    }
    MemorySegment through = NativeBuffers.SHARED.take(wanted);
    try {
      MemorySegment copy = through.asSlice(0, wanted);
      CallerMemory.copy(bytes, copy);
      return writing.run(copy);
    } finally {
      NativeBuffers.SHARED.give(through);
    }
  }
}

package io.bezoar.nio;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;

/**
 * Many buffers as one. Up to {@link NativeBuffers#LARGE_BYTES} together they are read or written in
 * one step, so that others see all of it or nothing; what is more goes buffer by buffer.
 */
final class Scatter {
  private Scatter() {}

  /** Writes a buffer where it belongs next. */
  interface Writer {
    int write(ByteBuffer src) throws IOException;
  }

  private static long remaining(ByteBuffer[] buffers, int offset, int length) {
    long sum = 0;
    for (int i = offset; i < offset + length; i++) {
      sum += buffers[i].remaining();
    }
    return sum;
  }

  /** Fills buffers in their order; -1 at the end of the file. */
  static long read(BufferIo io, long at, ByteBuffer[] dsts, int offset, int length)
      throws IOException {
    long wanted = remaining(dsts, offset, length);
    if (wanted == 0) {
      return 0;
    }
    if (wanted > NativeBuffers.LARGE_BYTES) {
      return readEach(io, at, dsts, offset, length);
    }
    MemorySegment memory = NativeBuffers.SHARED.take(wanted);
    try {
      int read = io.read(at, memory.asSlice(0, wanted).asByteBuffer());
      long done = 0;
      for (int i = offset; i < offset + length && done < read; i++) {
        int count = (int) Math.min(dsts[i].remaining(), read - done);
        CallerMemory.copy(
            memory.asSlice(done, count), MemorySegment.ofBuffer(dsts[i]).asSlice(0, count));
        dsts[i].position(dsts[i].position() + count);
        done += count;
      }
      return read;
    } finally {
      NativeBuffers.SHARED.give(memory);
    }
  }

  private static long readEach(BufferIo io, long at, ByteBuffer[] dsts, int offset, int length)
      throws IOException {
    long sum = 0;
    for (int i = offset; i < offset + length; i++) {
      int wanted = dsts[i].remaining();
      int read;
      try {
        read = io.read(at + sum, dsts[i]);
      } catch (IOException e) {
        if (sum == 0) {
          throw e;
        }
        break;
      }
      sum += Math.max(0, read);
      if (read < wanted) {
        return sum == 0 ? -1 : sum;
      }
    }
    return sum;
  }

  /** Writes buffers in their order. */
  static long write(Writer writer, ByteBuffer[] srcs, int offset, int length) throws IOException {
    long wanted = remaining(srcs, offset, length);
    if (wanted == 0) {
      return 0;
    }
    if (wanted > NativeBuffers.LARGE_BYTES) {
      return writeEach(writer, srcs, offset, length);
    }
    MemorySegment memory = NativeBuffers.SHARED.take(wanted);
    try {
      long gathered = 0;
      for (int i = offset; i < offset + length; i++) {
        MemorySegment src = MemorySegment.ofBuffer(srcs[i]);
        CallerMemory.copy(src, memory.asSlice(gathered, src.byteSize()));
        gathered += src.byteSize();
      }
      // One step, which happens as a whole or not at all.
      long written = writer.write(memory.asSlice(0, wanted).asByteBuffer());
      for (int i = offset; i < offset + length; i++) {
        srcs[i].position(srcs[i].limit());
      }
      return written;
    } finally {
      NativeBuffers.SHARED.give(memory);
    }
  }

  private static long writeEach(Writer writer, ByteBuffer[] srcs, int offset, int length)
      throws IOException {
    long sum = 0;
    for (int i = offset; i < offset + length; i++) {
      int wanted = srcs[i].remaining();
      int written;
      try {
        written = writer.write(srcs[i]);
      } catch (IOException e) {
        if (sum == 0) {
          throw e;
        }
        break;
      }
      sum += written;
      if (written < wanted) {
        break;
      }
    }
    return sum;
  }
}

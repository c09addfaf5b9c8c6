package io.bezoar.media;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Transfers that go to the disk itself: a second descriptor of the same file, opened with O_DIRECT.
 *
 * <p>The disk wants memory, offset and length aligned, so everything goes through an aligned
 * buffer: whole pages while all is well, single granules once a page could not be read, because the
 * neighbours of a bad sector are good. Results are as in {@link Descriptor}: bytes moved, or {@code
 * -errno} when none were; {@code -EINVAL} means that this file system does not do it.
 */
final class PastCache implements AutoCloseable {
  private static final int CHUNK_BYTES = 1 << 20;
  private static final int PAGE = Units.PAGE_BYTES;

  private final Descriptor direct;
  private final int granuleBytes;

  PastCache(Descriptor direct, int granuleBytes) {
    this.direct = direct;
    this.granuleBytes = granuleBytes;
  }

  /** The same open file once more, past the page cache; null where that is not supported. */
  static @Nullable PastCache of(Descriptor file, Access access, int granuleBytes) {
    int flags = access == Access.READ_WRITE ? Posix.O_RDWR : Posix.O_RDONLY;
    long direct = file.call(fd -> Posix.open("/proc/self/fd/" + fd, flags | Posix.O_DIRECT, 0));
    return direct < 0 ? null : new PastCache(new Descriptor((int) direct), granuleBytes);
  }

  /** Reads until {@code dst} is full or a granule cannot be read; exact to the granule. */
  long read(long offset, MemorySegment dst) {
    long got = read(offset, dst, granuleBytes);
    // A disk may have larger sectors than its file system lets us know.
    return got == -Posix.EINVAL ? read(offset, dst, PAGE) : got;
  }

  /** In transfers that begin and end at multiples of {@code unitBytes}. */
  private long read(long offset, MemorySegment dst, int unitBytes) {
    long size = dst.byteSize();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment buffer = arena.allocate(Math.min(CHUNK_BYTES, size + 2 * PAGE), PAGE);
      buffer = buffer.asSlice(0, buffer.byteSize() / PAGE * PAGE);
      long done = 0;
      while (done < size) {
        long at = offset + done;
        long start = at - at % unitBytes;
        long end = Math.ceilDiv(offset + size, unitBytes) * unitBytes;
        long length = Math.min(buffer.byteSize(), end - start);
        long got = direct.pread(start, buffer.asSlice(0, length));
        long wanted = Math.min(length, offset + size - start); // where the file ends it gives less
        if (got < wanted && wanted > granuleBytes) {
          // What lies before `at` in its unit is not asked for, and may be what is bad.
          long came = Math.max(0, got) / granuleBytes * granuleBytes;
          long from = Math.max(start + came, at - at % granuleBytes);
          long more = granule(from, start + wanted - from, buffer.asSlice(from - start));
          got = more < 0 && from <= at ? more : from - start + Math.max(0, more);
        }
        if (got <= at - start) {
          return done > 0 ? done : Math.min(got, 0);
        }
        long useful = Math.min(got - (at - start), size - done);
        MemorySegment.copy(buffer, at - start, dst, done, useful);
        done += useful;
        if (got < wanted && done < size) {
          return done;
        }
      }
      return done;
    }
  }

  /** Granule by granule up to the first that cannot be read, or the error of the very first. */
  private long granule(long offset, long lengthBytes, MemorySegment buffer) {
    long done = 0;
    while (done < lengthBytes) {
      long got = direct.pread(offset + done, buffer.asSlice(done, granuleBytes));
      if (got < Math.min(granuleBytes, lengthBytes - done)) {
        return done > 0 ? done : Math.min(got, 0);
      }
      done += granuleBytes;
    }
    return lengthBytes;
  }

  /**
   * Writes to the disk itself, so that an error is the error of these bytes: whole granules, so all
   * but a short end of a file.
   */
  long write(long offset, MemorySegment src) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment buffer = arena.allocate(Math.clamp(src.byteSize(), PAGE, CHUNK_BYTES), PAGE);
      long size = src.byteSize() / granuleBytes * granuleBytes;
      long done = 0;
      while (done < size) {
        long length = Math.min(buffer.byteSize(), size - done);
        MemorySegment.copy(src, done, buffer, 0, length);
        long put = direct.pwrite(offset + done, buffer.asSlice(0, length));
        if (put <= 0) {
          return done > 0 ? done : put;
        }
        done += put;
        if (put < length) {
          return done;
        }
      }
      return done;
    }
  }

  @Override
  public void close() {
    direct.close();
  }
}

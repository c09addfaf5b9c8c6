package io.bezoar.media;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * When a file was last modified, to be put back after stores that are no modification: a repair
 * restores what the file held, and rot does not ask the file system. Whoever tells a changed file
 * from a damaged one by this time must not be misled by either.
 */
record ModifiedTime(long seconds, long nanos) {
  private static final long NANOS_PER_SECOND = 1_000_000_000;
  private static final long UTIME_OMIT = 0x3ffffffe;

  /** Nanoseconds since 1970. */
  long sinceEpochNanos() {
    return Math.addExact(Math.multiplyExact(seconds, NANOS_PER_SECOND), nanos);
  }

  /** Puts this time back; 0, or a negative errno. */
  long putBackOn(Descriptor file) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment times = arena.allocate(4 * JAVA_LONG.byteSize(), 8);
      times.setAtIndex(JAVA_LONG, 1, UTIME_OMIT); // when it was last read
      times.setAtIndex(JAVA_LONG, 2, seconds);
      times.setAtIndex(JAVA_LONG, 3, nanos);
      return file.call(fd -> Posix.futimens(fd, times));
    }
  }
}

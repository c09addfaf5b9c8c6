package io.bezoar.bench;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;

/**
 * Reads of a plain file, one after another, in places that no contender has touched lately.
 *
 * @param start where the places begin in the file
 * @param walk chooses them, for all contenders
 */
record PlainReads(PlainFile file, long start, MemorySegment buffer, ReadSize size, Walk walk) {

  /** One read. */
  interface Read {
    void at(long offset) throws IOException;
  }

  double copied() throws IOException {
    MemorySegment mapped = file.mapped();
    return timed(at -> MemorySegment.copy(mapped, start + at, buffer, 0, size.bytes));
  }

  double pread() throws IOException {
    ByteBuffer view = buffer.asByteBuffer();
    return timed(at -> file.read(start + at, view));
  }

  /** What a read of somebody else takes in such places, seconds. */
  double timed(Read read) throws IOException {
    int reads = size.reads(walk);
    long begin = System.nanoTime();
    for (int i = 0; i < reads; i++) {
      read.at((long) walk.next() * size.bytes);
    }
    return (System.nanoTime() - begin) / 1e9 / reads;
  }
}

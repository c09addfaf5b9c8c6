package io.bezoar.guard;

import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import java.io.IOException;
import java.lang.foreign.MemorySegment;

/** What is known of the content that a file should have. Thread-safe. */
interface Reference extends AutoCloseable {
  /** Nothing: whatever can be read is taken for right. */
  Reference NONE =
      new Reference() {
        @Override
        public boolean checks() {
          return false;
        }

        @Override
        public boolean matches(long page, MemorySegment content) {
          return true;
        }

        @Override
        public void requireUnchanged() {}

        @Override
        public ByteRanges rebuild(ByteRanges pages, ByteRange run, MemorySegment into) {
          return ByteRanges.EMPTY;
        }

        @Override
        public void willRepair(ByteRange pages) {}

        @Override
        public void repaired() {}

        @Override
        public void close() {}
      };

  /** True when {@link #matches} knows. */
  boolean checks();

  /**
   * True when {@code content}, private native memory, is what page number {@code page} should hold.
   * The last page may be shorter.
   */
  boolean matches(long page, MemorySegment content);

  /** Throws when the file is not the one this was made for: a difference is then no damage. */
  void requireUnchanged() throws IOException;

  /**
   * Computes pages from the others.
   *
   * @param pages whole pages, within {@code run}; the last may end with the file
   * @param into where the content of {@code run} goes; other bytes of it are left alone
   * @return those of {@code pages} that could be computed, and are right
   */
  ByteRanges rebuild(ByteRanges pages, ByteRange run, MemorySegment into) throws IOException;

  /** Before bytes of the file are repaired in place; durable when it returns. */
  void willRepair(ByteRange pages) throws IOException;

  /** After what was announced is durable and was read back. */
  void repaired() throws IOException;

  @Override
  void close() throws IOException;
}

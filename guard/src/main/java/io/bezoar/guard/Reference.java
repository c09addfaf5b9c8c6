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
        public boolean knows(long page) {
          return false;
        }

        @Override
        public boolean matches(long page, MemorySegment content) {
          return true;
        }

        @Override
        public void requireDamage(long page) {}

        @Override
        public ByteRanges rebuild(ByteRanges pages, ByteRange run, MemorySegment into) {
          return ByteRanges.EMPTY;
        }

        @Override
        public void willRepair(ByteRange pages) {}

        @Override
        public void repaired(ByteRange pages) {}

        @Override
        public void close() {}
      };

  /** True when {@link #matches} knows of most pages. */
  boolean checks();

  /** True when {@link #matches} knows of this page; of others it answers true. */
  boolean knows(long page) throws IOException;

  /**
   * True when {@code content}, private native memory, is what page number {@code page} should hold.
   * The last page may be shorter.
   */
  boolean matches(long page, MemorySegment content) throws IOException;

  /** Throws when a page that does not match was changed by somebody, and is not damaged. */
  void requireDamage(long page) throws IOException;

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
  void repaired(ByteRange pages) throws IOException;

  @Override
  void close() throws IOException;
}

package io.bezoar.cli.copy;

import io.bezoar.fs.AttributeName;
import io.bezoar.fs.PathWalk;
import io.bezoar.media.ByteRange;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Where copies are taken from. Errors name the file. */
interface CopySource {
  /** What is at {@code path}. */
  CopyItem find(String path, PathWalk.LastLink last) throws IOException;

  /** What is in a directory. */
  Children children(CopyItem directory) throws IOException;

  /** Where a symbolic link leads, the bytes as they are. */
  byte[] target(CopyItem link) throws IOException;

  /** Extended attributes, by their whole names. */
  Map<AttributeName, byte[]> extended(CopyItem item) throws IOException;

  /** Opens a file. */
  Content open(CopyItem file) throws IOException;

  /** What is in a directory, one by one. */
  interface Children {
    /**
     * The next one; null behind the last.
     *
     * @throws ChildException when this one cannot be looked at; the others can
     */
    @Nullable CopyItem next() throws IOException;
  }

  /** One file of a directory cannot be looked at. */
  final class ChildException extends IOException {
    private static final long serialVersionUID = 1L;

    private final String path;
    private final IOException why;

    ChildException(String path, IOException why) {
      super(why);
      this.path = path;
      this.why = why;
    }

    String path() {
      return path;
    }

    IOException why() {
      return why;
    }
  }

  /** The bytes of a file. */
  interface Content extends AutoCloseable {
    /** Length now. */
    long sizeBytes() throws IOException;

    /**
     * The first run of bytes at or behind {@code offset} that may be other than zero; it may end
     * behind the end of the file. Empty when there are only zeroes up to {@link #sizeBytes}.
     */
    Optional<ByteRange> nextData(long offset) throws IOException;

    /**
     * Reads.
     *
     * @return how many bytes; 0 at the end
     */
    long read(long offset, MemorySegment dst) throws IOException;

    @Override
    void close() throws IOException;
  }
}

package io.bezoar.fs;

import io.bezoar.media.ByteRange;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Optional;

/**
 * An open file. Offsets and sizes are bytes. Buffers are private native memory. Thread-safe: a read
 * sees each write whole or not at all, if the write is of 1 MiB at most.
 */
public final class OpenFile implements AutoCloseable {
  private OpenFile() {}

  /** Which file. */
  public FileId id() {
    throw new UnsupportedOperationException();
  }

  /** Attributes now. */
  public Attributes attributes() throws IOException {
    throw new UnsupportedOperationException();
  }

  /** Length now, bytes. */
  public long sizeBytes() throws IOException {
    throw new UnsupportedOperationException();
  }

  /**
   * Reads up to the end of the file.
   *
   * @return how many bytes; 0 at the end of the file and behind it
   * @throws DamagedRangeException when bytes are lost; those before them are in {@code dst}
   */
  public long read(long offset, MemorySegment dst) throws IOException {
    throw new UnsupportedOperationException();
  }

  /**
   * Writes all of {@code src}; the file grows if need be.
   *
   * @throws DamagedRangeException when part of a page is to be replaced whose other bytes are lost
   * @throws FilesystemFullException when there is no room; up to 1 MiB nothing of it was written
   */
  public void write(long offset, MemorySegment src) throws IOException {
    throw new UnsupportedOperationException();
  }

  /**
   * Writes at the end of the file, wherever that is.
   *
   * @return where it was
   */
  public long append(MemorySegment src) throws IOException {
    throw new UnsupportedOperationException();
  }

  /** Cuts the file, or lets it grow by a hole. */
  public void truncate(long sizeBytes) throws IOException {
    throw new UnsupportedOperationException();
  }

  /** Takes space for a range, so that writing there cannot run out of it; the size stays. */
  public void allocate(ByteRange range) throws IOException {
    throw new UnsupportedOperationException();
  }

  /** Makes a range a hole as far as it is whole pages, and zeroes at its ends; the size stays. */
  public void punch(ByteRange range) throws IOException {
    throw new UnsupportedOperationException();
  }

  /**
   * The first run of data at {@code offset} or behind it, cut at {@code offset} and at the size.
   */
  public Optional<ByteRange> nextData(long offset) throws IOException {
    throw new UnsupportedOperationException();
  }

  /** Where a range of the file lies, ascending; holes are left out. */
  public List<FileExtent> extents(ByteRange range) throws IOException {
    throw new UnsupportedOperationException();
  }

  /** Makes everything durable that was done to this file before, its names included. */
  public void sync() throws IOException {
    throw new UnsupportedOperationException();
  }

  /** Lets go of the file; what has no name any more goes. Idempotent. */
  @Override
  public void close() throws IOException {
    throw new UnsupportedOperationException();
  }
}

package io.bezoar.bench;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;

/** A file as a program without Bezoar sees it: mapped whole by the JDK, and a channel. */
final class PlainFile implements AutoCloseable {
  private static final int BLOCK_BYTES = 1 << 20;

  private final FileChannel channel;
  private final Arena arena = Arena.ofShared();
  private final MemorySegment mapped;

  private PlainFile(FileChannel channel, FileChannel.MapMode mode, long sizeBytes)
      throws IOException {
    this.channel = channel;
    this.mapped = channel.map(mode, 0, sizeBytes, arena);
    // Page faults are paid here, and not while somebody measures.
    mapped.load();
  }

  /** The first {@code sizeBytes} of an existing file, to be read. */
  static PlainFile open(Path path, long sizeBytes) throws IOException {
    FileChannel channel = FileChannel.open(path, StandardOpenOption.READ);
    return new PlainFile(channel, FileChannel.MapMode.READ_ONLY, sizeBytes);
  }

  /** An existing file, to be read. */
  static PlainFile open(Path path) throws IOException {
    return open(path, Files.size(path));
  }

  /** A new file full of ones. */
  static PlainFile create(Path path, long sizeBytes) throws IOException {
    FileChannel channel =
        FileChannel.open(
            path,
            Set.of(
                StandardOpenOption.CREATE_NEW, StandardOpenOption.READ, StandardOpenOption.WRITE));
    ByteBuffer block = ByteBuffer.allocateDirect(BLOCK_BYTES);
    while (block.hasRemaining()) {
      block.putLong(-1);
    }
    for (long at = 0; at < sizeBytes; at += BLOCK_BYTES) {
      block.position(0).limit((int) Math.min(BLOCK_BYTES, sizeBytes - at));
      write(channel, at, block);
    }
    channel.force(false);
    return new PlainFile(channel, FileChannel.MapMode.READ_WRITE, sizeBytes);
  }

  MemorySegment mapped() {
    return mapped;
  }

  /** A read by system call. */
  void read(long offset, ByteBuffer dst) throws IOException {
    dst.clear();
    while (dst.hasRemaining()) {
      if (channel.read(dst, offset + dst.position()) < 0) {
        throw new IOException("the file ends before " + (offset + dst.limit()));
      }
    }
  }

  /** A write by system call. */
  void write(long offset, ByteBuffer src) throws IOException {
    src.rewind();
    write(channel, offset, src);
  }

  private static void write(FileChannel channel, long offset, ByteBuffer src) throws IOException {
    while (src.hasRemaining()) {
      channel.write(src, offset + src.position());
    }
  }

  @Override
  public void close() throws IOException {
    arena.close();
    channel.close();
  }
}

package io.bezoar.nio;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.NonWritableChannelException;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.FileSystemException;

/**
 * An open directory: Unix systems let one be opened for reading, so that it can be made durable,
 * and Lucene, among others, does that. Nothing can be read from it. Thread-safe.
 */
final class PoolDirectoryChannel extends FileChannel {
  private final PoolPath path;

  PoolDirectoryChannel(PoolPath path) {
    this.path = path;
  }

  private void checkOpen() throws ClosedChannelException {
    if (!isOpen()) {
      throw new ClosedChannelException();
    }
  }

  private FileSystemException isDirectory() throws ClosedChannelException {
    checkOpen();
    return new FileSystemException(path.text(), null, "is a directory");
  }

  private NonWritableChannelException notWritable() throws ClosedChannelException {
    checkOpen();
    return new NonWritableChannelException();
  }

  /** Makes everything in the pool durable. */
  @Override
  public void force(boolean metaData) throws IOException {
    checkOpen();
    PoolFileSystem fs = path.getFileSystem();
    fs.call(
        path,
        null,
        () -> {
          if (!fs.isReadOnly()) {
            fs.files().sync();
          }
          return true;
        });
  }

  @Override
  public int read(ByteBuffer dst) throws IOException {
    throw isDirectory();
  }

  @Override
  public long read(ByteBuffer[] dsts, int offset, int length) throws IOException {
    throw isDirectory();
  }

  @Override
  public int read(ByteBuffer dst, long position) throws IOException {
    throw isDirectory();
  }

  @Override
  public long transferTo(long position, long count, WritableByteChannel target) throws IOException {
    throw isDirectory();
  }

  @Override
  public long position() throws IOException {
    checkOpen();
    return 0;
  }

  @Override
  public FileChannel position(long newPosition) throws IOException {
    throw isDirectory();
  }

  @Override
  public long size() throws IOException {
    checkOpen();
    return 0;
  }

  @Override
  public MappedByteBuffer map(MapMode mode, long position, long size) throws IOException {
    throw isDirectory();
  }

  @Override
  public int write(ByteBuffer src) throws IOException {
    throw notWritable();
  }

  @Override
  public long write(ByteBuffer[] srcs, int offset, int length) throws IOException {
    throw notWritable();
  }

  @Override
  public int write(ByteBuffer src, long position) throws IOException {
    throw notWritable();
  }

  @Override
  public FileChannel truncate(long size) throws IOException {
    throw notWritable();
  }

  @Override
  public long transferFrom(ReadableByteChannel src, long position, long count) throws IOException {
    throw notWritable();
  }

  @Override
  public FileLock lock(long position, long size, boolean shared) throws IOException {
    throw isDirectory();
  }

  @Override
  public FileLock tryLock(long position, long size, boolean shared) throws IOException {
    throw isDirectory();
  }

  @Override
  protected void implCloseChannel() {
    path.getFileSystem().closed(this);
  }
}

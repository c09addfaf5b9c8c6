package io.bezoar.nio;

import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileLock;

/** A lock on a range of a file. Thread-safe. */
final class PoolFileLock extends FileLock {
  private final PoolFileChannel channel;
  private volatile boolean released;

  PoolFileLock(PoolFileChannel channel, long position, long size, boolean shared) {
    super(channel, position, size, shared);
    this.channel = channel;
  }

  @Override
  public boolean isValid() {
    return !released && channel.isOpen();
  }

  @Override
  public void release() throws IOException {
    if (!channel.isOpen()) {
      throw new ClosedChannelException();
    }
    released = true;
    channel.unlock(this);
  }
}

package io.bezoar.nbd;

import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;

/**
 * What comes from a client, buffered so that one system call brings in many requests. Payloads that
 * fit stay where they were received: a device takes them from here. Used by one thread.
 */
final class Inbound {
  /** Room for the largest payload that is served in place, and for requests read ahead of it. */
  static final int CAPACITY_BYTES = 320 << 10;

  /** Largest payload that can be made to lie in the buffer as a whole. */
  static final int IN_PLACE_BYTES = 256 << 10;

  /**
   * How much is read when only a header is wanted: many requests, but not so much of a large
   * payload that moving it to where it belongs would cost as much as receiving it.
   */
  private static final int AHEAD_BYTES = 32 << 10;

  private final ReadableByteChannel channel;
  private final Patience patience;
  private final MemorySegment memory;
  private final ByteBuffer bytes;

  /**
   * Creates an empty buffer.
   *
   * @param memory {@link #CAPACITY_BYTES} of private native memory
   */
  Inbound(ReadableByteChannel channel, Patience patience, MemorySegment memory) {
    this.channel = channel;
    this.patience = patience;
    this.memory = memory;
    this.bytes = memory.asByteBuffer().limit(0);
  }

  /** The bytes that are here, to be taken from its position. */
  ByteBuffer bytes() {
    return bytes;
  }

  boolean has(int countBytes) {
    return bytes.remaining() >= countBytes;
  }

  /**
   * Waits until {@code countBytes} are here, for the head of the next message.
   *
   * @return false when the client has closed its side between two messages
   * @throws EOFException when it did so within one
   */
  boolean awaitHead(int countBytes) throws IOException {
    while (!has(countBytes)) {
      makeRoom(Math.max(countBytes, AHEAD_BYTES));
      int limit = Math.min(bytes.capacity(), bytes.limit() + AHEAD_BYTES);
      if (receive(limit) < 0) {
        if (bytes.hasRemaining()) {
          throw new EOFException("the client left within the head of a message");
        }
        return false;
      }
    }
    return true;
  }

  /**
   * Waits until a payload of {@code countBytes}, at most {@link #IN_PLACE_BYTES}, is here as a
   * whole.
   *
   * @throws EOFException when the client closes its side before
   */
  void awaitPayload(int countBytes) throws IOException {
    if (has(countBytes)) {
      return;
    }
    makeRoom(countBytes);
    while (!has(countBytes)) {
      int ahead = countBytes < AHEAD_BYTES ? AHEAD_BYTES : 0;
      int limit = Math.min(bytes.capacity(), bytes.position() + countBytes + ahead);
      receivePart(() -> receive(limit));
    }
  }

  /** Takes {@code countBytes} that are here, as memory; valid until the next wait. */
  MemorySegment take(int countBytes) {
    int from = bytes.position();
    bytes.position(from + countBytes);
    return memory.asSlice(from, countBytes);
  }

  /**
   * Fills {@code dst} to its limit, past this buffer where it is empty.
   *
   * @throws EOFException when the client closes its side before
   */
  void receiveInto(ByteBuffer dst) throws IOException {
    int here = Math.min(bytes.remaining(), dst.remaining());
    dst.put(bytes.slice(bytes.position(), here));
    bytes.position(bytes.position() + here);
    while (dst.hasRemaining()) {
      receivePart(() -> channel.read(dst));
    }
  }

  /**
   * Throws {@code countBytes} of payload away.
   *
   * @throws EOFException when the client closes its side before
   */
  void discard(long countBytes) throws IOException {
    long left = countBytes;
    while (true) {
      int here = (int) Math.min(left, bytes.remaining());
      bytes.position(bytes.position() + here);
      left -= here;
      if (left == 0) {
        return;
      }
      bytes.clear().limit(0);
      receivePart(() -> receive(bytes.capacity()));
    }
  }

  @FunctionalInterface
  private interface Receiving {
    int receive() throws IOException;
  }

  private void receivePart(Receiving part) throws IOException {
    patience.receiving();
    try {
      if (part.receive() < 0) {
        throw new EOFException("the client left within a payload");
      }
    } finally {
      patience.received();
    }
  }

  /** Moves what is here to the front when {@code countBytes} from the position would not fit. */
  private void makeRoom(int countBytes) {
    if (!bytes.hasRemaining()) {
      bytes.clear().limit(0);
    } else if (bytes.position() + countBytes > bytes.capacity()) {
      bytes.compact().flip();
    }
  }

  /** Reads once, behind what is here, up to {@code limit} of the buffer. */
  private int receive(int limit) throws IOException {
    int start = bytes.position();
    int end = bytes.limit();
    bytes.limit(limit).position(end);
    try {
      int count = channel.read(bytes);
      end += Math.max(count, 0);
      return count;
    } finally {
      bytes.limit(end).position(start);
    }
  }
}

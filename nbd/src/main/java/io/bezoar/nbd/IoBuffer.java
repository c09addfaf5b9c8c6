package io.bezoar.nbd;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;

/**
 * Private native memory for one request: a page of room for a reply's head, then the payload at a
 * page boundary, so that head and payload leave in one write and devices copy to aligned memory.
 */
final class IoBuffer {
  /** Room in front of the payload. */
  static final int HEAD_BYTES = 4096;

  private final Arena arena = Arena.ofShared();
  private final MemorySegment memory;
  private final ByteBuffer bytes;
  private final int payloadBytes;

  IoBuffer(int payloadBytes) {
    this.payloadBytes = payloadBytes;
    this.memory = arena.allocate(HEAD_BYTES + (long) payloadBytes, 4096);
    this.bytes = memory.asByteBuffer();
  }

  /** Most bytes of payload. */
  int payloadBytes() {
    return payloadBytes;
  }

  long footprintBytes() {
    return memory.byteSize();
  }

  /** The first {@code lengthBytes} of the payload, for a device. */
  MemorySegment payload(long lengthBytes) {
    return memory.asSlice(HEAD_BYTES, lengthBytes);
  }

  /** The first {@code lengthBytes} of the payload, for a socket. */
  ByteBuffer payloadBytes(int lengthBytes) {
    return bytes.slice(HEAD_BYTES, lengthBytes);
  }

  /**
   * The {@code headBytes} in front of the payload and the first {@code lengthBytes} of it: position
   * is at the head, to be filled in with absolute or relative puts.
   */
  ByteBuffer headAndPayload(int headBytes, int lengthBytes) {
    return bytes.slice(HEAD_BYTES - headBytes, headBytes + lengthBytes);
  }

  /** Gives the memory back to the system; nobody may use the buffer any more. */
  void free() {
    arena.close();
  }
}

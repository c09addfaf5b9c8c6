package io.bezoar.nbd;

import java.nio.ByteBuffer;

/** Turns bytes into requests; pure, so that it can be fuzzed. */
final class RequestParser {
  private RequestParser() {}

  /**
   * Takes one request off {@code in}, which holds at least {@link NbdLayout#REQUEST_BYTES} bytes.
   *
   * @throws ProtocolViolation when it is not the start of a request; the stream cannot be followed
   *     any further then
   */
  static Request parse(ByteBuffer in) throws ProtocolViolation {
    int magic = in.getInt();
    if (magic != NbdLayout.REQUEST_MAGIC) {
      throw new ProtocolViolation("not a request: magic 0x" + Integer.toHexString(magic));
    }
    int flags = Short.toUnsignedInt(in.getShort());
    int type = Short.toUnsignedInt(in.getShort());
    long cookie = in.getLong();
    long offset = in.getLong();
    long length = Integer.toUnsignedLong(in.getInt());
    return new Request(flags, type, cookie, offset, length);
  }
}

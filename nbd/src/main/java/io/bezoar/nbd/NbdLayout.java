package io.bezoar.nbd;

import java.nio.ByteBuffer;

/**
 * Every number and offset of the NBD protocol that this server uses, and nothing else: fixed
 * newstyle, as in doc/proto.md of the reference implementation. All fields are big-endian, which is
 * a {@link ByteBuffer}'s own order.
 */
final class NbdLayout {
  static final long GREETING_MAGIC = 0x4e42444d41474943L;
  static final long OPTION_MAGIC = 0x49484156454f5054L;
  static final long OPTION_REPLY_MAGIC = 0x0003e889045565a9L;
  static final int REQUEST_MAGIC = 0x25609513;
  static final int SIMPLE_REPLY_MAGIC = 0x67446698;
  static final int CHUNK_MAGIC = 0x668e33ef;

  static final int GREETING_BYTES = 18;
  static final int CLIENT_FLAGS_BYTES = 4;
  static final int OPTION_HEADER_BYTES = 16;
  static final int OPTION_REPLY_HEADER_BYTES = 20;
  static final int REQUEST_BYTES = 28;
  static final int SIMPLE_REPLY_BYTES = 16;
  static final int CHUNK_HEADER_BYTES = 20;

  /** A chunk header and the offset with which the payload of a data chunk starts. */
  static final int DATA_CHUNK_HEADER_BYTES = CHUNK_HEADER_BYTES + 8;

  /** What follows size and flags after NBD_OPT_EXPORT_NAME, unless the client declined it. */
  static final int EXPORT_NAME_PADDING_BYTES = 124;

  /** No string of the protocol is longer. */
  static final int MAX_STRING_BYTES = 4096;

  static final int FLAG_FIXED_NEWSTYLE = 1;
  static final int FLAG_NO_ZEROES = 1 << 1;

  static final int OPT_EXPORT_NAME = 1;
  static final int OPT_ABORT = 2;
  static final int OPT_LIST = 3;
  static final int OPT_STARTTLS = 5;
  static final int OPT_INFO = 6;
  static final int OPT_GO = 7;
  static final int OPT_STRUCTURED_REPLY = 8;
  static final int OPT_LIST_META_CONTEXT = 9;
  static final int OPT_SET_META_CONTEXT = 10;

  static final int REP_ACK = 1;
  static final int REP_SERVER = 2;
  static final int REP_INFO = 3;
  static final int REP_META_CONTEXT = 4;
  static final int REP_ERR_UNSUP = 0x80000001;
  static final int REP_ERR_POLICY = 0x80000002;
  static final int REP_ERR_INVALID = 0x80000003;
  static final int REP_ERR_UNKNOWN = 0x80000006;
  static final int REP_ERR_TOO_BIG = 0x80000009;

  static final int INFO_EXPORT = 0;
  static final int INFO_NAME = 1;
  static final int INFO_DESCRIPTION = 2;
  static final int INFO_BLOCK_SIZE = 3;

  static final int EXPORT_HAS_FLAGS = 1;
  static final int EXPORT_READ_ONLY = 1 << 1;
  static final int EXPORT_SEND_FLUSH = 1 << 2;
  static final int EXPORT_SEND_FUA = 1 << 3;
  static final int EXPORT_SEND_TRIM = 1 << 5;
  static final int EXPORT_SEND_WRITE_ZEROES = 1 << 6;
  static final int EXPORT_SEND_DF = 1 << 7;
  static final int EXPORT_CAN_MULTI_CONN = 1 << 8;
  static final int EXPORT_SEND_FAST_ZERO = 1 << 11;

  static final int CMD_READ = 0;
  static final int CMD_WRITE = 1;
  static final int CMD_DISC = 2;
  static final int CMD_FLUSH = 3;
  static final int CMD_TRIM = 4;
  static final int CMD_WRITE_ZEROES = 6;
  static final int CMD_BLOCK_STATUS = 7;

  static final int CMD_FLAG_FUA = 1;
  static final int CMD_FLAG_NO_HOLE = 1 << 1;
  static final int CMD_FLAG_DF = 1 << 2;
  static final int CMD_FLAG_REQ_ONE = 1 << 3;
  static final int CMD_FLAG_FAST_ZERO = 1 << 4;

  static final int CHUNK_FLAG_MORE = 0;
  static final int CHUNK_FLAG_DONE = 1;

  static final int CHUNK_NONE = 0;
  static final int CHUNK_OFFSET_DATA = 1;
  static final int CHUNK_BLOCK_STATUS = 5;
  static final int CHUNK_ERROR = 0x8001;
  static final int CHUNK_ERROR_OFFSET = 0x8002;

  static final int MIN_BLOCK_BYTES = 1;
  static final int PREFERRED_BLOCK_BYTES = 4096;

  /** The largest read or write, and the largest for which the protocol asks of every server. */
  static final int MAX_BLOCK_BYTES = 32 << 20;

  private NbdLayout() {}

  /** The first bytes on every connection. */
  static void putGreeting(ByteBuffer out) {
    out.putLong(GREETING_MAGIC)
        .putLong(OPTION_MAGIC)
        .putShort((short) (FLAG_FIXED_NEWSTYLE | FLAG_NO_ZEROES));
  }

  /** The head of an answer to an option; {@code lengthBytes} of data follow. */
  static void putOptionReply(ByteBuffer out, int option, int reply, int lengthBytes) {
    out.putLong(OPTION_REPLY_MAGIC).putInt(option).putInt(reply).putInt(lengthBytes);
  }

  /** A whole simple reply, or the head of one with data. {@code error} 0 is success. */
  static void putSimpleReply(ByteBuffer out, int error, long cookie) {
    out.putInt(SIMPLE_REPLY_MAGIC).putInt(error).putLong(cookie);
  }

  /** The head of one chunk of a structured reply. */
  static void putChunk(ByteBuffer out, int flags, int type, long cookie, int lengthBytes) {
    out.putInt(CHUNK_MAGIC)
        .putShort((short) flags)
        .putShort((short) type)
        .putLong(cookie)
        .putInt(lengthBytes);
  }

  /** The head of a data chunk; {@code lengthBytes} of data follow. */
  static void putDataChunk(ByteBuffer out, int flags, long cookie, long offset, int lengthBytes) {
    putChunk(out, flags, CHUNK_OFFSET_DATA, cookie, 8 + lengthBytes);
    out.putLong(offset);
  }

  /** A whole error chunk about the request as such. */
  static void putErrorChunk(
      ByteBuffer out, int flags, long cookie, NbdError error, byte[] message) {
    putChunk(out, flags, CHUNK_ERROR, cookie, 6 + message.length);
    out.putInt(error.code()).putShort((short) message.length).put(message);
  }

  /** A whole error chunk about the byte at {@code offset}. */
  static void putErrorOffsetChunk(
      ByteBuffer out, int flags, long cookie, NbdError error, byte[] message, long offset) {
    putChunk(out, flags, CHUNK_ERROR_OFFSET, cookie, 14 + message.length);
    out.putInt(error.code()).putShort((short) message.length).put(message).putLong(offset);
  }
}

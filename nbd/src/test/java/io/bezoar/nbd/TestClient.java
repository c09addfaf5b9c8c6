package io.bezoar.nbd;

import java.io.EOFException;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** The other end of the wire, byte by byte, so that a test can also say what no client would. */
final class TestClient implements AutoCloseable {

  /** One answer to an option. */
  record OptionReply(int option, int type, ByteBuffer data) {
    ByteBuffer buffer() {
      return data.duplicate();
    }
  }

  /** One message of the transmission phase. */
  sealed interface Message {
    long cookie();

    /** A simple reply without data. */
    record Simple(int error, long cookie) implements Message {}

    /** One chunk of a structured reply. */
    record Chunk(int flags, int type, long cookie, ByteBuffer payload) implements Message {
      boolean isDone() {
        return (flags & NbdLayout.CHUNK_FLAG_DONE) != 0;
      }

      ByteBuffer buffer() {
        return payload.duplicate();
      }

      /** Of a data chunk: where its bytes belong. */
      long dataOffset() {
        return buffer().getLong();
      }

      byte[] data() {
        byte[] data = new byte[payload.remaining() - 8];
        payload.get(8, data);
        return data;
      }

      /** Of an error chunk: the number. */
      int error() {
        return buffer().getInt();
      }

      String message() {
        int length = Short.toUnsignedInt(buffer().getShort(4));
        return StandardCharsets.UTF_8.decode(payload.slice(6, length)).toString();
      }

      /** Of an error chunk with a place: the place. */
      long errorOffset() {
        return buffer().getLong(payload.limit() - 8);
      }
    }
  }

  private final SocketChannel channel;

  private TestClient(SocketChannel channel) {
    this.channel = channel;
  }

  /** Connects, and says nothing. */
  static TestClient connect(Path socket) throws IOException {
    SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
    channel.connect(UnixDomainSocketAddress.of(socket));
    return new TestClient(channel);
  }

  /** Connects and shakes hands up to the options. */
  static TestClient haggling(Path socket) throws IOException {
    TestClient client = connect(socket);
    client.receive(NbdLayout.GREETING_BYTES);
    client.sendInts(NbdLayout.FLAG_FIXED_NEWSTYLE | NbdLayout.FLAG_NO_ZEROES);
    return client;
  }

  /** Connects and goes on to transmission, with structured replies and all metadata. */
  static TestClient structured(Path socket) throws IOException {
    TestClient client = haggling(socket);
    client.option(NbdLayout.OPT_STRUCTURED_REPLY, new byte[0]);
    client.option(
        NbdLayout.OPT_SET_META_CONTEXT, metaQuery("", "base:allocation", "bezoar:poison"));
    client.option(NbdLayout.OPT_GO, describe(""));
    return client;
  }

  /** Connects and goes on to transmission with simple replies. */
  static TestClient simple(Path socket) throws IOException {
    TestClient client = haggling(socket);
    client.option(NbdLayout.OPT_GO, describe(""));
    return client;
  }

  /** The data of INFO and GO. */
  static byte[] describe(String name, int... wanted) {
    byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
    ByteBuffer data = ByteBuffer.allocate(4 + bytes.length + 2 + 2 * wanted.length);
    data.putInt(bytes.length).put(bytes).putShort((short) wanted.length);
    for (int info : wanted) {
      data.putShort((short) info);
    }
    return data.array();
  }

  /** The data of LIST_META_CONTEXT and SET_META_CONTEXT. */
  static byte[] metaQuery(String name, String... queries) {
    ByteBuffer data = ByteBuffer.allocate(4096);
    putString(data, name);
    data.putInt(queries.length);
    for (String query : queries) {
      putString(data, query);
    }
    return Arrays.copyOf(data.array(), data.position());
  }

  private static void putString(ByteBuffer data, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    data.putInt(bytes.length).put(bytes);
  }

  /** The bytes of an option. */
  static byte[] optionBytes(int option, byte[] data) {
    return ByteBuffer.allocate(NbdLayout.OPTION_HEADER_BYTES + data.length)
        .putLong(NbdLayout.OPTION_MAGIC)
        .putInt(option)
        .putInt(data.length)
        .put(data)
        .array();
  }

  /** The bytes of a request without payload. */
  static byte[] requestBytes(int flags, int type, long cookie, long offset, long length) {
    return ByteBuffer.allocate(NbdLayout.REQUEST_BYTES)
        .putInt(NbdLayout.REQUEST_MAGIC)
        .putShort((short) flags)
        .putShort((short) type)
        .putLong(cookie)
        .putLong(offset)
        .putInt((int) length)
        .array();
  }

  /** Sends an option; all answers to it, the last of which is an acknowledgement or an error. */
  List<OptionReply> option(int option, byte[] data) throws IOException {
    send(optionBytes(option, data));
    List<OptionReply> replies = new ArrayList<>();
    do {
      replies.add(optionReply());
    } while (replies.getLast().type() != NbdLayout.REP_ACK && replies.getLast().type() >= 0);
    return replies;
  }

  private OptionReply optionReply() throws IOException {
    ByteBuffer head = receive(NbdLayout.OPTION_REPLY_HEADER_BYTES);
    if (head.getLong() != NbdLayout.OPTION_REPLY_MAGIC) {
      throw new IOException("not an answer to an option");
    }
    int option = head.getInt();
    int type = head.getInt();
    return new OptionReply(option, type, receive(head.getInt()));
  }

  void request(int flags, int type, long cookie, long offset, long length) throws IOException {
    send(requestBytes(flags, type, cookie, offset, length));
  }

  void read(long cookie, long offset, long length) throws IOException {
    request(0, NbdLayout.CMD_READ, cookie, offset, length);
  }

  void write(int flags, long cookie, long offset, byte[] data) throws IOException {
    send(requestBytes(flags, NbdLayout.CMD_WRITE, cookie, offset, data.length));
    send(data);
  }

  /** The next message of a connection that answers requests without data. */
  Message message() throws IOException {
    return message(0);
  }

  /** The next message, where a simple reply without error carries {@code dataBytes} to skip. */
  Message message(int dataBytes) throws IOException {
    int magic = receive(4).getInt();
    if (magic == NbdLayout.SIMPLE_REPLY_MAGIC) {
      ByteBuffer rest = receive(12);
      int error = rest.getInt();
      long cookie = rest.getLong();
      if (error == 0) {
        receive(dataBytes);
      }
      return new Message.Simple(error, cookie);
    }
    if (magic != NbdLayout.CHUNK_MAGIC) {
      throw new IOException("not a reply: magic 0x" + Integer.toHexString(magic));
    }
    ByteBuffer rest = receive(16);
    int flags = rest.getShort();
    int type = Short.toUnsignedInt(rest.getShort());
    long cookie = rest.getLong();
    return new Message.Chunk(flags, type, cookie, receive(rest.getInt()));
  }

  /** All chunks of the next structured reply. */
  List<Message.Chunk> chunks() throws IOException {
    List<Message.Chunk> chunks = new ArrayList<>();
    do {
      chunks.add((Message.Chunk) message());
    } while (!chunks.getLast().isDone());
    return chunks;
  }

  /** The error number of the next message, in whatever form it comes; 0 for success. */
  int status() throws IOException {
    return switch (message()) {
      case Message.Simple simple -> simple.error();
      case Message.Chunk chunk when chunk.type() == NbdLayout.CHUNK_NONE -> 0;
      case Message.Chunk chunk -> chunk.error();
    };
  }

  void send(byte[] bytes) throws IOException {
    ByteBuffer buffer = ByteBuffer.wrap(bytes);
    while (buffer.hasRemaining()) {
      channel.write(buffer);
    }
  }

  void sendInts(int... values) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(4 * values.length);
    for (int value : values) {
      buffer.putInt(value);
    }
    send(buffer.array());
  }

  /** Exactly so many bytes, ready to be read. */
  ByteBuffer receive(int countBytes) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(countBytes);
    while (buffer.hasRemaining()) {
      if (channel.read(buffer) < 0) {
        throw new EOFException("the server closed the connection");
      }
    }
    return buffer.flip();
  }

  /** Whether the server has closed the connection, once what it sent before has been skipped. */
  boolean isClosedByServer() {
    try {
      ByteBuffer rest = ByteBuffer.allocate(4096);
      while (channel.read(rest) >= 0) {
        rest.clear();
      }
      return true;
    } catch (IOException reset) {
      return true;
    }
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}

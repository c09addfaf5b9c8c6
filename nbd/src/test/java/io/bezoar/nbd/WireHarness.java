package io.bezoar.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.channels.GatheringByteChannel;
import java.nio.channels.ReadableByteChannel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Plays a client's bytes to the server's handshake and transmission without a socket, and judges
 * what comes back. Everything runs on the calling thread, so a finding can be replayed from its
 * bytes.
 *
 * <p>Whatever the client says: nothing is thrown but the two ways to end a connection; every
 * message of the server is well-formed; and every request that arrived as a whole before the end is
 * answered exactly once, reads with good bytes or the place of lost ones.
 */
final class WireHarness {
  private static final long SIZE_BYTES = 64 << 10;
  private static final int LOST_PAGE = 5;

  private final MemoryDevice device = MemoryDevice.fast(SIZE_BYTES);

  /** Input that arrives in pieces of a size that changes, as on a real socket. */
  private static final class Input implements ReadableByteChannel {
    private final ByteBuffer bytes;
    private int piece = 1;

    Input(byte[] bytes) {
      this.bytes = ByteBuffer.wrap(bytes);
    }

    @Override
    public int read(ByteBuffer dst) {
      if (!bytes.hasRemaining()) {
        return -1;
      }
      piece = piece % 97 + 13;
      int count = Math.min(Math.min(piece, dst.remaining()), bytes.remaining());
      dst.put(bytes.slice(bytes.position(), count));
      bytes.position(bytes.position() + count);
      return count;
    }

    @Override
    public boolean isOpen() {
      return true;
    }

    @Override
    public void close() {}
  }

  /** Output that takes a part of what it is given. */
  private static final class Output implements GatheringByteChannel {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    @Override
    public int write(ByteBuffer src) {
      byte[] part = new byte[Math.min(src.remaining(), 60_000)];
      src.get(part);
      bytes.writeBytes(part);
      return part.length;
    }

    @Override
    public long write(ByteBuffer[] sources, int offset, int length) {
      for (int i = offset; i < offset + length; i++) {
        if (sources[i].hasRemaining()) {
          return write(sources[i]);
        }
      }
      return 0;
    }

    @Override
    public long write(ByteBuffer[] sources) {
      return write(sources, 0, sources.length);
    }

    @Override
    public boolean isOpen() {
      return true;
    }

    @Override
    public void close() {}

    ByteBuffer all() {
      return ByteBuffer.wrap(bytes.toByteArray());
    }
  }

  /** Plays {@code client}, which begins with the answer to the greeting. */
  void playHandshake(byte[] client) {
    Output output = new Output();
    try (Services services = services();
        Arena arena = Arena.ofConfined()) {
      Inbound in = inbound(client, arena);
      Handshake.run(services.export(), in, outbound(services, output));
    } catch (ProtocolViolation | EOFException ended) {
      // One of the two ways in which a client may be left.
    } catch (IOException impossible) {
      throw new AssertionError(impossible);
    }
    ByteBuffer answers = output.all();
    assertThat(answers.getLong()).isEqualTo(NbdLayout.GREETING_MAGIC);
    assertThat(answers.getLong()).isEqualTo(NbdLayout.OPTION_MAGIC);
    answers.getShort();
    while (answers.remaining() >= Long.BYTES
        && answers.getLong(answers.position()) == NbdLayout.OPTION_REPLY_MAGIC) {
      answers.position(answers.position() + 16);
      int length = answers.getInt();
      assertThat(length).isBetween(0, Negotiator.MAX_ANSWER_BYTES);
      answers.position(answers.position() + length);
    }
    // What else can come is the answer to EXPORT_NAME.
    assertThat(answers.remaining()).isIn(0, 10, 134);
  }

  /** Plays {@code client}, which begins after the handshake. */
  void playTransmission(byte[] client, ReplyStyle style) {
    device.losePage(LOST_PAGE);
    Session session =
        new Session(
            style, style == ReplyStyle.STRUCTURED ? List.of(MetaContext.values()) : List.of());
    Output output = new Output();
    try (Services services = services();
        Arena arena = Arena.ofConfined()) {
      new Transmission(
              services,
              session,
              inbound(client, arena),
              outbound(services, output),
              new BufferPool.Account(),
              arena.allocate(Transmission.REPLIES_BYTES))
          .run();
      assertThat(services.buffers().usedBytes()).isZero();
    } catch (ProtocolViolation | EOFException ended) {
      // The replies before it are judged all the same.
    } catch (IOException | InterruptedException impossible) {
      throw new AssertionError(impossible);
    }
    judge(whole(client), output.all(), style);
  }

  private Services services() {
    return new Services(
        new NbdExport("", "", device, NbdExport.Mode.READ_WRITE, ServerFixture.health(device)),
        new NbdOptions(
            1, 64L << 20, 64L << 20, 1, Duration.ofDays(1), Duration.ofDays(1), Duration.ZERO),
        () -> {});
  }

  private static Inbound inbound(byte[] client, Arena arena) {
    return new Inbound(new Input(client), new Patience(), arena.allocate(Inbound.CAPACITY_BYTES));
  }

  private static Outbound outbound(Services services, Output output) {
    return new Outbound(
        output, new Patience(), services.buffers(), new BufferPool.Account(), "fuzz-writer");
  }

  /** The requests that arrive as a whole before the connection ends, read as the protocol says. */
  private static List<Request> whole(byte[] client) {
    List<Request> requests = new ArrayList<>();
    ByteBuffer in = ByteBuffer.wrap(client);
    while (in.remaining() >= 28 && in.getInt() == 0x25609513) {
      int flags = in.getShort() & 0xffff;
      int type = in.getShort() & 0xffff;
      Request request =
          new Request(flags, type, in.getLong(), in.getLong(), in.getInt() & 0xffffffffL);
      if (type == 2) {
        break;
      }
      if (type == 1) {
        if (in.remaining() < request.length()) {
          break;
        }
        in.position(in.position() + (int) request.length());
      }
      requests.add(request);
    }
    return requests;
  }

  private static void judge(List<Request> requests, ByteBuffer replies, ReplyStyle style) {
    Map<Long, List<Request>> owed = new HashMap<>();
    for (Request request : requests) {
      owed.computeIfAbsent(request.cookie(), cookie -> new ArrayList<>()).add(request);
    }
    while (replies.hasRemaining()) {
      int magic = replies.getInt();
      if (magic == NbdLayout.SIMPLE_REPLY_MAGIC) {
        int error = replies.getInt();
        List<Request> candidates = owed.getOrDefault(replies.getLong(), List.of());
        assertThat(candidates).as("a reply to nobody").isNotEmpty();
        // All is served by one thread here, so replies come in order.
        Request request = candidates.removeFirst();
        if (request.type() == NbdLayout.CMD_READ) {
          assertThat(style).isEqualTo(ReplyStyle.SIMPLE);
          replies.position(replies.position() + (error == 0 ? (int) request.length() : 0));
        }
      } else {
        assertThat(magic).isEqualTo(NbdLayout.CHUNK_MAGIC);
        assertThat(style).isEqualTo(ReplyStyle.STRUCTURED);
        judgeChunk(owed, replies);
      }
    }
    assertThat(owed.values()).as("requests without a reply").allMatch(List::isEmpty);
  }

  private static void judgeChunk(Map<Long, List<Request>> owed, ByteBuffer replies) {
    int flags = replies.getShort();
    int type = Short.toUnsignedInt(replies.getShort());
    List<Request> candidates = owed.getOrDefault(replies.getLong(), List.of());
    assertThat(candidates).as("a chunk for nobody").isNotEmpty();
    Request request = candidates.getFirst();
    int length = replies.getInt();
    ByteBuffer payload = replies.slice(replies.position(), length);
    replies.position(replies.position() + length);
    switch (type) {
      case NbdLayout.CHUNK_NONE -> assertThat(length).isZero();
      case NbdLayout.CHUNK_OFFSET_DATA -> {
        long offset = payload.getLong();
        assertThat(offset).isGreaterThanOrEqualTo(request.offset());
        assertThat(offset + payload.remaining()).isLessThanOrEqualTo(request.end());
        assertThat(payload.hasRemaining()).isTrue();
      }
      case NbdLayout.CHUNK_BLOCK_STATUS -> {
        payload.getInt();
        long sum = 0;
        while (payload.hasRemaining()) {
          sum += Integer.toUnsignedLong(payload.getInt());
          payload.getInt();
        }
        assertThat(sum).isBetween(1L, request.length());
      }
      case NbdLayout.CHUNK_ERROR -> assertThat(payload.getInt()).isPositive();
      case NbdLayout.CHUNK_ERROR_OFFSET -> {
        assertThat(payload.getInt()).isPositive();
        long offset = payload.getLong(payload.limit() - 8);
        assertThat(offset).isBetween(request.offset(), request.end() - 1);
      }
      default -> throw new AssertionError("chunk of type " + type);
    }
    if ((flags & NbdLayout.CHUNK_FLAG_DONE) != 0) {
      candidates.removeFirst();
    }
  }
}

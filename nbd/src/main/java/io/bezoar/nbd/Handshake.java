package io.bezoar.nbd;

import java.io.IOException;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** The handshake of one connection over its socket: moves bytes, decides nothing. */
final class Handshake {
  /** Longer data of an option is not looked at. */
  private static final int MAX_DATA_BYTES = 64 << 10;

  private Handshake() {}

  /**
   * Haggles until the client wants to transmit.
   *
   * @return what was agreed, or null when the client left or must be left
   * @throws ProtocolViolation when it broke the protocol
   */
  static @Nullable Session run(NbdExport export, Inbound in, Outbound out) throws IOException {
    ByteBuffer answer = ByteBuffer.allocate(Negotiator.MAX_ANSWER_BYTES);
    NbdLayout.putGreeting(answer);
    out.send(answer.flip());
    if (!in.awaitHead(NbdLayout.CLIENT_FLAGS_BYTES)) {
      return null;
    }
    Negotiator negotiator = Negotiator.start(export, in.bytes().getInt());
    while (in.awaitHead(NbdLayout.OPTION_HEADER_BYTES)) {
      OptionParser.Head head = OptionParser.parseHead(in.bytes());
      answer.clear();
      Negotiator.Next next;
      if (head.lengthBytes() > MAX_DATA_BYTES) {
        in.discard(head.lengthBytes());
        next = negotiator.answerTooBig(head.code(), answer);
      } else {
        int lengthBytes = (int) head.lengthBytes();
        in.awaitPayload(lengthBytes);
        ByteBuffer data = in.take(lengthBytes).asByteBuffer();
        next = negotiator.answer(OptionParser.parse(head.code(), data), answer);
      }
      out.send(answer.flip());
      switch (next) {
        case HAGGLE -> {}
        case TRANSMIT -> {
          return negotiator.session();
        }
        case CLOSE -> {
          return null;
        }
      }
    }
    return null;
  }
}

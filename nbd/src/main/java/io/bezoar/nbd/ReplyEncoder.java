package io.bezoar.nbd;

import static io.bezoar.nbd.NbdLayout.CHUNK_FLAG_DONE;
import static io.bezoar.nbd.NbdLayout.CHUNK_FLAG_MORE;

import io.bezoar.media.ByteRange;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Turns outcomes into the bytes of replies, in the style that was agreed on. Stateless. */
final class ReplyEncoder {
  /** So many lost runs of one read are described in words; the others by their place only. */
  private static final int DESCRIBED_RUNS = 16;

  private static final byte[] NO_MESSAGE = {};

  private final ReplyStyle style;

  ReplyEncoder(ReplyStyle style) {
    this.style = style;
  }

  /** Size of the head of a read's data. */
  int dataHeadBytes() {
    return style == ReplyStyle.SIMPLE
        ? NbdLayout.SIMPLE_REPLY_BYTES
        : NbdLayout.DATA_CHUNK_HEADER_BYTES;
  }

  /** The head of a whole, healthy read whose data follow. */
  void putDataHead(ByteBuffer out, Request request) {
    if (style == ReplyStyle.SIMPLE) {
      NbdLayout.putSimpleReply(out, 0, request.cookie());
    } else {
      NbdLayout.putDataChunk(
          out, CHUNK_FLAG_DONE, request.cookie(), request.offset(), (int) request.length());
    }
  }

  /** Most bytes that {@link #putStatus} writes. */
  static int maxStatusBytes() {
    return NbdLayout.CHUNK_HEADER_BYTES + 14 + Failure.MAX_MESSAGE_BYTES;
  }

  /**
   * The answer to a request without data. Only a structured read must be answered by a chunk;
   * everything else may have the shorter simple reply when it went well.
   */
  void putStatus(ByteBuffer out, Request request, @Nullable Failure failure) {
    boolean isRead = request.type() == NbdLayout.CMD_READ;
    if (style == ReplyStyle.SIMPLE || (failure == null && !isRead)) {
      NbdLayout.putSimpleReply(out, failure == null ? 0 : failure.error().code(), request.cookie());
    } else if (failure == null) {
      NbdLayout.putChunk(out, CHUNK_FLAG_DONE, NbdLayout.CHUNK_NONE, request.cookie(), 0);
    } else {
      putError(out, CHUNK_FLAG_DONE, request, failure, failure.messageBytes());
    }
  }

  private static void putError(
      ByteBuffer out, int flags, Request request, Failure failure, byte[] message) {
    if (failure.hasOffset()) {
      NbdLayout.putErrorOffsetChunk(
          out, flags, request.cookie(), failure.error(), message, failure.offset());
    } else {
      NbdLayout.putErrorChunk(out, flags, request.cookie(), failure.error(), message);
    }
  }

  /** The answer to a request without data, alone. */
  ByteBuffer status(Request request, @Nullable Failure failure) {
    ByteBuffer out = ByteBuffer.allocate(maxStatusBytes());
    putStatus(out, request, failure);
    return out.flip();
  }

  /**
   * The answer to a read of which bytes are lost: every good run as data, every lost one as an
   * error at its first byte, in the order of the volume. A client that forbids fragments gets the
   * run at the start of its request, which it can place without looking at offsets.
   *
   * @param data the bytes of the request; the pieces lie in it
   */
  List<ByteBuffer> damaged(Request request, ByteBuffer data, ReadOutcome.Damaged outcome) {
    if (style == ReplyStyle.SIMPLE) {
      return List.of(status(request, outcome.lost().getFirst()));
    }
    List<ByteRange> good = outcome.good();
    if (request.has(NbdLayout.CMD_FLAG_DF)) {
      good = good.stream().filter(range -> range.start() == request.offset()).toList();
    }
    List<ByteBuffer> pieces = new ArrayList<>(2 * good.size() + outcome.lost().size());
    int nextGood = 0;
    int lostRuns = outcome.lost().size();
    for (int i = 0; i < lostRuns; i++) {
      Failure failure = outcome.lost().get(i);
      while (nextGood < good.size() && good.get(nextGood).start() < failure.offset()) {
        addData(pieces, request, data, good.get(nextGood++), CHUNK_FLAG_MORE);
      }
      boolean last = i == lostRuns - 1 && nextGood == good.size();
      byte[] message = i < DESCRIBED_RUNS ? failure.messageBytes() : NO_MESSAGE;
      ByteBuffer head = ByteBuffer.allocate(NbdLayout.CHUNK_HEADER_BYTES + 14 + message.length);
      putError(head, last ? CHUNK_FLAG_DONE : CHUNK_FLAG_MORE, request, failure, message);
      pieces.add(head.flip());
    }
    while (nextGood < good.size()) {
      ByteRange run = good.get(nextGood++);
      addData(
          pieces, request, data, run, nextGood == good.size() ? CHUNK_FLAG_DONE : CHUNK_FLAG_MORE);
    }
    return pieces;
  }

  private static void addData(
      List<ByteBuffer> pieces, Request request, ByteBuffer data, ByteRange run, int flags) {
    int length = (int) run.length();
    ByteBuffer head = ByteBuffer.allocate(NbdLayout.DATA_CHUNK_HEADER_BYTES);
    NbdLayout.putDataChunk(head, flags, request.cookie(), run.start(), length);
    pieces.add(head.flip());
    pieces.add(data.slice((int) (run.start() - request.offset()), length));
  }

  /** The answer to BLOCK_STATUS: one chunk for each context. */
  ByteBuffer blockStatus(Request request, List<BlockStatus.Map> maps) {
    int bytes = 0;
    for (BlockStatus.Map map : maps) {
      bytes += NbdLayout.CHUNK_HEADER_BYTES + 4 + 8 * map.extents().size();
    }
    ByteBuffer out = ByteBuffer.allocate(bytes);
    for (int i = 0; i < maps.size(); i++) {
      BlockStatus.Map map = maps.get(i);
      NbdLayout.putChunk(
          out,
          i == maps.size() - 1 ? CHUNK_FLAG_DONE : CHUNK_FLAG_MORE,
          NbdLayout.CHUNK_BLOCK_STATUS,
          request.cookie(),
          4 + 8 * map.extents().size());
      out.putInt(map.context().id());
      for (BlockStatus.Extent extent : map.extents()) {
        out.putInt((int) extent.lengthBytes()).putInt(extent.flags());
      }
    }
    return out.flip();
  }
}

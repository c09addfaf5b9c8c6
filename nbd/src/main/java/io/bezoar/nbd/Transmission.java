package io.bezoar.nbd;

import static io.bezoar.nbd.NbdLayout.CMD_FLAG_FAST_ZERO;
import static io.bezoar.nbd.NbdLayout.CMD_FLAG_FUA;
import static io.bezoar.nbd.NbdLayout.CMD_WRITE;

import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The transmission phase of one connection: reads requests and sees that each is answered once.
 *
 * <p>The reading thread serves by itself whatever will not keep it: all requests to memory, and
 * requests to slower media when they are alone or when the media has been answering from its cache.
 * Small replies pile up in one buffer and leave in one write as soon as no further request is at
 * hand. The rest goes to the workers, flushes to the persister, and their replies to the writer; so
 * replies come in any order, and a flush keeps nobody waiting.
 *
 * <p>Order: a write is answered when the device has taken it, and a flush begins after it was read,
 * so a flush covers every write that was answered before, on whatever connection.
 */
final class Transmission {
  /** Larger reads get a buffer of their own. */
  private static final int SHARED_REPLY_BYTES = 64 << 10;

  /** Size of the buffer in which small replies pile up. */
  static final int REPLIES_BYTES = 256 << 10;

  /** More zeroes than this would keep the reader. */
  private static final long QUICK_ZERO_BYTES = 1 << 20;

  private final Services services;
  private final Inbound in;
  private final Outbound out;
  private final BufferPool.Account account;
  private final Session session;
  private final RequestCheck check;
  private final ReplyEncoder encoder;
  private final MemorySegment repliesMemory;
  private final ByteBuffer replies;

  /**
   * Creates the phase.
   *
   * @param repliesMemory {@link #REPLIES_BYTES} of private native memory
   */
  Transmission(
      Services services,
      Session session,
      Inbound in,
      Outbound out,
      BufferPool.Account account,
      MemorySegment repliesMemory) {
    this.services = services;
    this.session = session;
    this.in = in;
    this.out = out;
    this.account = account;
    this.check = new RequestCheck(services.sizeBytes(), services.mode(), session);
    this.encoder = new ReplyEncoder(session.style());
    this.repliesMemory = repliesMemory;
    this.replies = repliesMemory.asByteBuffer();
  }

  /** Serves until the client leaves, breaks the protocol, or the server closes the connection. */
  void run() throws IOException, InterruptedException {
    try {
      while (true) {
        if (!in.has(NbdLayout.REQUEST_BYTES)) {
          flushReplies();
          if (!in.awaitHead(NbdLayout.REQUEST_BYTES)) {
            return;
          }
        }
        Request request = RequestParser.parse(in.bytes());
        if (request.type() == NbdLayout.CMD_DISC) {
          flushReplies();
          return;
        }
        serve(request);
      }
    } catch (ProtocolViolation | EOFException ended) {
      // What was served before is answered, or the client would not know what became of it.
      try {
        flushReplies();
      } catch (IOException gone) {
        ended.addSuppressed(gone);
      }
      throw ended;
    } finally {
      out.finish();
    }
  }

  private void serve(Request request) throws IOException, InterruptedException {
    Failure refused =
        services.isStopping()
            ? Failure.whole(NbdError.ESHUTDOWN, "the server is stopping")
            : check.refuse(request);
    if (refused != null) {
      if (request.type() == CMD_WRITE) {
        flushReplies();
        in.discard(request.length());
      }
      answer(request, refused);
      return;
    }
    switch (request.type()) {
      case NbdLayout.CMD_READ -> read(request);
      case CMD_WRITE -> write(request);
      case NbdLayout.CMD_WRITE_ZEROES -> zero(request);
      case NbdLayout.CMD_FLUSH -> flush(request);
      case NbdLayout.CMD_BLOCK_STATUS -> blockStatus(request);
      default -> answer(request, null); // a trim is advice, and clears nothing
    }
  }

  // ---- reads

  private void read(Request request) throws IOException, InterruptedException {
    services.counters().reads.increment();
    services.counters().readBytes.add(request.length());
    int length = (int) request.length();
    if (length == 0) {
      answer(request, null);
    } else if (!servesItself(services.readPace(), 0)) {
      IoBuffer buffer = takeBuffer(length);
      later(request, buffer, () -> readReply(request, buffer));
    } else if (length <= SHARED_REPLY_BYTES) {
      readIntoReplies(request, length);
    } else {
      IoBuffer buffer = takeBuffer(length);
      try {
        out.send(readReply(request, buffer).pieces());
      } finally {
        services.buffers().give(account, buffer);
      }
    }
  }

  private void readIntoReplies(Request request, int length) throws IOException {
    int headBytes = encoder.dataHeadBytes();
    reserve(headBytes + length);
    int dataAt = replies.position() + headBytes;
    ReadOutcome outcome = timedRead(request.offset(), repliesMemory.asSlice(dataAt, length));
    switch (outcome) {
      case ReadOutcome.Whole whole -> {
        encoder.putDataHead(replies, request);
        replies.position(dataAt + length);
      }
      case ReadOutcome.Damaged damaged -> {
        services.counters().errors.increment();
        ByteBuffer data = replies.slice(dataAt, length);
        flushReplies();
        out.send(encoder.damaged(request, data, damaged));
      }
      case ReadOutcome.Failed(Failure failure) -> answer(request, failure);
    }
  }

  private ReadOutcome timedRead(long offset, MemorySegment dst) {
    if (!services.blocking()) {
      return services.volume().read(offset, dst);
    }
    long start = System.nanoTime();
    ReadOutcome outcome = services.volume().read(offset, dst);
    services.readPace().took(System.nanoTime() - start, dst.byteSize());
    return outcome;
  }

  private Reply readReply(Request request, IoBuffer buffer) {
    int length = (int) request.length();
    ReadOutcome outcome = timedRead(request.offset(), buffer.payload(length));
    return switch (outcome) {
      case ReadOutcome.Whole whole -> {
        ByteBuffer all = buffer.headAndPayload(encoder.dataHeadBytes(), length);
        encoder.putDataHead(all, request);
        yield new Reply(List.of(all.position(0)), buffer);
      }
      case ReadOutcome.Damaged damaged -> {
        services.counters().errors.increment();
        yield new Reply(encoder.damaged(request, buffer.payloadBytes(length), damaged), buffer);
      }
      case ReadOutcome.Failed(Failure failure) -> statusReply(request, failure, buffer);
    };
  }

  // ---- writes

  private void write(Request request) throws IOException, InterruptedException {
    services.counters().writes.increment();
    services.counters().writtenBytes.add(request.length());
    int length = (int) request.length();
    boolean itself = servesItself(services.writePace(), length);
    if (itself && length <= Inbound.IN_PLACE_BYTES) {
      if (!in.has(length)) {
        flushReplies();
        in.awaitPayload(length);
      }
      settleWrite(request, timedWrite(request, in.take(length)));
      return;
    }
    IoBuffer buffer = takeBuffer(length);
    boolean handedOver = false;
    try {
      in.receiveInto(buffer.payloadBytes(length));
      if (itself) {
        settleWrite(request, timedWrite(request, buffer.payload(length)));
      } else {
        handedOver = true;
        laterChange(request, buffer, () -> timedWrite(request, buffer.payload(length)));
      }
    } finally {
      if (!handedOver) {
        services.buffers().give(account, buffer);
      }
    }
  }

  private @Nullable Failure timedWrite(Request request, MemorySegment src) {
    if (src.byteSize() == 0) {
      return null;
    }
    if (!services.blocking()) {
      return services.volume().write(request.offset(), src);
    }
    long start = System.nanoTime();
    Failure failure = services.volume().write(request.offset(), src);
    services.writePace().took(System.nanoTime() - start, src.byteSize());
    return failure;
  }

  private void zero(Request request) throws IOException {
    if (request.has(CMD_FLAG_FAST_ZERO)) {
      // Zeroes are written like any bytes. Refusing is what makes clients not zero a disk twice.
      answer(request, Failure.whole(NbdError.ENOTSUP, "zeroes are no faster than data here"));
      return;
    }
    services.counters().writes.increment();
    services.counters().writtenBytes.add(request.length());
    if (request.length() <= QUICK_ZERO_BYTES && servesItself(services.writePace(), 0)) {
      settleWrite(request, services.volume().writeZeroes(request.offset(), request.length()));
    } else {
      laterChange(
          request, null, () -> services.volume().writeZeroes(request.offset(), request.length()));
    }
  }

  /** Answers a write that was served here, durably when the client asked for it. */
  private void settleWrite(Request request, @Nullable Failure failure) throws IOException {
    if (failure == null && request.has(CMD_FLAG_FUA)) {
      flush(request);
    } else {
      answer(request, failure);
    }
  }

  /** Has workers change the volume, and the persister make it durable when the client asked. */
  private void laterChange(
      Request request, @Nullable IoBuffer buffer, Supplier<@Nullable Failure> change) {
    out.expect();
    execute(
        request,
        buffer,
        () -> {
          Failure failure = change.get();
          if (failure == null && request.has(CMD_FLAG_FUA)) {
            services.counters().flushes.increment();
            services.persister().persist(result -> queueStatus(request, result, buffer));
          } else {
            queueStatus(request, failure, buffer);
          }
        });
  }

  private void flush(Request request) throws IOException {
    services.counters().flushes.increment();
    if (services.mode() == NbdExport.Mode.READ_ONLY) {
      answer(request, null);
    } else if (services.persistCheap()) {
      answer(request, services.volume().persist());
    } else {
      out.expect();
      services.persister().persist(result -> queueStatus(request, result, null));
    }
  }

  private void blockStatus(Request request) throws IOException {
    flushReplies();
    List<BlockStatus.Map> maps;
    try {
      maps = services.blockStatus().answer(request, session.contexts());
    } catch (RuntimeException failed) {
      services.log("the health of the volume cannot be told", failed);
      answer(request, Failure.whole(NbdError.EIO, "internal error: " + failed));
      return;
    }
    out.send(encoder.blockStatus(request, maps));
  }

  // ---- who serves

  /** Whether the reader carries out a request whose payload of so many bytes is still to come. */
  private boolean servesItself(Pace pace, int payloadBytes) {
    return !services.blocking()
        || pace.isFast()
        || (!in.has(payloadBytes + NbdLayout.REQUEST_BYTES) && out.expected() == 0);
  }

  /** Waiting for memory is no reason to keep finished replies. */
  private IoBuffer takeBuffer(int length) throws IOException, InterruptedException {
    flushReplies();
    return services.buffers().take(account, length);
  }

  private void later(Request request, IoBuffer buffer, Supplier<Reply> work) {
    out.expect();
    execute(request, buffer, () -> out.queue(work.get()));
  }

  /** Runs {@code work}, which queues one reply, on a worker; a reply comes whatever happens. */
  private void execute(Request request, @Nullable IoBuffer buffer, Runnable work) {
    Runnable guarded =
        () -> {
          try {
            work.run();
          } catch (Throwable bug) {
            services.log("a request could not be served", bug);
            queueStatus(request, Failure.whole(NbdError.EIO, "internal error: " + bug), buffer);
          }
        };
    try {
      services.workers().execute(guarded);
    } catch (RejectedExecutionException stopping) {
      queueStatus(request, Failure.whole(NbdError.ESHUTDOWN, "the server is stopping"), buffer);
    }
  }

  // ---- replies

  private Reply statusReply(Request request, @Nullable Failure failure, @Nullable IoBuffer buffer) {
    countError(failure);
    return new Reply(List.of(encoder.status(request, failure)), buffer);
  }

  private void queueStatus(Request request, @Nullable Failure failure, @Nullable IoBuffer buffer) {
    out.queue(statusReply(request, failure, buffer));
  }

  private void answer(Request request, @Nullable Failure failure) throws IOException {
    countError(failure);
    reserve(ReplyEncoder.maxStatusBytes());
    encoder.putStatus(replies, request, failure);
  }

  private void countError(@Nullable Failure failure) {
    if (failure != null) {
      services.counters().errors.increment();
    }
  }

  private void reserve(int countBytes) throws IOException {
    if (replies.remaining() < countBytes) {
      flushReplies();
    }
  }

  private void flushReplies() throws IOException {
    if (replies.position() > 0) {
      out.send(replies.flip());
      replies.clear();
    }
  }
}

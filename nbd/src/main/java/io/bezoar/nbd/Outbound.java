package io.bezoar.nbd;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.GatheringByteChannel;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * What goes to a client. The reader of requests sends what it served itself, and waits when the
 * client does not take it: that is how a client that never reads is kept from filling memory. What
 * others finished (workers, the persister) is queued and sent by a writer thread of this
 * connection, which starts when it is first needed, so that no shared thread ever waits for a
 * client.
 *
 * <p>At most {@link #MAX_EXPECTED} replies are owed at a time; the memory that they hold is bounded
 * by the {@link BufferPool}. After a failed send everything is dropped: the connection is over.
 *
 * <p>Thread-safe. The two locks are never held together with any other.
 */
final class Outbound {
  static final int MAX_EXPECTED = 256;

  /** A single system call sends at most so much, so that a slow client is seen to make progress. */
  private static final int SEND_BYTES = 1 << 20;

  /** Replies that are sent in one go. */
  private static final int GATHER = 64;

  private final GatheringByteChannel channel;
  private final Patience patience;
  private final BufferPool buffers;
  private final BufferPool.Account account;
  private final String writerName;

  private final ReentrantLock sending = new ReentrantLock();
  private volatile boolean broken;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition queued = lock.newCondition();
  private final Condition settled = lock.newCondition();
  private final ArrayDeque<Reply> queue = new ArrayDeque<>(); // guarded by lock
  private int expected; // guarded by lock
  private boolean finished; // guarded by lock
  private @Nullable Thread writer; // guarded by lock

  Outbound(
      GatheringByteChannel channel,
      Patience patience,
      BufferPool buffers,
      BufferPool.Account account,
      String writerName) {
    this.channel = channel;
    this.patience = patience;
    this.buffers = buffers;
    this.account = account;
    this.writerName = writerName;
  }

  /** Sends now, all of it, waiting for the client where it must. */
  void send(ByteBuffer... pieces) throws IOException {
    sending.lock();
    try {
      if (broken) {
        throw new IOException("an earlier reply could not be sent");
      }
      for (int from = 0; from < pieces.length; ) {
        if (!pieces[from].hasRemaining()) {
          from++;
          continue;
        }
        patience.sending();
        if (pieces.length - from == 1) {
          sendPart(pieces[from]);
        } else {
          channel.write(pieces, from, pieces.length - from);
        }
      }
    } catch (IOException | RuntimeException failed) {
      broken = true;
      throw failed;
    } finally {
      patience.sent();
      sending.unlock();
    }
  }

  private void sendPart(ByteBuffer piece) throws IOException {
    int limit = piece.limit();
    piece.limit(Math.min(limit, piece.position() + SEND_BYTES));
    try {
      channel.write(piece);
    } finally {
      piece.limit(limit);
    }
  }

  /** As {@link #send(ByteBuffer...)}. */
  void send(List<ByteBuffer> pieces) throws IOException {
    send(pieces.toArray(ByteBuffer[]::new));
  }

  /** Announces one reply that will be queued, once fewer than the most are owed. */
  void expect() {
    lock.lock();
    try {
      while (expected >= MAX_EXPECTED) {
        settled.awaitUninterruptibly();
      }
      expected++;
    } finally {
      lock.unlock();
    }
  }

  /** How many replies are owed. */
  int expected() {
    lock.lock();
    try {
      return expected;
    } finally {
      lock.unlock();
    }
  }

  /** Hands over a reply that was announced. Never waits for the client. */
  void queue(Reply reply) {
    lock.lock();
    try {
      queue.add(reply);
      if (writer == null) {
        writer = Thread.ofPlatform().daemon().name(writerName).start(this::write);
      } else {
        queued.signal();
      }
    } finally {
      lock.unlock();
    }
  }

  /** Waits until every reply that was announced is sent or dropped, and ends the writer. */
  void finish() {
    lock.lock();
    try {
      while (expected > 0) {
        settled.awaitUninterruptibly();
      }
      finished = true;
      queued.signal();
    } finally {
      lock.unlock();
    }
  }

  private void write() {
    List<Reply> batch = new ArrayList<>();
    while (next(batch)) {
      try {
        send(batch.stream().flatMap(reply -> reply.pieces().stream()).toList());
      } catch (IOException | RuntimeException gone) {
        // The reader of this connection meets the same end and reports it.
        closeQuietly();
      }
      for (Reply reply : batch) {
        release(reply);
      }
      settle(batch.size());
      batch.clear();
    }
  }

  private boolean next(List<Reply> batch) {
    lock.lock();
    try {
      while (queue.isEmpty() && !finished) {
        queued.awaitUninterruptibly();
      }
      for (int i = 0; i < GATHER && !queue.isEmpty(); i++) {
        batch.add(queue.remove());
      }
      return !batch.isEmpty();
    } finally {
      lock.unlock();
    }
  }

  private void release(Reply reply) {
    IoBuffer buffer = reply.buffer();
    if (buffer != null) {
      buffers.give(account, buffer);
    }
  }

  private void settle(int count) {
    lock.lock();
    try {
      expected -= count;
      settled.signalAll();
    } finally {
      lock.unlock();
    }
  }

  private void closeQuietly() {
    try {
      channel.close();
    } catch (IOException ignored) {
      // Closing is only meant to wake the reader; there is nobody left to tell.
    }
  }
}

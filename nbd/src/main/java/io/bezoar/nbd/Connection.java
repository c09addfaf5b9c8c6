package io.bezoar.nbd;

import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.channels.SocketChannel;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * One client. {@link #run} is the life of the thread that reads its requests; the other methods may
 * be called from anywhere.
 */
final class Connection implements Runnable {
  private static final System.Logger LOG = System.getLogger(Connection.class.getName());

  private final Services services;
  private final SocketChannel channel;
  private final String name;
  private final Runnable onEnd;
  private final Patience patience = new Patience();
  private final BufferPool.Account account = new BufferPool.Account();
  private final AtomicBoolean transmitting = new AtomicBoolean();
  private final AtomicBoolean cut = new AtomicBoolean();
  private final CountDownLatch ended = new CountDownLatch(1);

  Connection(Services services, SocketChannel channel, String name, Runnable onEnd) {
    this.services = services;
    this.channel = channel;
    this.name = name;
    this.onEnd = onEnd;
  }

  @Override
  public void run() {
    try (channel;
        Arena arena = Arena.ofShared()) {
      converse(arena);
    } catch (IOException notClosed) {
      LOG.log(System.Logger.Level.DEBUG, "{0} closed: {1}", name, notClosed);
    } catch (Throwable bug) {
      services.log(name + " closed by an error of this server", bug);
    } finally {
      onEnd.run();
      services.counters().disconnections.increment();
      ended.countDown();
    }
  }

  /** Until either side ends it. What the client did wrong is counted before it can see the end. */
  private void converse(Arena arena) {
    try {
      Inbound in = new Inbound(channel, patience, arena.allocate(Inbound.CAPACITY_BYTES, 4096));
      Outbound out = new Outbound(channel, patience, services.buffers(), account, name + "-writer");
      Session session = Handshake.run(services.export(), in, out);
      if (session != null) {
        transmitting.set(true);
        new Transmission(
                services,
                session,
                in,
                out,
                account,
                arena.allocate(Transmission.REPLIES_BYTES, 4096))
            .run();
      }
    } catch (ProtocolViolation violation) {
      services.counters().violations.increment();
      LOG.log(System.Logger.Level.DEBUG, "{0} closed: {1}", name, violation.getMessage());
    } catch (EOFException truncated) {
      if (!services.isStopping()) {
        services.counters().violations.increment();
      }
      LOG.log(System.Logger.Level.DEBUG, "{0} closed: {1}", name, truncated.getMessage());
    } catch (IOException gone) {
      LOG.log(System.Logger.Level.DEBUG, "{0} closed: {1}", name, gone);
    } catch (InterruptedException stopped) {
      LOG.log(System.Logger.Level.DEBUG, "{0} closed: the server stopped it", name);
    }
  }

  String name() {
    return name;
  }

  /** Whether the handshake is over. */
  boolean isTransmitting() {
    return transmitting.get();
  }

  /**
   * How long the client has kept this connection waiting in the middle of something, while it held
   * memory that others could use; 0 when it does not.
   */
  long stalledNanos() {
    return cut.get() || services.buffers().usedBytes(account) == 0 ? 0 : patience.waitedNanos();
  }

  /** Reads no more: requests that have been read are served, then the connection ends. */
  void stopReading() {
    try {
      channel.shutdownInput();
    } catch (IOException gone) {
      LOG.log(System.Logger.Level.TRACE, "{0} has ended already: {1}", name, gone);
    }
  }

  /** Ends the connection now, whatever it is doing; false when that has been said before. */
  boolean cut() {
    if (!cut.compareAndSet(false, true)) {
      return false;
    }
    try {
      channel.close();
    } catch (IOException gone) {
      LOG.log(System.Logger.Level.TRACE, "{0} has ended already: {1}", name, gone);
    }
    return true;
  }

  /** Waits for the end of the thread's work; false when the time is over before. */
  boolean awaitEnd(long nanos) throws InterruptedException {
    return ended.await(nanos, TimeUnit.NANOSECONDS);
  }
}

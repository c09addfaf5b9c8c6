package io.bezoar.nbd;

import java.io.IOException;
import java.net.StandardSocketOptions;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Serves one device as a block volume to any NBD client on this machine.
 *
 * <p>Invariant: every request that was read is answered once, with good bytes or an error that
 * names the bad ones; a success after a flush means durable. Threat: clients that are broken,
 * hostile, slow or gone. Whatever one of them does costs it its own connection at most, within the
 * memory and the number of threads that {@link NbdOptions} allows; the others, and the server, go
 * on.
 *
 * <p>Protocol: fixed newstyle as in doc/proto.md of the reference implementation, on a unix socket
 * of mode 0600: who may open the file may use the volume. No TLS, no TCP. Supported are structured
 * replies, READ, WRITE, FLUSH, FUA, TRIM (advice: nothing is cleared), WRITE_ZEROES, BLOCK_STATUS
 * with the contexts {@code base:allocation} and {@code bezoar:poison} (see {@link RangeHealth}),
 * and several connections to one volume. See {@code Volume} for what happens over lost bytes.
 *
 * <p>Each connection has a platform thread that reads its requests and serves most of them. (A
 * virtual thread would have to be woken through two schedulers for every request that comes alone:
 * measured, 20,000 such requests a second instead of 52,000; and it would hold its carrier in every
 * access to media.) Media that may block are reached through a bounded pool of platform threads.
 * Thread-safe.
 */
public final class NbdServer implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger(NbdServer.class.getName());

  /** What the system allows at most is less; it cuts the number down. */
  private static final int SEND_BUFFER_BYTES = 4 << 20;

  private final UnixListener listener;
  private final NbdOptions options;
  private final Services services;
  private final ScheduledThreadPoolExecutor clock;
  private final Set<Connection> connections = ConcurrentHashMap.newKeySet();
  private final Thread acceptor;
  private final AtomicBoolean closed = new AtomicBoolean();

  private NbdServer(UnixListener listener, NbdExport export, NbdOptions options) {
    this.listener = listener;
    this.options = options;
    this.services = new Services(export, options, this::breakStall);
    this.clock =
        new ScheduledThreadPoolExecutor(
            1, Thread.ofPlatform().daemon().name("nbd-clock").factory());
    clock.setRemoveOnCancelPolicy(true);
    this.acceptor = Thread.ofPlatform().daemon().name("nbd-acceptor").unstarted(this::acceptAll);
  }

  /**
   * Serves {@code export} at {@code socket} until closed. A socket that stands there already is
   * replaced: the caller holds the lock of the pool, so it is a stale one.
   *
   * @throws SocketPlaceException when no socket can stand there; {@link SocketPlace#choose} finds a
   *     place
   * @throws IOException when the system refuses the socket for another reason
   */
  public static NbdServer start(Path socket, NbdExport export, NbdOptions options)
      throws IOException {
    UnixListener listener = UnixListener.bind(socket);
    try {
      NbdServer server = new NbdServer(listener, export, options);
      server.acceptor.start();
      return server;
    } catch (RuntimeException | OutOfMemoryError noThread) {
      listener.close();
      throw noThread;
    }
  }

  /** Where clients connect. */
  public Path socket() {
    return listener.path();
  }

  /** What clients are told to type: {@code nbd+unix:///?socket=...}. */
  public String uri() {
    return "nbd+unix:///"
        + Uris.escape(services.export().name())
        + "?socket="
        + Uris.escape(listener.path().toString());
  }

  /** What was done so far. */
  public NbdStats stats() {
    return services.counters().snapshot();
  }

  Services services() {
    return services;
  }

  private void acceptAll() {
    long number = 0;
    while (!closed.get()) {
      SocketChannel channel;
      try {
        channel = listener.accept();
      } catch (ClosedChannelException stopped) {
        return;
      } catch (IOException failed) {
        // Out of descriptors, say: others may become free, so go on, but not in a busy loop.
        LOG.log(System.Logger.Level.WARNING, "a connection could not be accepted", failed);
        pause();
        continue;
      }
      number++;
      try {
        begin(channel, "nbd-" + number);
      } catch (IOException | RuntimeException | OutOfMemoryError failed) {
        LOG.log(System.Logger.Level.WARNING, "a connection could not be begun", failed);
        closeQuietly(channel);
      }
    }
  }

  private static void pause() {
    try {
      Thread.sleep(Duration.ofMillis(100));
    } catch (InterruptedException stopped) {
      Thread.currentThread().interrupt();
    }
  }

  private void begin(SocketChannel channel, String name) throws IOException {
    if (connections.size() >= options.maxConnections()) {
      services.counters().refused.increment();
      LOG.log(
          System.Logger.Level.WARNING,
          "a client was turned away: {0} connections are open, and no more are allowed",
          connections.size());
      channel.close();
      return;
    }
    channel.setOption(StandardSocketOptions.SO_SNDBUF, SEND_BUFFER_BYTES);
    services.counters().connections.increment();
    new Life(channel, name).start();
  }

  /** One connection from its first thread to the last trace of it. */
  private final class Life {
    private final Connection connection;
    private final ScheduledFuture<?> deadline;

    Life(SocketChannel channel, String name) {
      this.connection = new Connection(services, channel, name, this::end);
      this.deadline =
          clock.schedule(
              this::cutUnlessTransmitting, options.handshakeTime().toNanos(), TimeUnit.NANOSECONDS);
    }

    void start() {
      connections.add(connection);
      try {
        Thread.ofPlatform().daemon().name(connection.name()).start(connection);
      } catch (RuntimeException | OutOfMemoryError noThread) {
        connections.remove(connection);
        deadline.cancel(false);
        services.counters().disconnections.increment();
        throw noThread;
      }
      if (services.isStopping()) {
        connection.stopReading();
      }
    }

    private void cutUnlessTransmitting() {
      if (!connection.isTransmitting()) {
        connection.cut();
      }
    }

    private void end() {
      deadline.cancel(false);
      connections.remove(connection);
      if (connections.isEmpty()) {
        services.buffers().trim();
      }
    }
  }

  /**
   * Somebody waits for memory: ends the client that has kept its own connection waiting longest.
   */
  private void breakStall() {
    Optional<Connection> worst =
        connections.stream().max(Comparator.comparingLong(Connection::stalledNanos));
    if (worst.isPresent()
        && worst.get().stalledNanos() >= options.stallTime().toNanos()
        && worst.get().cut()) {
      services.counters().stalled.increment();
      LOG.log(
          System.Logger.Level.WARNING,
          "{0} closed: its client does not go on, and memory is short",
          worst.get().name());
    }
  }

  /**
   * Stops: no further client, no further request; what was begun is finished, for as long as the
   * options allow; then everything written is made durable, and the socket is removed. Idempotent.
   *
   * @throws io.bezoar.media.PersistFailedException when the last writes could not be made durable
   * @throws IOException when the device fails otherwise, or the socket cannot be removed
   */
  @Override
  public void close() throws IOException {
    if (!closed.compareAndSet(false, true)) {
      return;
    }
    services.stop();
    try {
      listener.close();
    } finally {
      connections.forEach(Connection::stopReading);
      try {
        awaitConnections();
      } finally {
        services.close();
        clock.shutdownNow();
      }
    }
    if (services.mode() == NbdExport.Mode.READ_WRITE) {
      services.export().device().persist();
    }
  }

  private void awaitConnections() {
    long end = System.nanoTime() + options.closeTime().toNanos();
    try {
      for (Connection connection : connections) {
        if (!connection.awaitEnd(end - System.nanoTime())) {
          LOG.log(
              System.Logger.Level.WARNING,
              "{0} cut: its requests took longer than {1}",
              connection.name(),
              options.closeTime());
          connection.cut();
        }
      }
    } catch (InterruptedException hurry) {
      connections.forEach(Connection::cut);
      Thread.currentThread().interrupt();
    }
  }

  private static void closeQuietly(SocketChannel channel) {
    try {
      channel.close();
    } catch (IOException failed) {
      LOG.log(System.Logger.Level.DEBUG, "a connection could not be closed", failed);
    }
  }
}

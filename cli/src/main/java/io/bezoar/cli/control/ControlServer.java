package io.bezoar.cli.control;

import io.bezoar.nbd.UnixListener;
import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.node.ObjectNode;

/**
 * Answers other processes of the same user about a pool that this process has.
 *
 * <p>Protocol: the server greets with one JSON object; the client sends one request on one line;
 * the answer is one JSON object per line, the last one of type {@code end} or {@code error}. A
 * client that closes its sending side wants no more: a scrub it started is stopped, a stream ends.
 *
 * <p>Threat: requests that are not requests, endless lines, clients that say nothing or read
 * nothing. Each costs its own connection at most. Who may connect is decided by the socket's mode
 * (0600).
 */
public final class ControlServer implements AutoCloseable {
  /** As much as a command line can hold: all names of a copy stand in one request. */
  static final int MAX_REQUEST_BYTES = 2 << 20;

  static final int PROTOCOL = 1;

  /** How long a client may usually take to say what it wants. */
  public static final Duration REQUEST_TIME = Duration.ofSeconds(10);

  private static final System.Logger LOG = System.getLogger(ControlServer.class.getName());
  private static final int MAX_CONNECTIONS = 32;

  private final UnixListener listener;
  private final Operations operations;
  private final Duration requestTime;
  // Guarded by this.
  private final Map<Path, UnixListener> others = new HashMap<>();
  private final Set<SocketChannel> connections = ConcurrentHashMap.newKeySet();
  private final ScheduledExecutorService clock =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().daemon().name("control-clock").factory());
  private final AtomicBoolean closed = new AtomicBoolean();

  private ControlServer(UnixListener listener, Operations operations, Duration requestTime) {
    this.listener = listener;
    this.operations = operations;
    this.requestTime = requestTime;
  }

  /**
   * Starts answering. The caller holds the pool's lock, so a socket that stands there is stale.
   *
   * @param requestTime how long a client may take to say what it wants
   */
  public static ControlServer start(Path socket, Operations operations, Duration requestTime)
      throws IOException {
    ControlServer server = new ControlServer(UnixListener.bind(socket), operations, requestTime);
    server.accept(server.listener);
    operations.whenDevicesChange(server::listenBesideDevices);
    server.listenBesideDevices();
    return server;
  }

  private void accept(UnixListener at) {
    Thread.ofPlatform().daemon().name("control-acceptor").start(() -> acceptAll(at));
  }

  /**
   * Listens beside every device that the pool has now, and beside none that it has no more, so that
   * the pool can be reached by any of them. The first socket stays: clients know it.
   */
  private synchronized void listenBesideDevices() {
    if (closed.get()) {
      return;
    }
    Set<Path> wanted = new HashSet<>();
    for (Path device : operations.devicePaths()) {
      try {
        wanted.add(PoolAccess.controlSocket(device));
      } catch (IOException e) {
        cannotListen(device, e);
      }
    }
    wanted.remove(listener.path());
    for (Path socket : Set.copyOf(others.keySet())) {
      if (!wanted.contains(socket)) {
        closeQuietly(others.remove(socket));
      }
    }
    for (Path socket : wanted) {
      try {
        if (!others.containsKey(socket)) {
          UnixListener other = UnixListener.bind(socket);
          others.put(socket, other);
          accept(other);
        }
      } catch (IOException e) {
        cannotListen(socket, e);
      }
    }
  }

  /** The pool can still be reached by its other devices. */
  private static void cannotListen(Path at, IOException why) {
    LOG.log(System.Logger.Level.DEBUG, "no control socket at " + at, why);
  }

  /** Where it listens. */
  public Path socket() {
    return listener.path();
  }

  private void acceptAll(UnixListener at) {
    while (!closed.get()) {
      try {
        SocketChannel channel = at.accept();
        connections.add(channel);
        Thread.ofPlatform().daemon().name("control-client").start(() -> converse(channel));
      } catch (ClosedChannelException stopped) {
        return;
      } catch (IOException e) {
        LOG.log(System.Logger.Level.WARNING, "a control connection could not be accepted", e);
        pause();
      }
    }
  }

  private static void pause() {
    try {
      TimeUnit.MILLISECONDS.sleep(100);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void converse(SocketChannel channel) {
    try (channel) {
      Lines lines = new Lines(channel, MAX_REQUEST_BYTES);
      lines.write(
          Json.line(
              Json.object()
                  .put("type", "hello")
                  .put("protocol", PROTOCOL)
                  .put("pool", operations.poolId().toString())));
      if (connections.size() > MAX_CONNECTIONS) {
        Problem busy = new Problem("too many control connections", "try again", Exit.UNAVAILABLE);
        lines.write(Json.line(busy.toJson()));
        return;
      }
      ScheduledFuture<?> deadline =
          clock.schedule(
              () -> closeQuietly(channel), requestTime.toMillis(), TimeUnit.MILLISECONDS);
      @Nullable ObjectNode end = answer(lines, deadline);
      if (end != null) {
        lines.write(Json.line(end));
      }
    } catch (IOException e) {
      // The client is gone; there is nobody left to tell.
      LOG.log(System.Logger.Level.DEBUG, "a control connection broke", e);
    } finally {
      connections.remove(channel);
    }
  }

  private @Nullable ObjectNode answer(Lines lines, ScheduledFuture<?> deadline) throws IOException {
    Request request;
    try {
      @Nullable String line = lines.read();
      deadline.cancel(false);
      if (line == null) {
        return null;
      }
      request = RequestCodec.decode(Json.parse(line));
    } catch (JacksonException e) {
      return Problem.of(new BadRequestException("not JSON: " + e.getOriginalMessage())).toJson();
    } catch (BadRequestException e) {
      return Problem.of(e).toJson();
    }
    SocketReplies replies = new SocketReplies(lines);
    Thread.ofVirtual().start(() -> replies.watch(lines));
    try {
      int exit = operations.run(request, replies);
      return Json.object().put("type", "end").put("exit", exit);
    } catch (IOException | RuntimeException e) {
      LOG.log(System.Logger.Level.DEBUG, "a control request failed", e);
      return Problem.of(e).toJson();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return null;
    }
  }

  /** The answers to one client. */
  private static final class SocketReplies implements Replies {
    private final Lines lines;
    private volatile boolean gone;

    SocketReplies(Lines lines) {
      this.lines = lines;
    }

    @Override
    public void send(ObjectNode json) {
      if (gone && json.path("type").asString("").equals("event")) {
        return;
      }
      try {
        lines.write(Json.line(json));
      } catch (IOException e) {
        gone = true;
        LOG.log(System.Logger.Level.DEBUG, "a control client went away", e);
      }
    }

    @Override
    public boolean gone() {
      return gone;
    }

    /** Whatever comes after the request, and be it the end, means that no more is wanted. */
    void watch(Lines lines) {
      try {
        String more = lines.read();
        LOG.log(System.Logger.Level.TRACE, "a control client wants no more: {0}", more);
      } catch (IOException | BadRequestException e) {
        LOG.log(System.Logger.Level.DEBUG, "a control client went away", e);
      } finally {
        gone = true;
      }
    }
  }

  /** Stops answering; conversations in progress end. Idempotent. */
  @Override
  public void close() throws IOException {
    if (!closed.compareAndSet(false, true)) {
      return;
    }
    try {
      closeOthers();
      listener.close();
    } finally {
      clock.shutdownNow();
      connections.forEach(ControlServer::closeQuietly);
    }
  }

  private synchronized void closeOthers() {
    others.values().forEach(ControlServer::closeQuietly);
    others.clear();
  }

  private static void closeQuietly(@Nullable AutoCloseable open) {
    try {
      if (open != null) {
        open.close();
      }
    } catch (Exception e) {
      LOG.log(System.Logger.Level.DEBUG, open + " could not be closed", e);
    }
  }
}

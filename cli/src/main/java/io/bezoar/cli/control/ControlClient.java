package io.bezoar.cli.control;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** Asks the process that has a pool. */
final class ControlClient implements AutoCloseable {
  private static final int MAX_REPLY_BYTES = 64 << 20;
  private static final long LOOK_UP_EVERY_MILLIS = 50;

  private final SocketChannel channel;
  private final Lines lines;
  private ObjectNode greeting = Json.object();

  private ControlClient(SocketChannel channel) {
    this.channel = channel;
    this.lines = new Lines(channel, MAX_REPLY_BYTES);
  }

  /**
   * Connects, and waits for the greeting.
   *
   * @return empty when nobody answers
   */
  static Optional<ControlClient> connect(Path socket, Duration patience) {
    SocketChannel channel = null;
    try {
      channel = SocketChannel.open(StandardProtocolFamily.UNIX);
      channel.connect(UnixDomainSocketAddress.of(socket));
      ControlClient client = new ControlClient(channel);
      if (client.isGreeted(patience)) {
        return Optional.of(client);
      }
      channel.close();
      return Optional.empty();
    } catch (IOException e) {
      // No socket, or a stale one: nobody is there, which is the answer.
      close(channel);
      return Optional.empty();
    }
  }

  private static void close(@Nullable SocketChannel channel) {
    try {
      if (channel != null) {
        channel.close();
      }
    } catch (IOException e) {
      System.getLogger(ControlClient.class.getName())
          .log(System.Logger.Level.DEBUG, "a control connection could not be closed", e);
    }
  }

  private boolean isGreeted(Duration patience) throws IOException {
    CountDownLatch greeted = new CountDownLatch(1);
    Thread.ofVirtual()
        .start(
            () -> {
              try {
                if (!greeted.await(patience.toMillis(), TimeUnit.MILLISECONDS)) {
                  close(channel);
                }
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
            });
    try {
      @Nullable String line = lines.read();
      if (line != null && Json.parse(line) instanceof ObjectNode said) {
        greeting = said;
        return true;
      }
      return false;
    } catch (BadRequestException | JacksonException e) {
      return false;
    } finally {
      greeted.countDown();
    }
  }

  /** Whether it is this pool that the other side has. */
  boolean hasPool(UUID pool) {
    return greeting.path("pool").asString("").equals(pool.toString());
  }

  /**
   * Sends the request and hands every reply on.
   *
   * @return the exit code
   * @throws IOException when the other side went away before it was done
   */
  int ask(Request request, Replies replies) throws IOException {
    try {
      lines.write(Json.line(RequestCodec.encode(request)));
    } catch (IOException e) {
      throw gone(e);
    }
    CountDownLatch done = new CountDownLatch(1);
    Thread.ofVirtual().start(() -> passOnGone(replies, done));
    try {
      while (true) {
        ObjectNode reply = next();
        switch (reply.path("type").asString("")) {
          case "end" -> {
            return reply.path("exit").asInt(Exit.INTERNAL);
          }
          case "error" -> throw new RemoteException(Problem.of(reply));
          default -> replies.send(reply);
        }
      }
    } finally {
      done.countDown();
    }
  }

  private ObjectNode next() throws IOException {
    try {
      @Nullable String line = readLine();
      if (line == null) {
        throw gone(null);
      }
      JsonNode json = Json.parse(line);
      return json instanceof ObjectNode object ? object : Json.object();
    } catch (BadRequestException | JacksonException e) {
      throw new IOException("the process that serves the pool answers nonsense", e);
    }
  }

  private @Nullable String readLine() throws IOException, BadRequestException {
    try {
      return lines.read();
    } catch (IOException e) {
      throw gone(e);
    }
  }

  private static IOException gone(@Nullable IOException cause) {
    return new IOException(
        "the process that serves the pool went away before it was done: see what it did, and run"
            + " this again",
        cause);
  }

  /** Closes the sending side when the user wants no more. */
  private void passOnGone(Replies replies, CountDownLatch done) {
    try {
      while (!done.await(LOOK_UP_EVERY_MILLIS, TimeUnit.MILLISECONDS)) {
        if (replies.gone()) {
          channel.shutdownOutput();
          return;
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (IOException e) {
      System.getLogger(ControlClient.class.getName())
          .log(System.Logger.Level.DEBUG, "could not say that no more is wanted", e);
    }
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}

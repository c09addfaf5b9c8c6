package io.bezoar.cli.control;

import io.bezoar.media.MediaOpenException;
import io.bezoar.media.MediaOpenException.Reason;
import io.bezoar.nbd.SocketPlace;
import io.bezoar.pool.Pool;
import io.bezoar.pool.PoolOptions;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * Gets a request answered, whoever has the pool. The pool's lock decides: when it is free, this
 * process opens the pool and answers itself; when it is not, its holder is asked; when that does
 * not answer, the pool is busy, and is left alone.
 */
public final class PoolAccess {
  static final Duration PATIENCE = Duration.ofSeconds(5);

  /**
   * A server that starts has the lock a little before its socket, one that stops a little longer.
   */
  private static final int ATTEMPTS = 20;

  private static final long BETWEEN_ATTEMPTS_MILLIS = 100;

  private PoolAccess() {}

  /** Where the control socket of {@code pool} is, which exists. */
  public static Path controlSocket(Path pool) throws IOException {
    return socket(pool, ".ctl");
  }

  /** Where clients of the volume of {@code pool} connect. */
  public static Path nbdSocket(Path pool) throws IOException {
    return socket(pool, ".nbd");
  }

  private static Path socket(Path pool, String suffix) throws IOException {
    // By the real path, so that whoever comes by another name meets the same socket.
    Path real = pool.toRealPath();
    return SocketPlace.choose(real.resolveSibling(real.getFileName() + suffix));
  }

  /**
   * Gets {@code request} answered.
   *
   * @return the exit code
   */
  public static int run(Path pool, Request request, Replies replies)
      throws IOException, InterruptedException {
    if (request instanceof Request.Events events && events.mode() == Request.Events.Mode.FOLLOW) {
      return new EventFollower(pool, events.query(), replies).run();
    }
    return runOnce(pool, request, replies);
  }

  static int runOnce(Path pool, Request request, Replies replies)
      throws IOException, InterruptedException {
    for (int attempt = 1; ; attempt++) {
      try {
        return runHere(pool, request, replies);
      } catch (MediaOpenException e) {
        if (e.openReason() != Reason.LOCKED) {
          throw e;
        }
        Optional<ControlClient> holder = ControlClient.connect(controlSocket(pool), PATIENCE);
        if (holder.isPresent()) {
          try (ControlClient client = holder.get()) {
            return client.ask(request, replies);
          }
        }
        if (attempt == ATTEMPTS || replies.gone()) {
          throw new MediaOpenException(
              e.getFile(),
              Reason.LOCKED,
              "is busy: another process has it open and does not answer at its control socket");
        }
      }
      TimeUnit.MILLISECONDS.sleep(BETWEEN_ATTEMPTS_MILLIS);
    }
  }

  /** Opens a pool. */
  @FunctionalInterface
  public interface Opener {
    /** As {@link Pool#open}. */
    Pool open() throws IOException;
  }

  /**
   * Opens a pool for long. Others may have it for a moment, to look at it; that is waited for.
   *
   * @throws MediaOpenException LOCKED when its holder answers, or does not end
   */
  public static Pool awaitLock(Path pool, Opener opener) throws IOException, InterruptedException {
    for (int attempt = 1; ; attempt++) {
      try {
        return opener.open();
      } catch (MediaOpenException e) {
        if (e.openReason() != Reason.LOCKED
            || attempt == ATTEMPTS
            || isAnswered(controlSocket(pool))) {
          throw e;
        }
      }
      TimeUnit.MILLISECONDS.sleep(BETWEEN_ATTEMPTS_MILLIS);
    }
  }

  private static boolean isAnswered(Path socket) throws IOException {
    Optional<ControlClient> holder = ControlClient.connect(socket, PATIENCE);
    if (holder.isPresent()) {
      holder.get().close();
    }
    return holder.isPresent();
  }

  private static int runHere(Path path, Request request, Replies replies)
      throws IOException, InterruptedException {
    PoolOptions.Intent intent =
        switch (request.purpose()) {
          case LOOK -> PoolOptions.Intent.LOOK;
          case WORK -> PoolOptions.Intent.WORK;
        };
    try (Pool pool = Pool.open(path, PoolOptions.of(intent))) {
      Operations operations = new Operations(pool, null);
      if (!(request instanceof Request.Scrub)) {
        return operations.run(request, replies);
      }
      // It takes long, so others must be able to ask how it goes, and to pause it.
      try (ControlServer control =
          ControlServer.start(controlSocket(path), operations, ControlServer.REQUEST_TIME)) {
        System.getLogger(PoolAccess.class.getName())
            .log(System.Logger.Level.DEBUG, "others can ask at {0}", control.socket());
        return operations.run(request, replies);
      }
    }
  }
}

package io.bezoar.cli.control;

import io.bezoar.media.MediaOpenException;
import io.bezoar.media.MediaOpenException.Reason;
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

  /**
   * The path as labels keep it, the same whatever name somebody comes by; of something that is not
   * there, as near to it as can be.
   */
  public static Path realPath(Path device) {
    try {
      return device.toRealPath();
    } catch (IOException notThere) {
      Path absolute = device.toAbsolutePath().normalize();
      Path folder = absolute.getParent();
      try {
        return folder == null ? absolute : folder.toRealPath().resolve(absolute.getFileName());
      } catch (IOException folderNotThere) {
        return absolute;
      }
    }
  }

  /** Where the control socket beside {@code device} is, or would be. */
  public static Path controlSocket(Path device) throws IOException {
    return HolderSearch.beside(device, ".ctl");
  }

  /** Where clients of the volume of the pool that was opened by {@code device} connect. */
  public static Path nbdSocket(Path device) throws IOException {
    return HolderSearch.beside(device, ".nbd");
  }

  /**
   * Gets {@code request} answered.
   *
   * @return the exit code
   */
  public static int run(PoolRef pool, Request request, Replies replies)
      throws IOException, InterruptedException {
    if (request instanceof Request.Events events && events.mode() == Request.Events.Mode.FOLLOW) {
      return new EventFollower(pool, events.query(), replies).run();
    }
    return runOnce(pool, request, replies);
  }

  static int runOnce(PoolRef pool, Request request, Replies replies)
      throws IOException, InterruptedException {
    for (int attempt = 1; ; attempt++) {
      try {
        return runHere(pool, request, replies);
      } catch (MediaOpenException e) {
        if (e.openReason() != Reason.LOCKED) {
          throw e;
        }
        Optional<ControlClient> holder = HolderSearch.connect(pool.path(), PATIENCE);
        if (holder.isPresent()) {
          try (ControlClient client = holder.get()) {
            refusePreference(pool);
            return client.ask(request, replies);
          }
        }
        if (attempt == ATTEMPTS || replies.gone()) {
          throw new MediaOpenException(
              e.getFile(), Reason.LOCKED, "is busy: a program has it open, and takes no commands");
        }
      }
      TimeUnit.MILLISECONDS.sleep(BETWEEN_ATTEMPTS_MILLIS);
    }
  }

  private static void refusePreference(PoolRef pool) throws MediaOpenException {
    if (pool.prefer() != null) {
      throw new MediaOpenException(
          pool.path().toString(),
          Reason.REFUSED,
          "which device is right is decided when the pool is opened, and another process has it"
              + " open: stop that one first");
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
        if (e.openReason() != Reason.LOCKED || attempt == ATTEMPTS || isAnswered(pool)) {
          throw e;
        }
      }
      TimeUnit.MILLISECONDS.sleep(BETWEEN_ATTEMPTS_MILLIS);
    }
  }

  private static boolean isAnswered(Path pool) throws IOException {
    Optional<ControlClient> holder = HolderSearch.connect(pool, PATIENCE);
    if (holder.isPresent()) {
      holder.get().close();
    }
    return holder.isPresent();
  }

  private static int runHere(PoolRef asked, Request request, Replies replies)
      throws IOException, InterruptedException {
    PoolOptions.Intent intent =
        switch (request.purpose()) {
          case LOOK -> PoolOptions.Intent.LOOK;
          case WORK -> PoolOptions.Intent.WORK;
        };
    // How a pool is can be said whatever of it is there.
    PoolRef ref = request instanceof Request.Status ? asked.partly() : asked;
    try (Pool pool = Pool.open(ref.path(), ref.options(PoolOptions.of(intent)))) {
      Operations operations = new Operations(pool, null);
      if (!request.takesLong()) {
        return operations.run(request, replies);
      }
      // Others must be able to ask how it goes, and to pause it.
      try (ControlServer control =
          ControlServer.start(controlSocket(ref.path()), operations, ControlServer.REQUEST_TIME)) {
        System.getLogger(PoolAccess.class.getName())
            .log(System.Logger.Level.DEBUG, "others can ask at {0}", control.socket());
        return operations.run(request, replies);
      }
    }
  }
}

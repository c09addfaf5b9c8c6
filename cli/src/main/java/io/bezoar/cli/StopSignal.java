package io.bezoar.cli;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * The user's wish to end (Ctrl-C, SIGTERM), for commands that end in their own way: they look at
 * {@link #isRequested()}, make everything durable, and end with their own exit code. Commands that
 * never {@link #handle()} it just die. Thread-safe.
 */
final class StopSignal {
  private static final long PATIENCE_SECONDS = 60;

  private final CountDownLatch requested = new CountDownLatch(1);
  private final CountDownLatch done = new CountDownLatch(1);
  private volatile boolean handled;
  private volatile int exitCode;

  /** Makes the process's signals arrive here. */
  void install() {
    Runtime.getRuntime()
        .addShutdownHook(Thread.ofPlatform().name("bezoar-stop").unstarted(this::onShutdown));
  }

  private void onShutdown() {
    request();
    if (!handled || done.getCount() == 0) {
      return;
    }
    try {
      if (done.await(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
        // The command's own exit code instead of the one that the signal would give.
        Runtime.getRuntime().halt(exitCode);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** This command looks at the signal and ends soon after it. */
  void handle() {
    handled = true;
  }

  /** As if the user had pressed Ctrl-C. */
  void request() {
    requested.countDown();
  }

  boolean isRequested() {
    return requested.getCount() == 0;
  }

  /** Waits for the signal. */
  void await() throws InterruptedException {
    requested.await();
  }

  /** The command has ended. */
  void ended(int code) {
    exitCode = code;
    done.countDown();
  }
}

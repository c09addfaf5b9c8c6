package io.bezoar.guard.sidecar;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Does pieces of work on as many threads as the machine has processors, in ascending order as far
 * as that goes, and ends early when a piece fails, the caller is interrupted, or whoever looks says
 * so. When it returns or throws, no thread is at work any more.
 */
final class Workers {
  private static final int THREADS_MAX = 8;

  /** Less than this is done faster by one thread than others are started. */
  private static final long BYTES_PER_THREAD = 16L << 20;

  private final long pieces;
  private final long totalBytes;
  private final Progress progress;
  private final AtomicLong next = new AtomicLong();
  private final AtomicLong doneBytes = new AtomicLong();
  private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();

  private Workers(long pieces, long totalBytes, Progress progress) {
    this.pieces = pieces;
    this.totalBytes = totalBytes;
    this.progress = progress;
  }

  /** One thread's part: has buffers of its own. Made, used and closed by that thread. */
  interface Hand extends AutoCloseable {
    /** Does one piece; how many bytes that were. */
    long piece(long index) throws IOException;

    @Override
    void close();
  }

  /** Makes hands. */
  interface Hiring {
    Hand hand();
  }

  /**
   * Does pieces {@code [0, pieces)}.
   *
   * @param totalBytes what their bytes will add up to
   */
  static void run(long pieces, long totalBytes, Progress progress, Hiring hiring)
      throws IOException, InterruptedException {
    new Workers(pieces, totalBytes, progress).run(hiring);
  }

  private void run(Hiring hiring) throws IOException, InterruptedException {
    if (pieces == 0) {
      return;
    }
    long useful = Math.min(pieces, totalBytes / BYTES_PER_THREAD);
    int threads =
        (int) Math.min(useful, Math.min(THREADS_MAX, Runtime.getRuntime().availableProcessors()));
    List<Thread> helpers = new ArrayList<>();
    for (int i = 1; i < threads; i++) {
      helpers.add(
          Thread.ofPlatform().daemon().name("bezoar-sidecar-" + i).start(() -> work(hiring)));
    }
    work(hiring);
    boolean interrupted = Thread.interrupted();
    for (Thread helper : helpers) {
      interrupted |= joinWhatever(helper);
    }
    switch (failure.get()) {
      case null -> {
        if (interrupted) {
          throw new InterruptedException();
        }
      }
      case IOException e -> throw e;
      case InterruptedException e -> throw e;
      case RuntimeException e -> throw e;
      case Error e -> throw e;
      case Throwable e -> throw new AssertionError(e);
    }
  }

  /** Waits for the thread; true when this one was interrupted meanwhile. */
  private boolean joinWhatever(Thread helper) {
    boolean interrupted = false;
    while (true) {
      try {
        helper.join();
        return interrupted;
      } catch (InterruptedException e) {
        interrupted = true;
        failure.compareAndSet(null, e);
      }
    }
  }

  private void work(Hiring hiring) {
    try (Hand hand = hiring.hand()) {
      while (failure.get() == null) {
        if (progress.isCancelled() || Thread.currentThread().isInterrupted()) {
          throw new InterruptedException();
        }
        long piece = next.getAndIncrement();
        if (piece >= pieces) {
          return;
        }
        long bytes = hand.piece(piece);
        progress.advanced(doneBytes.addAndGet(bytes), totalBytes);
      }
    } catch (Throwable e) { // handed to the caller
      failure.compareAndSet(null, e);
    }
  }
}

package io.bezoar.lucene;

import io.bezoar.guard.Guard;
import java.io.IOException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.lucene.util.IOSupplier;
import org.jspecify.annotations.Nullable;

/**
 * One attempt at a piece of reading, on the thread that makes it and on those that it hands work
 * to.
 *
 * <p><b>Invariant.</b> {@link #call} returns only when no load that the attempt made, on any of
 * those threads, met a bad page.
 *
 * <p><b>Threat.</b> Compiled code delivers the error of a bad load late: the value that was never
 * read has been used by then, and on a worker thread its result may even have been published. So an
 * attempt ends with a barrier on every thread that worked for it, and waits for those barriers:
 * workers that merely found nothing left to do are not waited for.
 *
 * <p>Inputs that are opened, cloned or sliced during an attempt ask its {@link Mode} how to read.
 */
final class Attempt {
  /** How inputs that are made during the attempt read. */
  enum Mode {
    /** Plain loads; a bad page makes the attempt fail as a whole. */
    DIRECT,
    /** Guarded copies: slower, and a bad page is healed, or named, by the very read it is under. */
    EXACT
  }

  private static final ThreadLocal<@Nullable Attempt> CURRENT = new ThreadLocal<>();

  /**
   * Spares every clone of an input the look-up while nobody reads exactly, which is nearly ever.
   */
  private static final AtomicInteger EXACT_ATTEMPTS = new AtomicInteger();

  private final Mode mode;
  private final AtomicReference<@Nullable InternalError> fault = new AtomicReference<>();

  /** Worker threads inside {@link #work}. Guarded by this. */
  private int working;

  Attempt(Mode mode) {
    this.mode = mode;
  }

  /** The attempt that this thread works for. */
  static @Nullable Attempt current() {
    return CURRENT.get();
  }

  /** Whether inputs that this thread makes now are to read exactly. */
  static boolean isExact() {
    if (EXACT_ATTEMPTS.get() == 0) {
      return false;
    }
    Attempt current = CURRENT.get();
    return current != null && current.mode == Mode.EXACT;
  }

  /**
   * Makes the attempt.
   *
   * @throws InternalError when a load met a bad page
   * @throws IOException as the body
   */
  <T> T call(IOSupplier<T> body) throws IOException {
    Attempt outer = CURRENT.get();
    enter();
    T result;
    try {
      result = body.get();
      Guard.barrier();
    } finally {
      awaitWorkers();
      leave(outer);
    }
    InternalError late = fault.get();
    if (late != null) {
      throw late;
    }
    return result;
  }

  /** Runs a part of the attempt on another thread. */
  void work(Runnable task) {
    Attempt outer = CURRENT.get();
    enter();
    startWork();
    try {
      task.run();
      Guard.barrier();
    } catch (InternalError e) {
      if (!Faults.isOfBadPage(e)) {
        throw e;
      }
      fault.compareAndSet(null, e); // for call(), which waits for us
    } finally {
      leave(outer);
      endWork();
    }
  }

  /** Whether a worker's load met a bad page. */
  boolean faultedElsewhere() {
    return fault.get() != null;
  }

  private void enter() {
    if (mode == Mode.EXACT) {
      EXACT_ATTEMPTS.incrementAndGet();
    }
    CURRENT.set(this);
  }

  private void leave(@Nullable Attempt outer) {
    if (outer == null) {
      CURRENT.remove();
    } else {
      CURRENT.set(outer);
    }
    if (mode == Mode.EXACT) {
      EXACT_ATTEMPTS.decrementAndGet();
    }
  }

  private synchronized void startWork() {
    working++;
  }

  private synchronized void endWork() {
    working--;
    notifyAll();
  }

  private synchronized void awaitWorkers() {
    boolean interrupted = false;
    while (working > 0) {
      try {
        wait();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}

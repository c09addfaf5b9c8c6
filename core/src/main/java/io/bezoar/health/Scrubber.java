package io.bezoar.health;

import io.bezoar.health.ScrubProgress.State;
import io.bezoar.health.ScrubSource.Coverage;
import io.bezoar.health.ScrubSource.Rows;
import io.bezoar.media.ByteRange;
import java.io.IOException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Walks over a pool and has everything on it read, compared and repaired: the way to find what no
 * reader has met yet, while the redundancy that can repair it is still there.
 *
 * <p><b>Invariant.</b> When a scrub says FINISHED, every row was checked after the scrub began. Its
 * place is durable, so an interrupted one goes on where it was; rows done between the last save and
 * a crash are checked again.
 *
 * <p><b>Protocol.</b> One scrub at a time, one worker, in chunks of {@value #CHUNK_ROWS} rows so
 * that parity is compared in bounded memory. Between chunks the worker obeys {@link #pause}, {@link
 * #stop} and the rate, and gives way to foreground work. No lock is held while it checks or waits.
 * Thread-safe.
 */
public final class Scrubber {
  /** Rows per step: 64 KiB of each column. */
  public static final int CHUNK_ROWS = 16;

  /** The place is made durable every so many bytes of media. */
  private static final long SAVE_EVERY_BYTES = 256L << 20;

  private static final long LONGEST_NAP_NANOS = 50_000_000;
  private static final int YIELD_FACTOR = 3;

  /** Time, so that tests need none. */
  public interface Clock {
    /** As {@link System#nanoTime()}. */
    long nanos();

    /** Waits. */
    void sleep(long nanos) throws InterruptedException;

    /** The real one. */
    static Clock system() {
      return new Clock() {
        @Override
        public long nanos() {
          return System.nanoTime();
        }

        @Override
        public void sleep(long nanos) throws InterruptedException {
          Thread.sleep(Duration.ofNanos(nanos));
        }
      };
    }
  }

  private final ScrubSource source;
  private final ScrubLedger ledger;
  private final EventLog events;
  private final InstantSource wallClock;
  private final Clock clock;
  private final BooleanSupplier foregroundBusy;
  private final Executor executor;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private ScrubProgress progress = new ScrubProgress(State.IDLE, 0, 0, ScrubTotals.NONE, "");
  private Wish wish = Wish.RUN;

  private enum Wish {
    RUN,
    PAUSE,
    STOP
  }

  /**
   * Makes an idle scrubber.
   *
   * @param source what to walk over
   * @param ledger keeps the place
   * @param events told of every start and end
   * @param wallClock dates the last finished scrub
   * @param clock paces
   * @param foregroundBusy true while users of the volume wait for it
   * @param executor runs one long task at a time
   */
  public Scrubber(
      ScrubSource source,
      ScrubLedger ledger,
      EventLog events,
      InstantSource wallClock,
      Clock clock,
      BooleanSupplier foregroundBusy,
      Executor executor) {
    this.source = source;
    this.ledger = ledger;
    this.events = events;
    this.wallClock = wallClock;
    this.clock = clock;
    this.foregroundBusy = foregroundBusy;
    this.executor = executor;
  }

  /**
   * Starts a scrub in the background.
   *
   * @throws ScrubActiveException when one is running or paused
   */
  public void start(ScrubRequest request) {
    ByteRange volume = request.volume();
    boolean whole = volume == null;
    ScrubRecord saved = ledger.load();
    boolean resumed =
        whole && request.start() == ScrubRequest.Start.CONTINUE && saved.nextRow() > 0;
    List<Rows> runs =
        volume == null
            ? List.of(new Rows(resumed ? saved.nextRow() : 0, source.rowCount()))
            : source.rowsOf(volume);
    Coverage coverage = resumed ? Coverage.REST : whole ? Coverage.EVERYTHING : Coverage.PART;
    Run run = new Run(runs, coverage, request.rateBytesPerSecond());
    lock.lock();
    try {
      if (progress.state().active()) {
        throw new ScrubActiveException(progress);
      }
      wish = Wish.RUN;
      ScrubTotals before = resumed ? saved.open() : ScrubTotals.NONE;
      long total = whole ? bytes(source.rowCount()) : bytes(run.rowCount());
      progress = new ScrubProgress(State.RUNNING, total - bytes(run.rowCount()), total, before, "");
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    record(resumed ? Event.Phase.RESUMED : Event.Phase.STARTED);
    executor.execute(() -> runToEnd(run));
  }

  /** Makes a running scrub wait between two chunks; false when none is running. */
  public boolean pause() {
    return wishWhile(State.RUNNING, Wish.PAUSE);
  }

  /** Lets a paused scrub go on; false when none is paused. */
  public boolean resume() {
    return wishWhile(State.PAUSED, Wish.RUN);
  }

  /** Ends a running or paused scrub after the chunk it is at; false when there is none. */
  public boolean stop() {
    lock.lock();
    try {
      if (!progress.state().active()) {
        return false;
      }
      wish = Wish.STOP;
      changed.signalAll();
      return true;
    } finally {
      lock.unlock();
    }
  }

  /** How far it is. */
  public ScrubProgress progress() {
    lock.lock();
    try {
      return progress;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Waits until progress differs from {@code seen}, or for {@code nanos}.
   *
   * @return how far it is then
   */
  public ScrubProgress awaitChange(ScrubProgress seen, long nanos) throws InterruptedException {
    long left = nanos;
    lock.lockInterruptibly();
    try {
      while (progress.equals(seen) && left > 0) {
        left = changed.awaitNanos(left);
      }
      return progress;
    } finally {
      lock.unlock();
    }
  }

  /** Stops whatever runs and waits until it has stopped and saved its place. */
  public void close() throws InterruptedException {
    stop();
    lock.lockInterruptibly();
    try {
      while (progress.state().active()) {
        changed.await();
      }
    } finally {
      lock.unlock();
    }
  }

  /**
   * Rows are going to mean something else: stops whatever runs, waits until it has stopped, and
   * forgets its place, so that the next scrub starts at the first row.
   */
  public void forgetPlace() throws IOException {
    stop();
    lock.lock();
    try {
      while (progress.state().active()) {
        changed.awaitUninterruptibly();
      }
    } finally {
      lock.unlock();
    }
    ScrubRecord last = ledger.load();
    if (last.nextRow() > 0) {
      ledger.save(new ScrubRecord(0, ScrubTotals.NONE, last.finishedAt(), last.finished()));
    }
  }

  private boolean wishWhile(State state, Wish newWish) {
    lock.lock();
    try {
      if (progress.state() != state) {
        return false;
      }
      wish = newWish;
      changed.signalAll();
      return true;
    } finally {
      lock.unlock();
    }
  }

  /** One walk; only its worker touches it. */
  private final class Run {
    final List<Rows> runs;
    final Coverage coverage;
    final RateLimiter limiter;
    long unsavedBytes;

    Run(List<Rows> runs, Coverage coverage, long rateBytesPerSecond) {
      this.runs = runs;
      this.coverage = coverage;
      this.limiter = new RateLimiter(rateBytesPerSecond, clock::nanos);
    }

    /** True when its place is kept, and its end counts as the end of a scrub of everything. */
    boolean isWhole() {
      return coverage != Coverage.PART;
    }

    long rowCount() {
      return runs.stream().mapToLong(Rows::count).sum();
    }
  }

  private void runToEnd(Run run) {
    try {
      source.begin(run.coverage);
      boolean finished = walk(run);
      if (finished) {
        add(0, source.end());
        if (run.isWhole()) {
          ScrubTotals totals = progress().totals();
          ledger.save(new ScrubRecord(0, ScrubTotals.NONE, wallClock.instant(), totals));
        }
      }
      end(finished ? State.FINISHED : State.STOPPED, null);
    } catch (IOException | RuntimeException e) {
      // Reported as the outcome, not thrown: nobody stands behind a background worker.
      end(State.FAILED, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      end(State.STOPPED, null);
    }
  }

  private boolean walk(Run run) throws IOException, InterruptedException {
    for (Rows rows : run.runs) {
      for (long row = rows.first(); row < rows.end(); row += CHUNK_ROWS) {
        if (!mayGoOn(run, row)) {
          save(run, row);
          return false;
        }
        Rows chunk = new Rows(row, Math.min(rows.end(), row + CHUNK_ROWS));
        long startNanos = clock.nanos();
        ScrubTotals found = source.check(chunk);
        long tookNanos = clock.nanos() - startNanos;
        long chunkBytes = bytes(chunk.count());
        add(chunkBytes, found);
        run.unsavedBytes += chunkBytes;
        if (run.unsavedBytes >= SAVE_EVERY_BYTES) {
          save(run, chunk.end());
        }
        giveWay(tookNanos);
        nap(run.limiter.spend(chunkBytes));
      }
    }
    return true;
  }

  /** Obeys pause and stop; false when the scrub must end here. */
  private boolean mayGoOn(Run run, long nextRow) throws IOException, InterruptedException {
    if (wish() == Wish.PAUSE) {
      save(run, nextRow);
      setState(State.PAUSED);
      record(Event.Phase.PAUSED);
      awaitWishOtherThanPause();
      if (wish() == Wish.RUN) {
        setState(State.RUNNING);
        record(Event.Phase.RESUMED);
      }
    }
    return wish() != Wish.STOP;
  }

  private Wish wish() {
    lock.lock();
    try {
      return wish;
    } finally {
      lock.unlock();
    }
  }

  private void awaitWishOtherThanPause() throws InterruptedException {
    lock.lockInterruptibly();
    try {
      while (wish == Wish.PAUSE) {
        changed.await();
      }
    } finally {
      lock.unlock();
    }
  }

  private void save(Run run, long nextRow) throws IOException {
    if (run.isWhole()) {
      ScrubRecord last = ledger.load();
      ledger.save(
          new ScrubRecord(
              Math.min(nextRow, source.rowCount()),
              progress().totals(),
              last.finishedAt(),
              last.finished()));
      run.unsavedBytes = 0;
    }
  }

  /** Leaves most of the time to users of the volume while there are any. */
  private void giveWay(long tookNanos) throws InterruptedException {
    if (foregroundBusy.getAsBoolean()) {
      nap(Math.min(LONGEST_NAP_NANOS, tookNanos * YIELD_FACTOR));
    }
  }

  /** Sleeps in short pieces, so that a slow rate does not delay a stop. */
  private void nap(long nanos) throws InterruptedException {
    for (long left = nanos; left > 0 && wish() == Wish.RUN; left -= LONGEST_NAP_NANOS) {
      clock.sleep(Math.min(left, LONGEST_NAP_NANOS));
    }
  }

  private void add(long doneBytes, ScrubTotals found) {
    lock.lock();
    try {
      progress =
          new ScrubProgress(
              progress.state(),
              progress.doneBytes() + doneBytes,
              progress.totalBytes(),
              progress.totals().plus(found),
              "");
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  private void setState(State state) {
    lock.lock();
    try {
      progress =
          new ScrubProgress(
              state, progress.doneBytes(), progress.totalBytes(), progress.totals(), "");
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  private void end(State state, @Nullable Exception failure) {
    record(
        switch (state) {
          case FINISHED -> Event.Phase.FINISHED;
          case FAILED -> Event.Phase.FAILED;
          case IDLE, RUNNING, PAUSED, STOPPED -> Event.Phase.STOPPED;
        });
    lock.lock();
    try {
      progress =
          new ScrubProgress(
              state,
              progress.doneBytes(),
              progress.totalBytes(),
              progress.totals(),
              failure == null ? "" : String.valueOf(failure.getMessage()));
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  private void record(Event.Phase phase) {
    ScrubTotals totals = progress().totals();
    events.append((sequence, now) -> new Event.Scrub(sequence, now, phase, totals));
  }

  private long bytes(long rows) {
    return rows * source.rowBytes();
  }
}

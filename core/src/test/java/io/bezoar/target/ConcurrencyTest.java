package io.bezoar.target;

import static org.assertj.core.api.Assertions.assertThat;

import io.bezoar.media.FaultKind;
import io.bezoar.media.SimMedia;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLongArray;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Readers, writers, scrub and faults at once, one fault in a row at a time: every read succeeds,
 * and returns a whole version of its page, never older than the last one known to be written before
 * the read began.
 */
class ConcurrencyTest {
  private static final int PAGE = Rig.PAGE;
  private static final int COLUMNS = 5;
  private static final long ROWS = 24;
  private static final int WRITERS = 2;
  private static final int WRITES = 1500;
  private static final List<FaultKind> KINDS = List.of(FaultKind.values());

  private final AtomicLongArray written = new AtomicLongArray((int) (ROWS * (COLUMNS - 1)));

  @ParameterizedTest
  @EnumSource(WritePath.WriteMode.class)
  void shouldReturnOnlyWhatWasWritten(WritePath.WriteMode mode)
      throws IOException, InterruptedException {
    long seed = Long.getLong("bezoar.seed", System.nanoTime());
    Rig rig = Rig.create(COLUMNS, ROWS, mode, seed, 64);
    AtomicBoolean done = new AtomicBoolean();
    CountDownLatch writing = new CountDownLatch(WRITERS);
    List<Callable<Void>> work = new ArrayList<>();
    for (int w = 0; w < WRITERS; w++) {
      int writer = w;
      work.add(() -> writeOwnPages(rig, writer, new SplittableRandom(seed + writer), writing));
    }
    work.add(() -> readUntil(rig, done, new SplittableRandom(seed + 100)));
    work.add(() -> readUntil(rig, done, new SplittableRandom(seed + 101)));
    work.add(() -> scrubUntil(rig, done));
    work.add(() -> strikeUntil(rig, done, new SplittableRandom(seed + 102)));
    try (ExecutorService threads = Executors.newFixedThreadPool(work.size())) {
      List<Future<Void>> running = new ArrayList<>();
      work.forEach(one -> running.add(threads.submit(one)));
      writing.await();
      done.set(true);
      for (Future<Void> one : running) {
        one.get();
      }
    } catch (ExecutionException failed) {
      throw new AssertionError(
          "seed "
              + seed
              + " mode "
              + mode
              + "; run again: mvn -pl core test -Dtest=ConcurrencyTest -Dbezoar.seed="
              + seed,
          failed.getCause());
    } finally {
      done.set(true);
    }
    rig.target.persist();
    rig.scrubAll();
    rig.assertScrubsClean();
    for (int page = 0; page < written.length(); page++) {
      assertThat(version(rig.read((long) page * PAGE, PAGE), page)).isEqualTo(written.get(page));
    }
  }

  private Void writeOwnPages(Rig rig, int writer, SplittableRandom random, CountDownLatch writing)
      throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment page = arena.allocate(PAGE, PAGE);
      for (int i = 0; i < WRITES; i++) {
        int index = random.nextInt(written.length() / WRITERS) * WRITERS + writer;
        long version = written.get(index) + 1;
        for (long at = 0; at < PAGE; at += Long.BYTES) {
          page.set(ValueLayout.JAVA_LONG, at, version * 10_000 + index);
        }
        rig.target.write((long) index * PAGE, page);
        written.set(index, version);
        if (random.nextInt(50) == 0) {
          rig.target.persist();
        }
      }
    } finally {
      writing.countDown();
    }
    return null;
  }

  private Void readUntil(Rig rig, AtomicBoolean done, SplittableRandom random) throws IOException {
    while (!done.get()) {
      int page = random.nextInt(written.length());
      long atLeast = written.get(page);
      assertThat(version(rig.read((long) page * PAGE, PAGE), page)).isGreaterThanOrEqualTo(atLeast);
    }
    return null;
  }

  /** The version that every word of a page agrees on. */
  private static long version(byte[] bytes, int page) {
    MemorySegment words = MemorySegment.ofArray(bytes);
    long first = words.get(ValueLayout.JAVA_LONG_UNALIGNED, 0);
    for (long at = 0; at < PAGE; at += Long.BYTES) {
      assertThat(words.get(ValueLayout.JAVA_LONG_UNALIGNED, at))
          .as("word at %s of page %s", at, page)
          .isEqualTo(first);
    }
    if (first == 0) {
      return 0;
    }
    assertThat(first % 10_000).as("owner of page").isEqualTo(page);
    return first / 10_000;
  }

  private static Void scrubUntil(Rig rig, AtomicBoolean done) throws IOException {
    while (!done.get()) {
      rig.scrubAll();
    }
    return null;
  }

  private static Void strikeUntil(Rig rig, AtomicBoolean done, SplittableRandom random)
      throws IOException {
    while (!done.get()) {
      long row = random.nextLong(ROWS);
      FaultKind kind = KINDS.get(random.nextInt(KINDS.size()));
      rig.strike(
          kind, rig.geometry.childOffset(row, random.nextInt(COLUMNS)), PAGE, random.nextLong());
      // The next strike may hit the same row: this one must be healed first.
      rig.target.scrubRows(row, 1);
      rig.deliver();
    }
    return null;
  }

  @Test
  void shouldNotTakeAWriteInProgressForDamageWhenScrubbing() throws Exception {
    Rig rig = Rig.create(6, 40, WritePath.WriteMode.DIRECT, 5, 64);
    byte[] bytes = new byte[Rig.PAGE];
    new SplittableRandom(1).nextBytes(bytes);
    long parity = rig.geometry.parityOffset(7);
    CountDownLatch halfWritten = new CountDownLatch(1);
    CountDownLatch goOn = new CountDownLatch(1);
    rig.media.onStep(
        (step, range) -> {
          if (step == SimMedia.Step.WRITE && range.start() == parity) {
            halfWritten.countDown();
            try {
              goOn.await();
            } catch (InterruptedException e) {
              throw new IOException(e);
            }
          }
        });
    FutureTask<Void> write = task(() -> rig.write(7L * Rig.PAGE, bytes));
    FutureTask<ScrubStep> scrub = new FutureTask<>(() -> rig.target.scrubRows(0, 16));
    Thread writer = Thread.ofPlatform().start(write);
    halfWritten.await();
    Thread scrubber = Thread.ofPlatform().start(scrub);
    // It has looked at the row, and waits for its lock.
    while (scrubber.isAlive() && scrubber.getState() != Thread.State.WAITING) {
      Thread.onSpinWait();
    }
    goOn.countDown();
    assertThat(scrub.get().found()).isEmpty();
    assertThat(scrub.get().repaired()).isZero();
    write.get();
    writer.join();
    scrubber.join();
  }

  private interface Action {
    void run() throws IOException;
  }

  private static FutureTask<Void> task(Action action) {
    return new FutureTask<>(
        () -> {
          action.run();
          return null;
        });
  }
}

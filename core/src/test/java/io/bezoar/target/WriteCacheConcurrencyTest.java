package io.bezoar.target;

import static org.assertj.core.api.Assertions.assertThat;

import io.bezoar.target.WriteCacheRig.Kind;
import java.io.IOException;
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
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLongArray;
import org.junit.jupiter.api.Test;

/**
 * Readers, writers and write-back at once, in a cache that is always full: every read returns one
 * version of its page, never older than the last one known to be written before the read began.
 */
class WriteCacheConcurrencyTest {
  private static final int PAGE = WriteCacheRig.PAGE;
  private static final int PAGES = 48;
  private static final int WRITERS = 2;
  private static final int WRITES = 1500;

  private final AtomicLongArray written = new AtomicLongArray(PAGES);

  @Test
  void shouldReturnOnlyWhatWasWritten() throws Exception {
    long seed = Long.getLong("bezoar.seed", System.nanoTime());
    WriteCacheRig rig =
        new WriteCacheRig(Kind.BARE, Kind.BARE, 20, PAGES, WriteCacheRig.ON_REQUEST, seed);
    AtomicBoolean done = new AtomicBoolean();
    CountDownLatch writing = new CountDownLatch(WRITERS);
    List<Callable<Void>> work = new ArrayList<>();
    for (int w = 0; w < WRITERS; w++) {
      int writer = w;
      work.add(() -> writeOwnPages(rig, writer, new SplittableRandom(seed + writer), writing));
    }
    work.add(() -> readUntil(rig, done, new SplittableRandom(seed + 100)));
    work.add(() -> readUntil(rig, done, new SplittableRandom(seed + 101)));
    work.add(() -> writeBackUntil(rig, done));
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
              + "; run again: mvn -pl core -am test -Dtest=WriteCacheConcurrencyTest"
              + " -Dbezoar.seed="
              + seed,
          failed.getCause());
    } finally {
      done.set(true);
    }
    rig.target.persist();
    rig.crash(line -> false);
    for (int page = 0; page < PAGES; page++) {
      assertThat(version(rig.read((long) page * PAGE, PAGE), page)).isEqualTo(written.get(page));
    }
  }

  private Void writeOwnPages(
      WriteCacheRig rig, int writer, SplittableRandom random, CountDownLatch writing)
      throws IOException {
    try {
      for (int i = 0; i < WRITES; i++) {
        int index = random.nextInt(PAGES / WRITERS) * WRITERS + writer;
        long version = written.get(index) + 1;
        byte[] bytes = new byte[PAGE];
        MemorySegment words = MemorySegment.ofArray(bytes);
        for (long at = 0; at < PAGE; at += Long.BYTES) {
          words.set(ValueLayout.JAVA_LONG_UNALIGNED, at, version * 10_000 + index);
        }
        rig.write((long) index * PAGE, bytes);
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

  private Void readUntil(WriteCacheRig rig, AtomicBoolean done, SplittableRandom random)
      throws IOException {
    while (!done.get()) {
      int page = random.nextInt(PAGES - 1);
      long[] atLeast = {written.get(page), written.get(page + 1)};
      byte[] both = rig.read((long) page * PAGE, 2 * PAGE);
      for (int i = 0; i < 2; i++) {
        byte[] one = java.util.Arrays.copyOfRange(both, i * PAGE, (i + 1) * PAGE);
        assertThat(version(one, page + i)).isGreaterThanOrEqualTo(atLeast[i]);
      }
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

  private static Void writeBackUntil(WriteCacheRig rig, AtomicBoolean done) throws IOException {
    while (!done.get()) {
      rig.target.writeBack();
      rig.deliver();
    }
    return null;
  }
}

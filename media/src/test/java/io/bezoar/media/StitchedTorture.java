package io.bezoar.media;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLongArray;
import org.jspecify.annotations.Nullable;

/**
 * The program that {@link StitchedTortureTest} runs in JVMs of every kind: pages of a stitched
 * mapping are exchanged and revoked under readers that never rest, and mappings are closed under
 * whoever changes them.
 *
 * <p>Each page holds one number over and over: which page of the mapping it is for, and which
 * version. A reader that copies a page must find numbers of that page only, none older than what
 * was laid before it began. And one that has seen a version somewhere in a page sees that or a
 * newer one everywhere in it afterwards: a page is exchanged as a whole.
 *
 * <p>Arguments: folder on tmpfs, seed, number of exchanges. Prints one line.
 */
public final class StitchedTorture {
  private static final int PAGE = Units.PAGE_BYTES;
  private static final int PAGES = 16;
  private static final int READERS = 4;
  private static final int CLOSE_EVERY = 500;
  private static final long VERSIONS = 1 << 20;

  /** Newest version that is surely shown. */
  private final AtomicLongArray laid = new AtomicLongArray(PAGES);

  private volatile MemorySegment segment = MemorySegment.NULL;
  private volatile boolean done;

  private long exchanges;
  private long closings;

  private StitchedTorture() {}

  /** What readers saw. */
  private record Seen(long good, long faults, long wrong) {}

  public static void main(String[] args) throws Exception {
    new StitchedTorture().run(Path.of(args[0]), Long.parseLong(args[1]), Integer.parseInt(args[2]));
  }

  private void run(Path folder, long seed, int count) throws Exception {
    try (Media media =
            MediaFiles.create(
                folder.resolve("stitched" + seed),
                4096L * PAGE,
                Allocation.SPARSE,
                new MediaOptions(Access.READ_WRITE, MediaChoice.MAPPED, Drills.OFF));
        ExecutorService executor = Executors.newFixedThreadPool(READERS)) {
      List<Future<Seen>> readers = new ArrayList<>();
      try {
        StitchedMapping mapping = null;
        Arena arena = Arena.ofShared();
        SplittableRandom random = new SplittableRandom(seed);
        Exchange exchange = new Exchange(media, random);
        for (int i = 0; i < count; i++) {
          if (i % CLOSE_EVERY == 0) {
            Arena old = arena;
            arena = Arena.ofShared();
            mapping = exchange.fresh(arena);
            if (i == 0) {
              for (int r = 0; r < READERS; r++) {
                long readerSeed = random.nextLong();
                readers.add(executor.submit((Callable<Seen>) () -> read(readerSeed)));
              }
            }
            close(old);
          }
          if (mapping != null) {
            exchange.step(mapping);
          }
        }
        close(arena);
      } finally {
        done = true;
      }
      long good = 0;
      long faults = 0;
      long wrong = 0;
      for (Future<Seen> reader : readers) {
        good += reader.get().good();
        faults += reader.get().faults();
        wrong += reader.get().wrong();
      }
      System.out.printf(
          "exchanges=%d closings=%d good=%d faults=%d wrong=%d%n",
          exchanges, closings, good, faults, wrong);
    }
  }

  private void close(Arena arena) {
    while (arena.scope().isAlive()) {
      try {
        arena.close();
        closings++;
      } catch (IllegalStateException busy) {
        Thread.onSpinWait();
      }
    }
  }

  private static long value(int page, long version) {
    return page * VERSIONS + version;
  }

  /** Changes the mapping; one thread. */
  private final class Exchange {
    private final Media media;
    private final SplittableRandom random;
    private final MemorySegment buffer = Arena.ofAuto().allocate(PAGE, PAGE);
    private long nextPage;
    private long version;

    Exchange(Media media, SplittableRandom random) {
      this.media = media;
      this.random = random;
    }

    StitchedMapping fresh(Arena arena) throws IOException {
      StitchedMapping mapping = new StitchedMapping((long) PAGES * PAGE, VmaBudget.process());
      // Readers that are still in the one before see older versions; that is no fault.
      for (int page = 0; page < PAGES; page++) {
        show(mapping, page);
      }
      segment = mapping.open(arena, () -> {});
      return mapping;
    }

    void step(StitchedMapping mapping) throws IOException {
      int page = random.nextInt(PAGES);
      exchanges++;
      if (random.nextInt(8) == 0) {
        mapping.revoke(ByteRange.ofLength((long) page * PAGE, PAGE));
      } else {
        show(mapping, page);
        laid.set(page, version);
      }
    }

    /** By a page of the file that nobody else shows, or a copy. */
    private void show(StitchedMapping mapping, int page) throws IOException {
      version++;
      for (int i = 0; i < PAGE; i += 8) {
        buffer.set(JAVA_LONG, i, value(page, version));
      }
      long at = (long) page * PAGE;
      if (random.nextInt(4) == 0) {
        mapping.stage(at, buffer);
      } else {
        nextPage = (nextPage + 1) % 4096;
        ByteRange fresh = ByteRange.ofLength(nextPage * PAGE, PAGE);
        media.write(fresh.start(), buffer);
        mapping.lay(at, media.window(fresh).orElseThrow());
      }
    }
  }

  private Seen read(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    MemorySegment copy = Arena.ofAuto().allocate(PAGE, PAGE);
    long good = 0;
    long faults = 0;
    long wrong = 0;
    while (!done) {
      int page = random.nextInt(PAGES);
      long newest = laid.get(page);
      @Nullable Boolean whole = load(page, copy);
      if (whole == null) {
        continue;
      }
      if (!whole) {
        faults++;
      } else if (isOf(copy, page, newest) && isMonotone(random, page, copy)) {
        good++;
      } else {
        wrong++;
      }
    }
    return new Seen(good, faults, wrong);
  }

  /** Null when the mapping was closed. */
  private @Nullable Boolean load(int page, MemorySegment copy) {
    try {
      return GuardedCopy.load(segment, (long) page * PAGE, copy);
    } catch (IllegalStateException closed) {
      return null;
    }
  }

  private static boolean isOf(MemorySegment copy, int page, long newest) {
    for (int i = 0; i < PAGE; i += 8) {
      long value = copy.get(JAVA_LONG, i);
      if (value / VERSIONS != page || value % VERSIONS < newest) {
        return false;
      }
    }
    return true;
  }

  /** Two loads, one after the other, of one page; true as well when one of them faults. */
  private boolean isMonotone(SplittableRandom random, int page, MemorySegment copy) {
    MemorySegment now = segment;
    long at = (long) page * PAGE;
    MemorySegment one = copy.asSlice(0, 8);
    MemorySegment two = copy.asSlice(8, 8);
    try {
      return !GuardedCopy.load(now, at + 8L * random.nextInt(PAGE / 8), one)
          || !GuardedCopy.load(now, at + 8L * random.nextInt(PAGE / 8), two)
          || one.get(JAVA_LONG, 0) <= two.get(JAVA_LONG, 0);
    } catch (IllegalStateException closed) {
      return true;
    }
  }
}

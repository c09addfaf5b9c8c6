package io.bezoar.guard;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import io.bezoar.guard.sidecar.Progress;
import io.bezoar.guard.sidecar.Protection;
import io.bezoar.guard.sidecar.Redundancy;
import io.bezoar.media.ByteRange;
import io.bezoar.media.FaultKind;
import io.bezoar.media.FaultSpec;
import io.bezoar.media.MediaUnavailableException;
import io.bezoar.media.Presence;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;

/**
 * The program that {@link GuardStormTest} runs in JVMs of every kind: hot readers of one guarded
 * file, by copy, by getter and by plain loads in a run, while its pages are struck, healed, given
 * up, and found again. In the end the file is cut under them.
 *
 * <p>Arguments: folder, seed, number of strikes, a logging configuration, and {@code plain} or
 * {@code sidecar}. With a sidecar pages are flipped, torn and made stale as well, and nobody loads
 * plainly: only copies are checked. Prints one line of counts.
 */
public final class GuardStorm {
  private static final int PAGE = 4096;
  private static final int PAGES = 48;
  private static final int READERS = 3;
  private static final int READS_PER_STRIKE = 50;

  private final byte[] content = new byte[PAGES * PAGE - 1000];
  private final Set<Long> withheld = ConcurrentHashMap.newKeySet();

  /** One for each read, so that each strike meets some. */
  private final Semaphore turns = new Semaphore(0);

  private final LongAdder reads = new LongAdder();
  private final LongAdder refused = new LongAdder();
  private final LongAdder healed = new LongAdder();
  private final LongAdder damaged = new LongAdder();
  private final AtomicInteger wrong = new AtomicInteger();
  private final AtomicInteger escaped = new AtomicInteger();
  private final Path file;
  private final boolean sidecar;
  private final long seed;
  private final int strikes;
  private final AtomicInteger absent = new AtomicInteger();

  /** Bytes from here on may be absent: the file is about to be cut, or was. */
  private volatile long cutAt = Long.MAX_VALUE;

  private volatile boolean over;

  /** Called damaged although nothing but a cut had happened since all was good. */
  private long miscalled;

  /** What is still damaged after a last scrub with everything known. */
  private int left;

  private GuardStorm(Path file, long seed, int strikes, boolean sidecar) {
    this.file = file;
    this.sidecar = sidecar;
    this.seed = seed;
    this.strikes = strikes;
    new SplittableRandom(seed).nextBytes(content);
  }

  /** Runs the storm; see the class comment. */
  public static void main(String[] args) throws Exception {
    Path file = Path.of(args[0]).resolve("storm");
    System.setProperty("java.util.logging.config.file", args[3]);
    boolean sidecar = args[4].equals("sidecar");
    new GuardStorm(file, Long.parseLong(args[1]), Integer.parseInt(args[2]), sidecar).run();
  }

  private void run() throws Exception {
    Files.write(file, content);
    if (sidecar) {
      Protection.protect(file, Redundancy.DEFAULT, Progress.UNWATCHED);
    }
    GuardOptions options =
        (sidecar ? GuardOptions.SIDECAR : GuardOptions.DEFAULT)
            .repairFrom(
                (path, range) -> withheld.contains(range.start() / PAGE) ? null : good(range))
            .drills();
    try (Guard guard = Guard.map(file, options);
        ExecutorService threads = Executors.newFixedThreadPool(READERS)) {
      AutoCloseable watching =
          guard.subscribe(
              event -> {
                switch (event) {
                  case GuardEvent.Healed _ -> healed.increment();
                  case GuardEvent.Damaged _ -> damaged.increment();
                  case GuardEvent.Truncated _ -> {} // told by what the readers get
                }
              });
      List<Future<Void>> readers = new ArrayList<>();
      for (int i = 0; i < READERS; i++) {
        int kind = i;
        readers.add(threads.submit((Callable<Void>) () -> read(guard, kind)));
      }
      try {
        strike(guard);
        withheld.clear();
        guard.scrub();
        left = guard.damage().size() + (Arrays.equals(Files.readAllBytes(file), content) ? 0 : 1);
        cut(guard);
      } finally {
        over = true;
      }
      for (Future<Void> reader : readers) {
        reader.get();
      }
      watching.close();
    }
    System.out.printf(
        "strikes=%d reads=%d refused=%d healed=%d damaged=%d wrong=%d escaped=%d left=%d"
            + " absent=%d miscalled=%d%n",
        strikes,
        reads.sum(),
        refused.sum(),
        healed.sum(),
        damaged.sum(),
        wrong.get(),
        escaped.get(),
        left,
        absent.get(),
        miscalled);
  }

  private byte[] good(ByteRange range) {
    return Arrays.copyOfRange(content, (int) range.start(), (int) range.end());
  }

  private void strike(Guard guard) throws Exception {
    SplittableRandom random = new SplittableRandom(seed + 1);
    for (int i = 0; i < strikes; i++) {
      long page = random.nextInt(PAGES);
      if (random.nextInt(4) == 0) {
        withheld.add(page);
      }
      long end = Math.min(content.length, (page + 1 + random.nextInt(3)) * PAGE);
      FaultKind[] kinds = FaultKind.values(); // poison and eio are the first
      FaultKind kind = kinds[random.nextInt(sidecar ? kinds.length : 2)];
      guard.injector().inject(FaultSpec.of(kind, new ByteRange(page * PAGE, end), i));
      turns.drainPermits();
      turns.acquire(READS_PER_STRIKE);
      if (random.nextInt(8) == 0) {
        withheld.clear();
        guard.scrub();
      }
    }
  }

  /**
   * Real faults without any drill. Within a page only where pages are checked: what a plain load
   * finds behind the end of the file, in its last page, are zeroes.
   */
  private void cut(Guard guard) throws Exception {
    long before = damaged.sum();
    for (int pages = PAGES / 2; pages > PAGES / 4; pages -= 3) {
      cutAt = (long) pages * PAGE;
      try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
        channel.truncate(cutAt + (sidecar ? 1234 : 0));
      }
      turns.drainPermits();
      turns.acquire(4 * READS_PER_STRIKE);
    }
    miscalled = damaged.sum() - before + guard.damage().size();
  }

  private Void read(Guard guard, int kind) {
    SplittableRandom random = new SplittableRandom(seed + 100 + kind);
    byte[] buffer = new byte[5 * PAGE];
    while (!over) {
      int length = 8 + random.nextInt(buffer.length - 8);
      int offset = random.nextInt(content.length - length);
      boolean whole = cutAt == Long.MAX_VALUE;
      try {
        switch (kind) {
          case 0 -> copy(guard, offset, length, buffer);
          case 1 -> {
            if (sidecar) {
              copy(guard, offset, length, buffer);
            } else {
              sum(guard, offset, length);
            }
          }
          default -> {
            length = Long.BYTES;
            get(guard, offset);
          }
        }
      } catch (DamagedRangeException e) {
        refused.increment();
      } catch (MediaUnavailableException e) {
        // One that met a strike may find the file cut before it has healed anything.
        boolean cut = e.presence() == Presence.TRUNCATED && (whole || offset + length > cutAt);
        if (cut) {
          absent.incrementAndGet();
        } else {
          escaped(e);
        }
      } catch (Throwable e) {
        escaped(e);
      }
      reads.increment();
      turns.release();
    }
    return null;
  }

  private void escaped(Throwable e) {
    if (escaped.incrementAndGet() == 1) {
      e.printStackTrace();
    }
  }

  private void copy(Guard guard, int offset, int length, byte[] buffer) throws Exception {
    Arrays.fill(buffer, 0, length, (byte) 0);
    int good = length;
    try {
      guard.copy(offset, buffer, 0, length);
    } catch (DamagedRangeException e) {
      good = (int) e.goodPrefixBytes();
      refused.increment();
    }
    if (Arrays.mismatch(buffer, 0, good, content, offset, offset + good) >= 0) {
      wrong.incrementAndGet();
    }
  }

  private void sum(Guard guard, int offset, int length) throws Exception {
    MemorySegment segment = guard.segment();
    long sum =
        guard.<Long, RuntimeException>run(
            () -> {
              long s = 0;
              for (int i = offset; i < offset + length; i++) {
                s = s * 31 + segment.get(JAVA_BYTE, i);
              }
              return s;
            });
    long expected = 0;
    for (int i = offset; i < offset + length; i++) {
      expected = expected * 31 + content[i];
    }
    if (sum != expected) {
      wrong.incrementAndGet();
    }
  }

  private void get(Guard guard, int offset) throws Exception {
    long value = guard.get(JAVA_LONG_UNALIGNED, offset);
    if (value != MemorySegment.ofArray(content).get(JAVA_LONG_UNALIGNED, offset)) {
      wrong.incrementAndGet();
    }
  }
}

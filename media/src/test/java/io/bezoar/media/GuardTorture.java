package io.bezoar.media;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * The program that {@link GuardTortureTest} runs in JVMs of every kind: plants real faults under
 * two threads of guarded copies and of media accesses, and counts what became of them.
 *
 * <p>Arguments: folder on tmpfs, seed, number of faults, and which copy: {@code guarded} or {@code
 * naive}, the control that shows what happens without the poll barrier. Prints one line, {@link
 * Tally#toString()}.
 */
public final class GuardTorture {
  private static final int PAGE = Units.PAGE_BYTES;
  private static final int PAGES = 32;
  private static final int LENGTH_MAX = 6 * PAGE;

  /** Keeps the collector busy, so that safepoints come at any time. */
  @SuppressWarnings("UnusedVariable")
  private static volatile byte[] garbage = new byte[0];

  private final SplittableRandom random;
  private final int faults;
  private final boolean naive;
  private final byte[] content = new byte[PAGES * PAGE];
  private final MemorySegment expected = MemorySegment.ofArray(content);
  private final Tally tally = new Tally();

  /** What became of the faults. */
  static final class Tally {
    int planted;
    int caught;
    int escaped;
    int missed;
    int invented;
    int wrongPrefixes;

    void add(Tally other) {
      planted += other.planted;
      caught += other.caught;
      escaped += other.escaped;
      missed += other.missed;
      invented += other.invented;
      wrongPrefixes += other.wrongPrefixes;
    }

    @Override
    public String toString() {
      return "planted=%d caught=%d escaped=%d missed=%d invented=%d wrongPrefixes=%d"
          .formatted(planted, caught, escaped, missed, invented, wrongPrefixes);
    }
  }

  private GuardTorture(long seed, int faults, boolean naive) {
    this.random = new SplittableRandom(seed);
    this.faults = faults;
    this.naive = naive;
    random.nextBytes(content);
  }

  /** Runs the torture; see the class comment. */
  public static void main(String[] args) throws Exception {
    Path folder = Path.of(args[0]);
    long seed = Long.parseLong(args[1]);
    int faults = Integer.parseInt(args[2]);
    boolean naive = args[3].equals("naive");
    Tally sum = new Tally();
    try (ExecutorService threads = Executors.newFixedThreadPool(2)) {
      Callable<Tally> copies = () -> new GuardTorture(seed, faults / 2, naive).copies();
      Callable<Tally> accesses =
          naive
              ? () -> new GuardTorture(seed + 1, faults / 2, true).copies()
              : () -> new GuardTorture(seed + 1, faults / 2, false).accesses(folder);
      for (Future<Tally> result : threads.invokeAll(java.util.List.of(copies, accesses))) {
        sum.add(result.get());
      }
    }
    System.out.println(sum);
  }

  /** The guarded copy alone. */
  private Tally copies() throws IOException {
    long fd = Posix.memfd("bezoar-torture", (long) PAGES * PAGE);
    try (Descriptor file = new Descriptor((int) fd);
        Mapping mapping = Mapping.of(file, (long) PAGES * PAGE, Mapping.Mode.READ_WRITE);
        Arena arena = Arena.ofConfined()) {
      MemorySegment source = arena.allocateFrom(JAVA_BYTE, content);
      MemorySegment buffer = arena.allocate(LENGTH_MAX);
      GuardedCopy.store(source, mapping.segment(), 0);
      while (tally.planted < faults) {
        long page = random.nextInt(PAGES);
        ByteRange bad = ByteRange.ofLength(page * PAGE, PAGE);
        mapping.lay(bad);
        for (int i = 0; i < 4; i++) {
          strike(mapping, source, buffer, bad);
          healthy(mapping, buffer, bad);
        }
        mapping.restore(bad);
      }
    }
    return tally;
  }

  private void strike(Mapping mapping, MemorySegment source, MemorySegment buffer, ByteRange bad) {
    long offset = Math.max(0, bad.start() - random.nextInt(2 * PAGE));
    long shortest = bad.start() - offset + 1;
    long length = shortest + random.nextLong(LENGTH_MAX - shortest);
    length = Math.min(length, content.length - offset);
    MemorySegment dst = buffer.asSlice(0, length);
    boolean store = random.nextInt(3) == 0;
    tally.planted++;
    boolean whole;
    try {
      if (store) {
        whole = GuardedCopy.store(source.asSlice(offset, length), mapping.segment(), offset);
      } else {
        whole = load(mapping, offset, dst);
      }
      garbage = new byte[64 + (int) (offset & 1023)];
    } catch (InternalError e) {
      tally.escaped++;
      return;
    }
    if (whole) {
      tally.missed++;
      return;
    }
    tally.caught++;
    if (!store) {
      delivered(offset, dst, mapping.salvage(offset, dst), bad.start() - offset);
    }
  }

  private boolean load(Mapping mapping, long offset, MemorySegment dst) {
    return naive
        ? naiveLoad(mapping.segment(), offset, dst)
        : GuardedCopy.load(mapping.segment(), offset, dst);
  }

  /** The same copy in a try, but without the poll barrier. */
  private static boolean naiveLoad(MemorySegment mapped, long offset, MemorySegment dst) {
    try {
      MemorySegment.copy(mapped, offset, dst, 0, dst.byteSize());
      return true;
    } catch (InternalError e) {
      return false;
    }
  }

  private void healthy(Mapping mapping, MemorySegment buffer, ByteRange bad) {
    for (int i = 0; i < 8; i++) {
      int length = 1 + random.nextInt(2 * PAGE);
      long offset = random.nextInt(content.length - length);
      if (ByteRange.ofLength(offset, length).overlaps(bad)) {
        continue;
      }
      MemorySegment dst = buffer.asSlice(0, length);
      delivered(offset, dst, load(mapping, offset, dst) ? length : 0, length);
    }
  }

  private void delivered(long offset, MemorySegment dst, long good, long exact) {
    if (good != exact) {
      tally.wrongPrefixes++;
    }
    if (MemorySegment.mismatch(dst, 0, good, expected, offset, offset + good) != -1) {
      tally.invented++;
    }
  }

  /** Media accesses: what a fault looks like to everybody above. */
  private Tally accesses(Path folder) throws IOException {
    MediaOptions options = new MediaOptions(Access.READ_WRITE, MediaChoice.MAPPED, Drills.ON);
    try (Arena arena = Arena.ofConfined();
        Media media =
            MediaFiles.create(
                folder.resolve("torture"), content.length, Allocation.PREALLOCATED, options)) {
      MemorySegment buffer = arena.allocate(LENGTH_MAX);
      media.write(0, arena.allocateFrom(JAVA_BYTE, content));
      while (tally.planted < faults) {
        long page = random.nextInt(PAGES);
        ByteRange bad = ByteRange.ofLength(page * PAGE, PAGE);
        media.injector().inject(FaultSpec.of(FaultKind.POISON, bad, 0));
        for (int i = 0; i < 4; i++) {
          access(media, buffer, bad);
        }
        media.reinitialise(bad.start(), arena.allocateFrom(JAVA_BYTE, slice(bad)));
      }
    }
    return tally;
  }

  private byte[] slice(ByteRange range) {
    return java.util.Arrays.copyOfRange(content, (int) range.start(), (int) range.end());
  }

  private void access(Media media, MemorySegment buffer, ByteRange bad) throws IOException {
    long offset = Math.max(0, bad.start() - random.nextInt(PAGE));
    long length = Math.min(content.length, bad.end() + random.nextInt(PAGE)) - offset;
    MemorySegment dst = buffer.asSlice(0, length);
    tally.planted++;
    try {
      media.read(offset, dst);
      tally.missed++;
    } catch (MediaFaultException e) {
      tally.caught++;
      delivered(offset, dst, e.goodPrefixBytes(), bad.start() - offset);
      if (!e.range().equals(bad)) {
        tally.wrongPrefixes++;
      }
    } catch (InternalError e) {
      tally.escaped++;
    }
    garbage = new byte[64 + (int) (offset & 1023)];
  }
}

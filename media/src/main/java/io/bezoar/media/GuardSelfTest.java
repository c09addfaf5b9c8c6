package io.bezoar.media;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.SplittableRandom;

/**
 * Does this JVM deliver the error of a bad page inside the guard? {@link GuardedCopy} rests on
 * measured behaviour, so before the first mapped media is opened, once per JVM, real faults are
 * planted under code that is being compiled: the copy is driven hot, so that the compilers take it
 * on the way, and every fault must be caught, every good prefix exact, every healthy copy right.
 *
 * <p>If one is not, mapped media is refused: {@link MediaChoice#AUTO} falls back to the channel.
 */
public final class GuardSelfTest {
  private static final int PAGE = Units.PAGE_BYTES;
  private static final int PAGES = 8;
  private static final int BAD_PAGE = 5;
  private static final int STRIKES = 300;

  /** Healthy copies before each strike: enough in sum that the copy is compiled on the way. */
  private static final int COPIES_PER_STRIKE = 60;

  /** An interpreter compiles nothing, so it need not be driven hot for longer than this. */
  private static final long WARM_NANOS = 40_000_000;

  private static final class Once {
    static final GuardReport REPORT = new GuardSelfTest().run();
  }

  private int planted;
  private int caught;
  private int escaped;
  private int missed;
  private int wrongPrefixes;
  private int wrongCopies;

  private GuardSelfTest() {}

  /** The result for this JVM; the first call runs the test, which takes tens of milliseconds. */
  public static GuardReport report() {
    return Once.REPORT;
  }

  private GuardReport run() {
    long start = System.nanoTime();
    String detail;
    try {
      plant();
      detail = "every fault arrived inside the guard";
    } catch (IOException e) {
      detail = "no fault could be planted: " + e.getMessage();
    }
    GuardReport report = report(start, detail);
    return planted == 0 || report.sound()
        ? report
        : report(start, "this JVM lets faults past the guard: mapped media is not safe on it");
  }

  private GuardReport report(long start, String detail) {
    long nanos = System.nanoTime() - start;
    return new GuardReport(
        planted, caught, escaped, missed, wrongPrefixes, wrongCopies, nanos, detail);
  }

  private void plant() throws IOException {
    long fd = Posix.memfd("bezoar-self-test", (long) PAGES * PAGE);
    if (fd < 0) {
      throw new IOException("memfd_create: " + Errno.text((int) -fd));
    }
    try (Descriptor file = new Descriptor((int) fd);
        Mapping mapping = Mapping.of(file, (long) PAGES * PAGE, Mapping.Mode.READ_WRITE);
        Arena arena = Arena.ofConfined()) {
      byte[] content = new byte[PAGES * PAGE];
      new SplittableRandom(1).nextBytes(content);
      MemorySegment expected = arena.allocateFrom(JAVA_BYTE, content);
      if (!GuardedCopy.store(expected, mapping.segment(), 0)) {
        wrongCopies++;
      }
      mapping.lay(ByteRange.ofLength((long) BAD_PAGE * PAGE, PAGE));
      drive(mapping, expected, arena.allocate(PAGE, PAGE));
    }
  }

  private void drive(Mapping mapping, MemorySegment expected, MemorySegment buffer) {
    long warmUntil = System.nanoTime() + WARM_NANOS;
    for (int strike = 0; strike < STRIKES; strike++) {
      boolean warm = System.nanoTime() - warmUntil > 0;
      for (int i = warm ? COPIES_PER_STRIKE - 1 : 0; i < COPIES_PER_STRIKE; i++) {
        healthy(mapping, expected, buffer, i);
      }
      // From a place before the bad page, so that a prefix of 0 to 4095 bytes is good.
      long offset = (long) BAD_PAGE * PAGE - (strike * 97L) % PAGE;
      planted++;
      try {
        boolean whole =
            strike % 3 == 0
                ? GuardedCopy.store(buffer, mapping.segment(), (long) BAD_PAGE * PAGE)
                : GuardedCopy.load(mapping.segment(), offset, buffer);
        count(whole);
      } catch (InternalError e) {
        escaped++;
      }
      prefix(mapping, expected, buffer, offset);
    }
  }

  private void count(boolean whole) {
    if (whole) {
      missed++;
    } else {
      caught++;
    }
  }

  private void healthy(Mapping mapping, MemorySegment expected, MemorySegment buffer, int i) {
    long offset = (long) (i % BAD_PAGE) * PAGE;
    boolean whole = GuardedCopy.load(mapping.segment(), offset, buffer);
    long end = offset + PAGE;
    boolean compare = i == COPIES_PER_STRIKE - 1;
    if (!whole
        || (compare && MemorySegment.mismatch(buffer, 0, PAGE, expected, offset, end) != -1)) {
      wrongCopies++;
    }
  }

  private void prefix(Mapping mapping, MemorySegment expected, MemorySegment buffer, long offset) {
    long good = (long) BAD_PAGE * PAGE - offset;
    boolean exact =
        mapping.salvage(offset, buffer) == good
            && MemorySegment.mismatch(buffer, 0, good, expected, offset, offset + good) == -1;
    if (!exact) {
      wrongPrefixes++;
    }
  }
}

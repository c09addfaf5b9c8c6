package io.bezoar.media;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/** Tries what media asks of the kernel, for people who want to know what to expect. */
public final class KernelFeatures {
  private static final int PAGE = Units.PAGE_BYTES;

  /**
   * One thing that the kernel may be able to do.
   *
   * @param name what it is called
   * @param works whether it worked just now
   * @param use what media does with it, and what it does without
   */
  public record Feature(String name, boolean works, String use) {}

  private KernelFeatures() {}

  /** Tries all of them; takes well under a millisecond. */
  public static List<Feature> probe() {
    List<Feature> features = new ArrayList<>();
    features.add(
        new Feature("memfd", memfdWorks(), "injects real memory faults; without: no mapped media"));
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment page = arena.allocate(PAGE, PAGE).fill((byte) 1);
      features.add(
          new Feature(
              "PAGEMAP_SCAN (Linux 6.7)",
              MappedProbe.canScan(page),
              "finds bad pages of 1 GiB in a millisecond; without: each page is asked for"));
      features.add(
          new Feature(
              "MADV_POPULATE_READ (Linux 5.14)",
              Posix.madvise(page.address(), PAGE, Posix.MADV_POPULATE_READ) == 0,
              "confirms bad pages without reading them; without: by process_vm_readv"));
      features.add(
          new Feature(
              "process_vm_readv",
              copiesItself(arena, page),
              "brings out the bytes before a fault exactly; without: no mapped media"));
    }
    return features;
  }

  private static boolean memfdWorks() {
    long fd = Posix.memfd("bezoar-probe", 0);
    if (fd < 0) {
      return false;
    }
    Posix.close((int) fd);
    return true;
  }

  private static boolean copiesItself(Arena arena, MemorySegment page) {
    MemorySegment copy = arena.allocate(PAGE, PAGE);
    MemorySegment to = vector(arena, copy);
    MemorySegment from = vector(arena, page);
    return Posix.processVmReadv(to, 1, from, 1) == PAGE && copy.mismatch(page) < 0;
  }

  private static MemorySegment vector(Arena arena, MemorySegment bytes) {
    MemorySegment vector = arena.allocate(16, 8);
    vector.set(JAVA_LONG, 0, bytes.address());
    vector.set(JAVA_LONG, 8, bytes.byteSize());
    return vector;
  }
}

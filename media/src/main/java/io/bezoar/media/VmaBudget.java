package io.bezoar.media;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * How many mappings of memory may still be splintered off. Every page that differs from its
 * neighbours costs two, and at vm.max_map_count the JVM itself aborts: so a part of them is always
 * left for it. There is one budget for the process; others are for tests and for parts of a program
 * that are to get by with less.
 *
 * <p>A quarter is kept for those who need one mapping and can do nothing without it, so that one
 * that can be splintered endlessly does not leave them with nothing. Thread-safe.
 */
public final class VmaBudget {
  private static final int KEPT_FREE = 16 * 1024;
  private static final int DEFAULT_MAX = 65_530;

  private static final VmaBudget PROCESS = of(max() - KEPT_FREE);

  private final AtomicInteger left;
  private final int kept;

  private VmaBudget(int count) {
    this.left = new AtomicInteger(count);
    this.kept = Math.ceilDiv(count, 4);
  }

  /** What this process has. */
  public static VmaBudget process() {
    return PROCESS;
  }

  /** A budget of {@code count} mappings; none when that is negative. */
  public static VmaBudget of(int count) {
    return new VmaBudget(Math.max(0, count));
  }

  private static int max() {
    // The kernel answers one read of this file; Files.readString begins with one of a single byte.
    try (BufferedReader reader = Files.newBufferedReader(Path.of("/proc/sys/vm/max_map_count"))) {
      return Integer.parseInt(String.valueOf(reader.readLine()).strip());
    } catch (IOException | NumberFormatException e) {
      return DEFAULT_MAX; // a container may hide it; this is what kernels come with
    }
  }

  /** Takes {@code count} mappings; false, and none taken, when so many are not left. */
  boolean take(int count) {
    return takeDownTo(0, count);
  }

  /** As {@link #take}, for what can be done without: leaves what is kept for others. */
  boolean takeSpare(int count) {
    return count == 0 || takeDownTo(kept, count);
  }

  private boolean takeDownTo(int rest, int count) {
    if (left.addAndGet(-count) >= rest) {
      return true;
    }
    left.addAndGet(count);
    return false;
  }

  /** How many may still be taken. */
  public int left() {
    return left.get();
  }

  void give(int count) {
    left.addAndGet(count);
  }
}

package io.bezoar.media;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * How many mappings this process may still be splintered into. Every page that differs from its
 * neighbours costs two, and at vm.max_map_count the JVM itself aborts: so a part of them is always
 * left for it.
 */
final class VmaBudget {
  private static final int KEPT_FREE = 16 * 1024;
  private static final int DEFAULT_MAX = 65_530;

  private static final AtomicInteger LEFT = new AtomicInteger(Math.max(0, max() - KEPT_FREE));

  private VmaBudget() {}

  private static int max() {
    // The kernel answers one read of this file; Files.readString begins with one of a single byte.
    try (BufferedReader reader = Files.newBufferedReader(Path.of("/proc/sys/vm/max_map_count"))) {
      return Integer.parseInt(String.valueOf(reader.readLine()).strip());
    } catch (IOException | NumberFormatException e) {
      return DEFAULT_MAX; // a container may hide it; this is what kernels come with
    }
  }

  /** Takes {@code count} mappings; false, and none taken, when so many are not left. */
  static boolean take(int count) {
    if (LEFT.addAndGet(-count) >= 0) {
      return true;
    }
    LEFT.addAndGet(count);
    return false;
  }

  /** How many may still be taken. */
  static int left() {
    return LEFT.get();
  }

  static void give(int count) {
    LEFT.addAndGet(count);
  }
}

package io.bezoar.fs;

import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.LeafDevice;
import io.bezoar.dax.NoticeDispatcher;
import io.bezoar.dax.PoisonRegion;
import io.bezoar.media.Allocation;
import io.bezoar.media.ByteRange;
import io.bezoar.media.Media;
import io.bezoar.media.MediaFiles;
import io.bezoar.media.MediaOptions;
import io.bezoar.media.Units;
import io.bezoar.target.LinearTarget;
import io.bezoar.target.ProtectedTarget;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Locale;

/**
 * Prints how long it takes to make a write durable, on a file in a folder that is given. Not a
 * test: figures of a busy machine prove nothing.
 */
final class IntentFigures {
  private static final int COUNT = 20_000;
  private static final long BYTES = 256L << 20;
  private static final long LIST_BYTES = 64L << 10;
  private static final ByteRange REGION = ByteRange.ofLength(1 << 20, 4 << 20);
  private static final InstantSource CLOCK = InstantSource.fixed(Instant.EPOCH);

  private IntentFigures() {}

  /** Arguments: a folder, and "leaf" or "protected". */
  public static void main(String[] args) throws Exception {
    Path file = Files.createTempFile(Path.of(args[0]), "intent", ".pool");
    try {
      Files.delete(file);
      measure(file, args[1]);
    } finally {
      Files.deleteIfExists(file);
    }
  }

  private static NoticeDispatcher dispatcher() {
    return new NoticeDispatcher("figures", CLOCK, _ -> {});
  }

  private static void measure(Path file, String below) throws Exception {
    Media media = MediaFiles.create(file, BYTES, Allocation.PREALLOCATED, MediaOptions.READ_WRITE);
    PoisonRegion lists =
        new PoisonRegion(new ByteRange(0, LIST_BYTES), new ByteRange(BYTES - LIST_BYTES, BYTES));
    LeafDevice.format(media, lists);
    LeafDevice leaf = LeafDevice.open(media, lists, CLOCK, dispatcher());
    ByteRange region = new ByteRange(LIST_BYTES, BYTES - LIST_BYTES);
    DaxDevice device;
    if (below.equals("leaf")) {
      device = LinearTarget.open("figures", leaf, region, dispatcher());
    } else {
      var geometry = ProtectedTarget.plan(region, 32);
      ProtectedTarget.format(leaf, geometry);
      device = ProtectedTarget.open(leaf, geometry, CLOCK, dispatcher());
    }
    try (device) {
      IntentLog log = IntentLog.open(device, REGION, 7);
      log.restart(0);
      for (int round = 0; round < 3; round++) {
        for (int bytes : new int[] {64, 512, 4096, 16_384}) {
          append(log, bytes, below);
        }
        raw(device, below, "4096 bytes written and persisted, no log", 4096, 0);
        raw(device, below, "8192 bytes, the same", 8192, 0);
        raw(device, below, "4224 bytes at any line, the same", 4224, 4224);
      }
      long start = System.nanoTime();
      IntentLog.open(device, REGION, 7);
      System.out.printf("%-10s open: %,d us%n", below, (System.nanoTime() - start) / 1000);
    }
  }

  private static void append(IntentLog log, int bytes, String below) throws Exception {
    List<IntentRecord> one =
        List.of(new IntentRecord(2, 1, 1, 1, 0, bytes, 0, MemorySegment.ofArray(new byte[bytes])));
    long start = System.nanoTime();
    for (int i = 0; i < COUNT; i++) {
      if (log.freeBytes() < IntentLayout.bytes(bytes)) {
        log.durable(2);
      }
      log.persist(log.append(one));
    }
    print(below, bytes + " bytes appended and persisted", start);
  }

  private static void raw(DaxDevice device, String below, String what, int bytes, int step)
      throws Exception {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment buffer = arena.allocate(bytes, Units.PAGE_BYTES);
      long start = System.nanoTime();
      for (int i = 0; i < COUNT; i++) {
        long at = step > 0 ? (long) i * step : (long) i * bytes;
        device.write(REGION.end() + at % (2 << 20), buffer);
        device.persist();
      }
      print(below, what, start);
    }
  }

  private static void print(String below, String what, long startNanos) {
    double nanos = System.nanoTime() - startNanos;
    System.out.printf(
        Locale.ROOT, "%-10s %-42s %,10.2f us each%n", below, what, nanos / 1e3 / COUNT);
  }
}

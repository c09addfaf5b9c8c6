package io.bezoar.tree;

import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.LeafDevice;
import io.bezoar.dax.NoticeDispatcher;
import io.bezoar.dax.PoisonRegion;
import io.bezoar.media.Allocation;
import io.bezoar.media.ByteRange;
import io.bezoar.media.Media;
import io.bezoar.media.MediaFiles;
import io.bezoar.media.MediaOptions;
import io.bezoar.target.LinearTarget;
import io.bezoar.target.ProtectedTarget;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Locale;
import java.util.SplittableRandom;

/**
 * Prints what a forest does in a second, on a file in a folder that is given. Not a test: figures
 * of a busy machine prove nothing.
 */
final class ForestFigures {
  private static final int ENTRIES = 1_000_000;
  private static final long BYTES = 1L << 30;
  private static final long LIST_BYTES = 64L << 10;
  private static final InstantSource CLOCK = InstantSource.fixed(Instant.EPOCH);

  private ForestFigures() {}

  private interface Work {
    void run() throws Exception;
  }

  private static void time(String what, long count, Work work) throws Exception {
    long start = System.nanoTime();
    long cpuStart = ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
    work.run();
    double nanos = System.nanoTime() - start;
    double cpu = ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime() - cpuStart;
    System.out.printf(
        Locale.ROOT,
        "%-46s %,12.0f /s %,10.2f us each, %,10.2f us of cpu%n",
        what,
        count * 1e9 / nanos,
        nanos / 1e3 / count,
        cpu / 1e3 / count);
  }

  /** Arguments: a folder, and "leaf" or "protected". */
  public static void main(String[] args) throws Exception {
    Path file = Files.createTempFile(Path.of(args[0]), "forest", ".pool");
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
    Media media = MediaFiles.create(file, BYTES, Allocation.SPARSE, MediaOptions.READ_WRITE);
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
      Forest.format(device, 1);
      for (int round = 0; round < 2; round++) {
        System.out.println("round " + round + " on " + below);
        try (Forest forest = Forest.open(device, ForestOptions.with(Runnable::run))) {
          measure(forest, round);
        }
        time("open, look up one", 1, () -> openAndLook(device));
      }
    }
  }

  private static void openAndLook(DaxDevice device) throws Exception {
    try (Forest forest = Forest.open(device, ForestOptions.with(Runnable::run));
        Snapshot now = forest.snapshot()) {
      now.get(forest.trees().getFirst(), TreeRig.key(77));
    }
  }

  private static void measure(Forest forest, int round) throws Exception {
    Tree loaded;
    Tree tree;
    try (Transaction tx = forest.begin(Purpose.ORDINARY)) {
      loaded = tx.createTree("loaded " + round);
      tree = tx.createTree("tree " + round);
      tx.commit().join();
    }
    time(
        "bulk load, 16-byte entries, committed",
        ENTRIES,
        () -> {
          try (Transaction tx = forest.begin(Purpose.ORDINARY)) {
            BulkLoad load = tx.load(loaded);
            for (int i = 0; i < ENTRIES; i++) {
              load.add(TreeRig.key(i), TreeRig.key(i));
            }
            load.finish();
            tx.commit().join();
          }
        });
    SplittableRandom random = new SplittableRandom(round);
    for (int i = 0; i < 3; i++) {
      try (Snapshot now = forest.snapshot()) {
        byte[] key = new byte[8];
        time(
            "look-up, random, of 1,000,000, cached",
            ENTRIES,
            () -> {
              for (int n = 0; n < ENTRIES; n++) {
                int number = random.nextInt(ENTRIES);
                for (int b = 4; b < 8; b++) {
                  key[b] = (byte) (number >>> (8 * (7 - b)));
                }
                if (now.get(loaded, key) == null) {
                  throw new IllegalStateException("not found: " + number);
                }
              }
            });
        time(
            "scan",
            ENTRIES,
            () -> {
              Cursor cursor = now.cursor(loaded);
              long sum = 0;
              for (boolean at = cursor.first(); at; at = cursor.next()) {
                sum += cursor.keyLong(0) + cursor.valueLong(0);
              }
              if (sum == 0) {
                throw new IllegalStateException();
              }
            });
      }
    }
    insert(forest, tree, random);
    time(
        "one put, durable",
        2000,
        () -> {
          for (int i = 0; i < 2000; i++) {
            try (Transaction tx = forest.begin(Purpose.ORDINARY)) {
              tx.put(tree, TreeRig.key(random.nextLong(1 << 20)), TreeRig.key(i));
              long ticket = tx.apply();
              forest.persist(ticket);
            }
          }
        });
  }

  private static void insert(Forest forest, Tree tree, SplittableRandom random) throws Exception {
    int count = 300_000;
    time(
        "put, random of 1,048,576, commit each 1,000",
        count,
        () -> {
          for (int i = 0; i < count; i += 1000) {
            try (Transaction tx = forest.begin(Purpose.ORDINARY)) {
              for (int n = 0; n < 1000; n++) {
                tx.put(tree, TreeRig.key(random.nextLong(1 << 20)), TreeRig.key(n));
              }
              tx.commit().join();
            }
          }
        });
    time(
        "put, ascending, commit each 1,000",
        count,
        () -> {
          for (int i = 0; i < count; i += 1000) {
            try (Transaction tx = forest.begin(Purpose.ORDINARY)) {
              for (int n = 0; n < 1000; n++) {
                tx.put(tree, TreeRig.key((1L << 40) + i + n), TreeRig.key(n));
              }
              tx.commit().join();
            }
          }
        });
  }
}

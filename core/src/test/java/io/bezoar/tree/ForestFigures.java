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
import java.util.ArrayList;
import java.util.List;
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
    var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
    long start = System.nanoTime();
    long cpuStart = threads.getCurrentThreadCpuTime();
    long bytesStart = threads.getCurrentThreadAllocatedBytes();
    work.run();
    double nanos = System.nanoTime() - start;
    double cpu = threads.getCurrentThreadCpuTime() - cpuStart;
    double bytes = threads.getCurrentThreadAllocatedBytes() - bytesStart;
    System.out.printf(
        Locale.ROOT,
        "%-46s %,12.0f /s %,10.2f us each, %,10.2f us of cpu, %,8.0f bytes of heap%n",
        what,
        count * 1e9 / nanos,
        nanos / 1e3 / count,
        cpu / 1e3 / count,
        bytes / count);
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
          little(forest, round);
        }
        time("open, look up one", 1, () -> openAndLook(device));
      }
    }
  }

  /** What a file system asks for: little transactions, runs of data, a check. */
  private static void little(Forest forest, int round) throws Exception {
    Tree tree = forest.tree("tree " + round).orElseThrow();
    SplittableRandom random = new SplittableRandom(round);
    for (int spread : new int[] {5, 1 << 20}) {
      int count = 20_000;
      time(
          "begin, 5 puts, apply; keys " + (spread == 5 ? "near" : "anywhere"),
          count,
          () -> {
            for (int i = 0; i < count; i++) {
              try (Transaction tx = forest.begin(Purpose.ORDINARY)) {
                long from = random.nextLong(1 << 20);
                for (int n = 0; n < 5; n++) {
                  tx.put(tree, TreeRig.key(from + random.nextInt(spread)), TreeRig.key(i));
                }
                tx.apply();
              }
              if (i % 1000 == 999) {
                forest.persist();
              }
            }
          });
    }
    time("persist, nothing applied", 1000, () -> persist(forest, 1000));
    for (int pages : new int[] {1, 256}) {
      runs(forest, pages, 200);
    }
    for (int i = 0; i < 3; i++) {
      ForestReport[] report = new ForestReport[1];
      time("check", 1, () -> report[0] = forest.check(DataPages.NONE));
      System.out.println(
          "  of " + report[0].nodes() + " nodes, " + report[0].entries() + " entries");
    }
    time(
        "what a page is for",
        1000,
        () -> {
          for (int i = 0; i < 1000; i++) {
            forest.use(random.nextLong(forest.status().pages()) * 4096);
          }
        });
  }

  private static void persist(Forest forest, int count) throws Exception {
    for (int i = 0; i < count; i++) {
      forest.persist();
    }
  }

  private static void runs(Forest forest, int pages, int count) throws Exception {
    List<ByteRange> all = new ArrayList<>();
    for (String how : new String[] {"one place", "each behind the last"}) {
      time(
          "allocate " + pages + " pages, " + how,
          count,
          () -> {
            try (Transaction tx = forest.begin(Purpose.ORDINARY)) {
              long goal = Transaction.NO_GOAL;
              for (int i = 0; i < count; i++) {
                List<ByteRange> run = tx.allocate(pages, goal);
                goal = how.equals("one place") ? goal : run.getLast().end();
                all.addAll(run);
              }
              tx.apply();
            }
          });
    }
    time("  persist", 1, forest::persist);
    time(
        "free " + pages + " pages",
        all.size(),
        () -> {
          try (Transaction tx = forest.begin(Purpose.RELIEF)) {
            for (ByteRange run : all) {
              tx.free(run, Long.MAX_VALUE);
            }
            tx.apply();
          }
        });
    time("  persist", 1, forest::persist);
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

package io.bezoar.tree;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bezoar.media.ByteRange;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** Holds that are open for long: they keep their own pages, and nothing else. */
class ForestHoldTest {
  private static final int PAGE = TreeRig.PAGE;

  /** So little that what is read comes from the device. */
  private static final ForestOptions LITTLE_CACHE =
      new ForestOptions(64 << 10, 64 << 20, Runnable::run);

  private final long seed = Long.getLong("bezoar.seed", System.nanoTime());
  private final SplittableRandom random = new SplittableRandom(seed);

  @Test
  void shouldNotFillUpWhileAHoldIsOpen() throws Exception {
    TreeRig rig = TreeRig.create(TreeRig.Below.LEAF, 600, 1, LITTLE_CACHE);
    Tree tree = rig.tree("t");
    overwrite(rig, tree, 0);
    try (Transaction tx = rig.forest.begin(Purpose.ORDINARY)) {
      tx.hold("long");
      tx.commit().join();
    }
    try (Snapshot then = rig.forest.open(rig.forest.holds().getFirst())) {
      for (int round = 1; round < 60; round++) {
        overwrite(rig, tree, round);
        for (int i = 0; i < 150; i += 5) {
          assertThat(then.get(tree, TreeRig.key(i))).isEqualTo(value(0));
        }
      }
      try (Transaction tx = rig.forest.begin(Purpose.RELIEF)) {
        tx.release(rig.forest.holds().getFirst());
        tx.commit().join();
      }
      assertThat(rig.forest.holds()).isEmpty();
      assertThat(rig.forest.prune()).isFalse();
      for (int round = 60; round < 120; round++) {
        overwrite(rig, tree, round);
        for (int i = 0; i < 150; i += 5) {
          assertThat(then.get(tree, TreeRig.key(i))).isEqualTo(value(0));
        }
      }
      assertThat(rig.forest.prune()).isFalse();
      assertThat(rig.forest.check(DataPages.NONE).heldPages()).isPositive();
    }
    prune(rig);
    rig.assertClean();
    assertThat(rig.forest.check(DataPages.NONE).heldPages()).isZero();
  }

  private static void overwrite(TreeRig rig, Tree tree, int round) throws IOException {
    try (Transaction tx = rig.forest.begin(Purpose.ORDINARY)) {
      for (int i = 0; i < 150; i++) {
        tx.put(tree, TreeRig.key(i), value(round));
      }
      tx.commit().join();
    }
  }

  private static byte[] value(int round) {
    byte[] value = new byte[500];
    value[0] = (byte) round;
    return value;
  }

  private static void prune(TreeRig rig) throws IOException {
    boolean more = rig.forest.prune();
    while (more) {
      more = rig.forest.prune();
    }
  }

  @Test
  void shouldTakeApartAfterARestartWhatWasOpenBefore() throws Exception {
    TreeRig rig = TreeRig.create(TreeRig.Below.LEAF, 600, 1, LITTLE_CACHE);
    Tree tree = rig.tree("t");
    overwrite(rig, tree, 0);
    try (Transaction tx = rig.forest.begin(Purpose.ORDINARY)) {
      tx.hold("h");
      tx.commit().join();
    }
    Hold hold = rig.forest.holds().getFirst();
    Snapshot then = rig.forest.open(hold);
    overwrite(rig, tree, 1);
    try (Transaction tx = rig.forest.begin(Purpose.RELIEF)) {
      tx.release(hold);
      tx.commit().join();
    }
    overwrite(rig, tree, 2);
    assertThatThrownBy(() -> rig.forest.open(hold)).isInstanceOf(IllegalArgumentException.class);
    assertThat(then.get(tree, TreeRig.key(7))).isEqualTo(value(0));
    rig.reopenOn(rig.media.crash(line -> false));
    assertThat(rig.forest.check(DataPages.NONE).heldPages()).isPositive();
    prune(rig);
    assertThat(rig.forest.check(DataPages.NONE).heldPages()).isZero();
    rig.assertClean();
  }

  /** Until the commit that releases a hold is durable, the hold can be opened. */
  @Test
  void shouldKeepWhatIsOpenedWhileItsReleaseIsCommitted() throws Exception {
    TreeRig rig = TreeRig.create(TreeRig.Below.LEAF, 800, 1, LITTLE_CACHE);
    Tree tree = rig.tree("t");
    for (int round = 0; round < 3; round++) {
      overwrite(rig, tree, round);
      try (Transaction tx = rig.forest.begin(Purpose.ORDINARY)) {
        tx.hold("h" + round);
        tx.commit().join();
      }
    }
    Hold first = rig.forest.holds().get(0);
    Hold second = rig.forest.holds().get(1);
    Hold last = rig.forest.holds().get(2);
    overwrite(rig, tree, 3);
    try (Transaction tx = rig.forest.begin(Purpose.RELIEF)) {
      tx.release(last);
      tx.commit().join();
    }
    try (Transaction tx = rig.forest.begin(Purpose.RELIEF)) {
      tx.release(first);
      tx.release(second);
      tx.apply();
    }
    List<Snapshot> snapshots = new ArrayList<>();
    rig.media.onStep(
        (step, range) -> {
          if (snapshots.isEmpty()) {
            snapshots.add(rig.forest.open(first));
            snapshots.add(rig.forest.open(second));
          }
        });
    rig.forest.prune();
    rig.media.onStep(null);
    assertThat(snapshots).hasSize(2);
    prune(rig);
    for (int round = 4; round < 10; round++) {
      overwrite(rig, tree, round);
    }
    for (int held = 0; held < 2; held++) {
      try (Snapshot then = snapshots.get(held)) {
        for (int i = 0; i < 150; i++) {
          assertThat(then.get(tree, TreeRig.key(i))).isEqualTo(value(held));
        }
      }
    }
    prune(rig);
    rig.assertClean();
    assertThat(rig.forest.check(DataPages.NONE).heldPages()).isZero();
  }

  /** A model of entries that each own a page, on which the number of the entry is written. */
  private final class Run {
    final TreeRig rig;
    final Tree tree;
    Map<Long, Long> now = new TreeMap<>();
    final Map<String, Map<Long, Long>> held = new TreeMap<>();
    final List<Reader> readers = new ArrayList<>();
    long number;
    int changes;

    record Reader(Snapshot snapshot, Map<Long, Long> expected) {}

    Run() throws IOException {
      // Room for five holds, six states that somebody reads, and what changes.
      rig = TreeRig.create(TreeRig.Below.LEAF, 4000, seed, LITTLE_CACHE);
      tree = rig.tree("t");
    }

    DataPages owner() {
      return (view, owned) -> {
        Cursor cursor = view.cursor(tree);
        for (boolean at = cursor.first(); at; at = cursor.next()) {
          owned.accept(ByteRange.ofLength(cursor.valueLong(0), PAGE));
        }
      };
    }

    void change() throws IOException {
      Map<Long, Long> next = new TreeMap<>(now);
      try (Transaction tx = rig.forest.begin(Purpose.RELIEF)) {
        for (int i = random.nextInt(20); i >= 0; i--) {
          put(tx, random.nextLong(150), next);
        }
        String name = "hold " + changes++;
        boolean hold = held.size() < 5 && random.nextInt(6) == 0;
        if (hold) {
          tx.hold(name);
        }
        if (random.nextInt(3) == 0 || hold) {
          tx.commit().join();
        } else {
          tx.apply();
        }
        now = next;
        if (hold) {
          held.put(name, Map.copyOf(next));
        }
      }
    }

    private void put(Transaction tx, long key, Map<Long, Long> next) throws IOException {
      byte[] before = tx.get(tree, TreeRig.key(key));
      if (before != null) {
        tx.free(ByteRange.ofLength(little(before, 0), PAGE), little(before, 8));
      }
      if (random.nextInt(4) == 0) {
        tx.delete(tree, TreeRig.key(key));
        next.remove(key);
        return;
      }
      long address = tx.allocate(1).getFirst().start();
      number++;
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment page = arena.allocate(PAGE, PAGE);
        page.set(ValueLayout.JAVA_LONG, 0, number);
        rig.device.write(address, page);
      }
      byte[] value = new byte[500];
      System.arraycopy(flip(address), 0, value, 0, 8);
      System.arraycopy(flip(tx.commitNumber()), 0, value, 8, 8);
      tx.put(tree, TreeRig.key(key), value);
      next.put(key, number);
    }

    void step() throws IOException {
      switch (random.nextInt(8)) {
        case 0 -> {
          for (Hold hold : rig.forest.holds()) {
            if (random.nextInt(3) == 0 && readers.size() < 6) {
              Map<Long, Long> expected = Objects.requireNonNull(held.get(hold.name()));
              readers.add(new Reader(rig.forest.open(hold), expected));
            }
          }
        }
        case 1 -> {
          if (!readers.isEmpty()) {
            readers.remove(random.nextInt(readers.size())).snapshot().close();
          }
        }
        case 2 -> release();
        case 3 -> rig.forest.prune();
        default -> change();
      }
      if (!readers.isEmpty()) {
        compare(readers.get(random.nextInt(readers.size())));
      }
    }

    void release() throws IOException {
      try (Transaction tx = rig.forest.begin(Purpose.RELIEF)) {
        List<Hold> holds = rig.forest.holds();
        if (!holds.isEmpty()) {
          Hold going = holds.get(random.nextInt(holds.size()));
          tx.release(going);
          held.remove(going.name());
        }
        tx.commit().join();
      }
    }

    void compare(Reader reader) throws IOException {
      int entries = 0;
      Cursor cursor = reader.snapshot().cursor(tree);
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment page = arena.allocate(PAGE, PAGE);
        for (boolean at = cursor.first(); at; at = cursor.next()) {
          rig.device.read(cursor.valueLong(0), page);
          assertThat(page.get(ValueLayout.JAVA_LONG, 0))
              .isEqualTo(reader.expected().get(cursor.keyLong(0)));
          entries++;
        }
      }
      assertThat(entries).isEqualTo(reader.expected().size());
    }
  }

  private static long little(byte[] from, int at) {
    return MemorySegment.ofArray(from).get(ValueLayout.JAVA_LONG_UNALIGNED, at);
  }

  private static byte[] flip(long value) {
    return TreeRig.key(Long.reverseBytes(value));
  }

  @Test
  void shouldKeepEveryByteOfWhatIsOpenAndGiveAllBackAfterwards() {
    try {
      for (int round = Integer.getInteger("bezoar.rounds", 4); round > 0; round--) {
        Run run = new Run();
        for (int step = 0; step < 300; step++) {
          run.step();
          if (random.nextInt(25) == 0) {
            run.rig.forest.persist();
            assertThat(run.rig.forest.check(run.owner()).clean()).isTrue();
          }
        }
        for (Run.Reader reader : run.readers) {
          run.compare(reader);
          reader.snapshot().close();
        }
        while (!run.rig.forest.holds().isEmpty()) {
          run.release();
        }
        prune(run.rig);
        ForestReport report = run.rig.forest.check(run.owner());
        assertThat(report.clean()).isTrue();
        assertThat(report.heldPages()).isZero();
      }
    } catch (Throwable failed) {
      throw new AssertionError(
          "seed "
              + seed
              + "; replay: mvn -pl core -am test -Dtest=ForestHoldTest -Dbezoar.seed="
              + seed,
          failed);
    }
  }
}

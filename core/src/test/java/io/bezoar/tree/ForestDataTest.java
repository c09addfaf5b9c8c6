package io.bezoar.tree;

import static org.assertj.core.api.Assertions.assertThat;

import io.bezoar.media.ByteRange;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/**
 * Data pages that come and go, with holds, aborts and restarts: what is in use is always exactly
 * what the live tree, or one of the holds, says.
 */
class ForestDataTest {
  private final long seed = Long.getLong("bezoar.seed", System.nanoTime());
  private final SplittableRandom random = new SplittableRandom(seed);

  @Test
  void shouldAccountForEveryPage() {
    try {
      for (int round = Integer.getInteger("bezoar.rounds", 3); round > 0; round--) {
        run();
      }
    } catch (Throwable failed) {
      throw new AssertionError(
          "seed "
              + seed
              + "; replay: mvn -pl core -am test -Dtest=ForestDataTest -Dbezoar.seed="
              + seed,
          failed);
    }
  }

  private void run() throws IOException {
    TreeRig rig = TreeRig.create(TreeRig.Below.LEAF, 10_000, seed);
    // Start of a run to its end and the commit that allocated it.
    Tree tree = rig.tree("data");
    DataPages owner =
        (view, owned) -> {
          Cursor cursor = view.cursor(tree);
          for (boolean at = cursor.first(); at; at = cursor.next()) {
            owned.accept(new ByteRange(cursor.keyLong(0), Long.reverseBytes(cursor.valueLong(0))));
          }
        };
    for (int step = 0; step < 300; step++) {
      try (Transaction tx = rig.forest.begin(Purpose.ORDINARY)) {
        for (int i = random.nextInt(6); i > 0; i--) {
          change(tx, tree);
        }
        if (random.nextInt(12) == 0) {
          tx.hold("hold " + step);
        }
        switch (random.nextInt(4)) {
          case 0 -> tx.abort();
          case 1 -> tx.commit().join();
          default -> tx.apply();
        }
      } catch (ForestFullException full) {
        // Holds have the room, or those that were released and not taken apart yet.
        assertThat(!rig.forest.holds().isEmpty() || rig.forest.relieve()).as("%s", full).isTrue();
      }
      List<Hold> holds = rig.forest.holds();
      if (!holds.isEmpty() && random.nextInt(holds.size() > 4 ? 2 : 20) == 0) {
        try (Transaction tx = rig.forest.begin(Purpose.RELIEF)) {
          // Beginning may have made an earlier release durable.
          List<Hold> left = rig.forest.holds();
          if (!left.isEmpty()) {
            tx.release(left.get(random.nextInt(left.size())));
          }
          tx.apply();
        }
      }
      if (random.nextInt(5) == 0) {
        rig.forest.prune();
      }
      if (random.nextInt(10) == 0) {
        rig.forest.persist();
        assertThat(rig.forest.check(owner).problems()).isEmpty();
        assertThat(rig.forest.check(owner).leaked()).isEmpty();
      }
      if (random.nextInt(30) == 0) {
        rig.reopen();
      }
    }
  }

  private void change(Transaction tx, Tree tree) throws IOException {
    if (random.nextInt(3) > 0) {
      for (ByteRange run : tx.allocate(1 + random.nextInt(random.nextInt(8) == 0 ? 900 : 20))) {
        tx.put(tree, TreeRig.key(run.start()), value(run.end(), tx.commitNumber()));
      }
      return;
    }
    Cursor cursor = tx.cursor(tree);
    if (!cursor.seek(TreeRig.key(random.nextLong(10_000) * TreeRig.PAGE))) {
      return;
    }
    List<long[]> going = new ArrayList<>();
    do {
      going.add(
          new long[] {
            cursor.keyLong(0),
            Long.reverseBytes(cursor.valueLong(0)),
            Long.reverseBytes(cursor.valueLong(8))
          });
    } while (going.size() < 5 && cursor.next());
    for (long[] run : going) {
      tx.delete(tree, TreeRig.key(run[0]));
      if (random.nextBoolean() && run[1] - run[0] > TreeRig.PAGE) {
        // All but the first page.
        tx.free(new ByteRange(run[0] + TreeRig.PAGE, run[1]), run[2]);
        tx.put(tree, TreeRig.key(run[0]), value(run[0] + TreeRig.PAGE, run[2]));
      } else {
        tx.free(new ByteRange(run[0], run[1]), run[2]);
      }
    }
  }

  private static byte[] value(long end, long allocatedBy) {
    byte[] value = new byte[16];
    System.arraycopy(TreeRig.key(end), 0, value, 0, 8);
    System.arraycopy(TreeRig.key(allocatedBy), 0, value, 8, 8);
    return value;
  }
}

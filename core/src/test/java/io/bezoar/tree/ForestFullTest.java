package io.bezoar.tree;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bezoar.dax.Confidence;
import io.bezoar.media.ByteRange;
import io.bezoar.media.Cause;
import io.bezoar.media.FaultKind;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.NavigableMap;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** A full device says so before anything is done, and takes deletes and repairs all the same. */
class ForestFullTest {
  private final long seed = Long.getLong("bezoar.seed", System.nanoTime());
  private final SplittableRandom random = new SplittableRandom(seed);
  private final NavigableMap<byte[], byte[]> map = new TreeMap<>(Arrays::compareUnsigned);

  private interface Body {
    void run() throws Exception;
  }

  private void seeded(Body body) {
    try {
      body.run();
    } catch (Throwable failed) {
      throw new AssertionError(
          "seed "
              + seed
              + "; replay: mvn -pl core -am test -Dtest=ForestFullTest -Dbezoar.seed="
              + seed,
          failed);
    }
  }

  /** Puts random entries, some at a time, until there is no room; what failed leaves nothing. */
  private void fill(TreeRig rig, Tree tree, int perTransaction) throws IOException {
    int failures = 0;
    while (failures < 3) {
      NavigableMap<byte[], byte[]> next = new TreeMap<>(map);
      try (Transaction tx = rig.forest.begin(Purpose.ORDINARY)) {
        for (int i = 0; i < perTransaction; i++) {
          byte[] key = TreeRig.key(random.nextLong());
          byte[] value = new byte[random.nextInt(400)];
          tx.put(tree, key, value);
          next.put(key, value);
        }
        tx.apply();
        map.clear();
        map.putAll(next);
      } catch (ForestFullException full) {
        assertThat(full.wantedBytes()).isGreaterThan(full.availableBytes());
        failures++;
      }
      if (random.nextInt(5) == 0) {
        rig.forest.persist();
      }
    }
    rig.forest.persist();
  }

  private void compare(TreeRig rig, Tree tree) throws IOException {
    try (Snapshot now = rig.forest.snapshot()) {
      Cursor cursor = now.cursor(tree);
      boolean at = cursor.first();
      for (byte[] key : map.keySet()) {
        assertThat(at).isTrue();
        assertThat(cursor.compareKey(key)).isZero();
        at = cursor.next();
      }
      assertThat(at).isFalse();
    }
  }

  @Test
  void shouldFillUpAndEmptyAgain() {
    seeded(
        () -> {
          TreeRig rig = TreeRig.create(TreeRig.Below.LEAF, 1200, seed);
          Tree tree = rig.tree("t");
          for (int round = 0; round < 4; round++) {
            fill(rig, tree, round % 2 == 0 ? 1 + random.nextInt(10) : 200);
            rig.assertClean();
            compare(rig, tree);
            // One by one, in any order, each durable: nothing but copying paths, on a full device.
            List<byte[]> keys = new ArrayList<>(map.keySet());
            Collections.shuffle(keys, new Random(seed));
            for (byte[] key : keys.subList(0, keys.size() * 3 / 4)) {
              try (Transaction tx = rig.forest.begin(Purpose.RELIEF)) {
                assertThat(tx.delete(tree, key)).isTrue();
                tx.apply();
                map.remove(key);
              }
              if (random.nextInt(4) == 0) {
                rig.forest.persist();
              }
            }
            compare(rig, tree);
          }
          try (Transaction tx = rig.forest.begin(Purpose.RELIEF)) {
            tx.deleteRange(tree, new byte[0], null);
            tx.commit().join();
            map.clear();
          }
          rig.assertClean();
          assertThat(rig.forest.status().freePages()).isGreaterThan(1190);
        });
  }

  @Test
  void shouldFillUpWithDataToTheReserve() {
    seeded(
        () -> {
          TreeRig rig = TreeRig.create(TreeRig.Below.LEAF, 9000, seed);
          Tree tree = rig.tree("data");
          List<ByteRange> owned = new ArrayList<>();
          List<ByteRange> taken = new ArrayList<>();
          for (int round = 0; round < 3; round++) {
            while (true) {
              try (Transaction tx = rig.forest.begin(Purpose.ORDINARY)) {
                taken = tx.allocate(1 + random.nextInt(100));
                for (ByteRange range : taken) {
                  tx.put(tree, TreeRig.key(range.start()), TreeRig.key(range.end()));
                }
                tx.apply();
                owned.addAll(taken);
              } catch (ForestFullException full) {
                break;
              }
            }
            rig.forest.persist();
            ForestStatus status = rig.forest.status();
            assertThat(status.availablePages())
                .isBetween(status.reservePages() / 2, 2 * status.reservePages() + 100);
            assertThat(rig.forest.check((view, to) -> owned.forEach(to)).clean()).isTrue();
            for (int i = owned.size() / 2; i > 0; i--) {
              ByteRange going = owned.remove(random.nextInt(owned.size()));
              try (Transaction tx = rig.forest.begin(Purpose.RELIEF)) {
                tx.delete(tree, TreeRig.key(going.start()));
                tx.free(going, 0);
                tx.apply();
              }
            }
            rig.reopen();
          }
          assertThat(rig.forest.check((view, to) -> owned.forEach(to)).clean()).isTrue();
        });
  }

  @Test
  void shouldReleaseAHoldOfEverythingOnAFullDevice() {
    seeded(
        () -> {
          TreeRig rig = TreeRig.create(TreeRig.Below.LEAF, 1200, seed);
          Tree tree = rig.tree("t");
          fill(rig, tree, 50);
          try (Transaction tx = rig.forest.begin(Purpose.RELIEF)) {
            tx.hold("all");
            tx.apply();
          }
          // What is deleted now is held, so deleting takes room in the end.
          boolean full = false;
          List<byte[]> keys = new ArrayList<>(map.keySet());
          Collections.shuffle(keys, new Random(seed));
          for (byte[] key : keys) {
            try (Transaction tx = rig.forest.begin(Purpose.RELIEF)) {
              tx.delete(tree, key);
              tx.apply();
              map.remove(key);
            } catch (ForestFullException none) {
              full = true;
              break;
            }
          }
          while (!full) {
            // All of it was deleted, and some of the reserve is left.
            byte[] key = TreeRig.key(random.nextLong());
            byte[] value = new byte[400];
            try (Transaction tx = rig.forest.begin(Purpose.RELIEF)) {
              tx.put(tree, key, value);
              tx.apply();
              map.put(key, value);
            } catch (ForestFullException none) {
              full = true;
            }
          }
          rig.forest.persist();
          compare(rig, tree);
          rig.assertClean();
          try (Transaction tx = rig.forest.begin(Purpose.RELIEF)) {
            tx.release(rig.forest.holds().getFirst());
            tx.apply();
          }
          while (rig.forest.prune()) {
            compare(rig, tree);
          }
          rig.assertClean();
          try (Transaction tx = rig.forest.begin(Purpose.RELIEF)) {
            tx.deleteRange(tree, new byte[0], null);
            tx.commit().join();
          }
          rig.assertClean();
        });
  }

  @Test
  void shouldNotUsePagesThatSomebodyReads() {
    seeded(
        () -> {
          TreeRig rig = TreeRig.create(TreeRig.Below.LEAF, 600, seed);
          Tree tree = rig.tree("t");
          fill(rig, tree, 20);
          NavigableMap<byte[], byte[]> before = new TreeMap<>(map);
          try (Snapshot then = rig.forest.snapshot()) {
            for (byte[] key : before.keySet()) {
              try (Transaction tx = rig.forest.begin(Purpose.RELIEF)) {
                tx.delete(tree, key);
                tx.apply();
                map.remove(key);
              } catch (ForestFullException stillRead) {
                break;
              }
            }
            rig.forest.persist();
            for (byte[] key : before.keySet()) {
              assertThat(then.get(tree, key)).isEqualTo(before.get(key));
            }
          }
          rig.assertClean();
          compare(rig, tree);
          try (Transaction tx = rig.forest.begin(Purpose.RELIEF)) {
            tx.deleteRange(tree, new byte[0], null);
            tx.commit().join();
          }
          map.clear();
          fill(rig, tree, 20);
          rig.assertClean();
        });
  }

  @Test
  void shouldNotHandOutPoisonedPages() {
    seeded(
        () -> {
          TreeRig rig = TreeRig.create(TreeRig.Below.LEAF, 600, seed);
          Tree tree = rig.tree("t");
          List<Long> bad = new ArrayList<>();
          for (long page = 20; page < 590; page += 7) {
            long offset = page * TreeRig.PAGE;
            if (page % 150 != 0) {
              rig.strike(FaultKind.POISON, offset, page);
              rig.device.report(ByteRange.ofLength(offset, 64), Cause.PLATFORM, Confidence.EXACT);
              bad.add(page);
            }
          }
          fill(rig, tree, 30);
          rig.assertClean();
          compare(rig, tree);
          assertThat(rig.forest.status().quarantinedPages()).isGreaterThan(bad.size() / 2);
          long free = rig.forest.status().freePages();
          assertThat(free).isGreaterThan(bad.size());
          for (long page : bad) {
            assertThat(rig.device.poison(ByteRange.ofLength(page * TreeRig.PAGE, TreeRig.PAGE)))
                .as("page " + page)
                .isNotEmpty();
          }
        });
  }

  @Test
  void shouldRefuseWhatIsTooLongOrUnknown() throws Exception {
    TreeRig rig = TreeRig.create(TreeRig.Below.LEAF, 256, 1);
    Tree tree = rig.tree("t");
    try (Transaction tx = rig.forest.begin(Purpose.ORDINARY)) {
      assertThatThrownBy(() -> tx.put(tree, new byte[513], new byte[0]))
          .isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> tx.put(tree, new byte[0], new byte[1025]))
          .isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> tx.put(new Tree(9, "other"), new byte[0], new byte[0]))
          .isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> tx.get(new Tree(0, "space"), new byte[0]))
          .isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> tx.createTree("t")).isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> tx.release(new Hold("none", 1)))
          .isInstanceOf(IllegalArgumentException.class);
      tx.put(tree, new byte[0], new byte[0]);
      tx.commit().join();
    }
    rig.reopen();
    try (Snapshot now = rig.forest.snapshot()) {
      assertThat(now.get(tree, new byte[0])).isEmpty();
    }
  }
}

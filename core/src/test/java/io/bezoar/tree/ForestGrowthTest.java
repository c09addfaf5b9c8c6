package io.bezoar.tree;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bezoar.dax.Confidence;
import io.bezoar.media.ByteRange;
import io.bezoar.media.Cause;
import io.bezoar.media.FaultKind;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Data that grows in turns stays in few runs, and costs nobody a page. */
class ForestGrowthTest {
  private final long seed = Long.getLong("bezoar.seed", System.nanoTime());
  private final SplittableRandom random = new SplittableRandom(seed);

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
              + "; replay: mvn -pl core -am test -Dtest=ForestGrowthTest -Dbezoar.seed="
              + seed,
          failed);
    }
  }

  /** What grows: its runs, each joined to the one that it goes on behind. */
  private static final class Growing {
    final List<ByteRange> runs = new ArrayList<>();

    long goal() {
      return runs.isEmpty() ? Transaction.NO_GOAL : runs.getLast().end();
    }

    void add(List<ByteRange> more) {
      for (ByteRange run : more) {
        if (!runs.isEmpty() && runs.getLast().end() == run.start()) {
          runs.add(runs.removeLast().span(run));
        } else {
          runs.add(run);
        }
      }
    }
  }

  private static List<Growing> growing(int count) {
    List<Growing> all = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      all.add(new Growing());
    }
    return all;
  }

  private static DataPages owner(List<Growing> all) {
    return (view, owned) -> all.forEach(one -> one.runs.forEach(owned));
  }

  @Test
  void shouldKeepWhatGrowsInTurnsInFewRuns() throws Exception {
    for (int files : new int[] {2, 5, 20}) {
      TreeRig rig = TreeRig.create(TreeRig.Below.LEAF, 60_000, 1);
      List<Growing> all = growing(files);
      int each = 20_000 / files;
      for (int page = 0; page < each; page++) {
        try (Transaction tx = rig.forest.begin(Purpose.ORDINARY)) {
          for (Growing one : all) {
            one.add(tx.allocate(1, one.goal()));
          }
          tx.apply();
        }
      }
      rig.forest.persist();
      // Gaps of 64 pages, then 256, then a 64th of the device: 937; some end at a root slot.
      int most = 10 + each / 900;
      assertThat(all).allSatisfy(one -> assertThat(one.runs).hasSizeLessThanOrEqualTo(most));
      assertThat(rig.forest.check(owner(all)).clean()).isTrue();
    }
  }

  @Test
  void shouldGoOnAtTheGoalAsFarAsItIsFree() throws Exception {
    TreeRig rig = TreeRig.create(TreeRig.Below.LEAF, 20_000, 1);
    try (Transaction tx = rig.forest.begin(Purpose.ORDINARY)) {
      // Between two root slots, over a border of groups, up to the obstacle, the rest elsewhere.
      ByteRange first = tx.allocate(10, 5100L * TreeRig.PAGE).getFirst();
      assertThat(first.start()).isEqualTo(5100L * TreeRig.PAGE);
      ByteRange obstacle = tx.allocate(1, 9000L * TreeRig.PAGE).getFirst();
      List<ByteRange> rest = tx.allocate(4000, first.end());
      assertThat(rest.getFirst())
          .isEqualTo(ByteRange.ofLength(first.end(), obstacle.start() - first.end()));
      assertThat(rest).hasSize(2);
      assertThat(rest.getLast().length()).isEqualTo(110L * TreeRig.PAGE);
      long size = rig.device.sizeBytes();
      assertThat(tx.allocate(2, size)).hasSize(1);
      assertThat(tx.allocate(1, size - TreeRig.PAGE).getFirst().end()).isEqualTo(size);
      for (long wrong : new long[] {1, -2, size + TreeRig.PAGE}) {
        assertThatThrownBy(() -> tx.allocate(1, wrong))
            .isInstanceOf(IllegalArgumentException.class);
      }
    }
  }

  @Test
  void shouldStopBeforeAPoisonedPage() throws Exception {
    TreeRig rig = TreeRig.create(TreeRig.Below.LEAF, 2000, 1);
    try (Transaction tx = rig.forest.begin(Purpose.ORDINARY)) {
      ByteRange first = tx.allocate(1).getFirst();
      long bad = first.end() + 7L * TreeRig.PAGE;
      rig.strike(FaultKind.POISON, bad, 1);
      rig.device.report(ByteRange.ofLength(bad, 64), Cause.PLATFORM, Confidence.EXACT);
      List<ByteRange> runs = tx.allocate(20, first.end());
      assertThat(runs.getFirst()).isEqualTo(new ByteRange(first.end(), bad));
      assertThat(runs.getLast()).isEqualTo(ByteRange.ofLength(bad + TreeRig.PAGE, 13 * 4096));
      tx.apply();
    }
    assertThat(rig.forest.status().quarantinedPages()).isEqualTo(1);
  }

  @Test
  void shouldUseTheGapsToTheLastPage() {
    seeded(
        () -> {
          TreeRig rig = TreeRig.create(TreeRig.Below.LEAF, 9000, seed);
          List<Growing> all = growing(12);
          for (int round = 0; round < 3; round++) {
            fill(rig, all);
            ForestStatus status = rig.forest.status();
            assertThat(status.availablePages())
                .isBetween(status.reservePages() / 2, status.reservePages() + 60);
            assertThat(rig.forest.check(owner(all)).clean()).isTrue();
            for (Growing one : all) {
              if (random.nextInt(3) > 0) {
                try (Transaction tx = rig.forest.begin(Purpose.RELIEF)) {
                  for (ByteRange run : one.runs) {
                    tx.free(run, Long.MAX_VALUE);
                  }
                  tx.apply();
                }
                one.runs.clear();
              }
            }
            if (random.nextBoolean()) {
              rig.reopen();
            }
          }
        });
  }

  private void fill(TreeRig rig, List<Growing> all) throws IOException {
    for (int failures = 0; failures < 20; ) {
      Growing one = all.get(random.nextInt(all.size()));
      try (Transaction tx = rig.forest.begin(Purpose.ORDINARY)) {
        List<ByteRange> more = tx.allocate(1 + random.nextInt(8), one.goal());
        if (random.nextInt(10) > 0) {
          tx.apply();
          one.add(more);
        }
      } catch (ForestFullException full) {
        failures++;
      }
    }
    rig.forest.persist();
  }

  @Test
  void shouldHandOutEveryPageOnceWhateverTheGoals() {
    seeded(
        () -> {
          long pages = 20_000;
          PageAllocator allocator =
              new PageAllocator(
                  TreeRig.create(TreeRig.Below.LEAF, (int) pages, 1).device,
                  group -> new long[SpaceLayout.WORDS],
                  pages);
          ExtentSet taken = new ExtentSet();
          while (allocator.available() > 0) {
            long goal = random.nextLong(pages);
            long wanted = 1L + random.nextInt(60);
            long there = allocator.takeFrom(goal, wanted);
            if (there > 0) {
              taken.add(goal, goal + there);
            }
            long[] run = there == wanted ? null : allocator.takeRun(wanted - there);
            if (run != null) {
              taken.add(run[0], run[0] + run[1]);
              allocator.leaveGap(run[0] + run[1], goal + there);
            }
          }
          assertThat(taken.contains(0, pages)).isTrue();
          assertThat(allocator.takeRun(1)).isNull();
        });
  }
}

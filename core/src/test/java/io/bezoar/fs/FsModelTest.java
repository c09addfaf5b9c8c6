package io.bezoar.fs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Random operations on a filesystem and on plain collections: both always say the same. */
class FsModelTest {
  private final long seed = Long.getLong("bezoar.seed", System.nanoTime());
  private final SplittableRandom random = new SplittableRandom(seed);
  private final int rounds = Integer.getInteger("bezoar.rounds", 1);

  private interface Body {
    void run(FsTwin twin) throws Exception;
  }

  private void seeded(FsRig.Below below, int mebibytes, Body body) {
    FsTwin twin = null;
    try {
      twin = FsTwin.of(FsRig.create(below, mebibytes, seed));
      body.run(twin);
    } catch (Throwable failed) {
      throw new AssertionError(
          "seed "
              + seed
              + " on "
              + below
              + "; replay: mvn -pl core -am test -Dtest=FsModelTest -Dbezoar.rounds="
              + rounds
              + " -Dbezoar.seed="
              + seed
              + (twin == null ? "" : "; newest operations:\n  " + twin.history()),
          failed);
    }
  }

  @ParameterizedTest
  @EnumSource(FsRig.Below.class)
  void shouldSayWhatPlainCollectionsSay(FsRig.Below below) {
    int steps = (below == FsRig.Below.LEAF ? 3000 : 1000) * rounds;
    seeded(
        below,
        12,
        twin -> {
          FsDriver driver = new FsDriver(twin, random, 60, 700);
          drive(twin, driver, steps);
        });
  }

  @Test
  void shouldSayWhatPlainCollectionsSayOfManyFiles() {
    seeded(
        FsRig.Below.LEAF,
        16,
        twin -> {
          FsDriver driver = new FsDriver(twin, random, 400, 300);
          drive(twin, driver, 2000 * rounds);
        });
  }

  @Test
  void shouldDoNothingByHalfWhenItIsFull() {
    seeded(
        FsRig.Below.LEAF,
        5,
        twin -> {
          FsDriver driver = new FsDriver(twin, random, 100, 100_000);
          for (int i = 0; i < 400 * rounds; i++) {
            driver.grow();
            driver.step();
            if (i % 20 == 0) {
              twin.compareAll();
              check(twin);
            }
          }
          assertThat(twin.fullCount).isPositive();
          driver.removeAll();
          FilesystemStatus status = twin.rig.fs.status();
          long nearly = status.totalBytes() - status.reservedBytes() - (1 << 20);
          assertThat(status.freeBytes()).isGreaterThan(nearly);
        });
  }

  private void drive(FsTwin twin, FsDriver driver, int steps) throws IOException, FsTwin.Cut {
    for (int i = 1; i <= steps; i++) {
      driver.step();
      if (i % 25 == 0) {
        twin.compareAll();
      }
      if (i % 100 == 0) {
        check(twin);
      }
    }
    twin.reopen();
    check(twin);
  }

  /** What is deleted is gone; but where snapshots have all the room, it may wait for some. */
  private static void assertCounts(FsTwin twin, long found, int expected) throws IOException {
    if (twin.fullCount > 0 && !twin.rig.fs.snapshots().isEmpty()) {
      assertThat(found).isGreaterThanOrEqualTo(expected);
    } else {
      assertThat(found).isEqualTo(expected);
    }
  }

  private static void check(FsTwin twin) throws IOException, FsTwin.Cut {
    twin.compareAll();
    CheckReport report = twin.rig.assertClean();
    assertThat(report.healedCopies()).isEmpty();
    FsState now = twin.now();
    if (now.nodes().values().stream().allMatch(node -> node.links > 0)) {
      twin.settle();
      report = twin.rig.assertClean();
      assertCounts(twin, report.files(), now.inodes(FileType.REGULAR).size());
      assertCounts(twin, report.directories(), now.inodes(FileType.DIRECTORY).size());
      assertCounts(twin, report.links(), now.inodes(FileType.SYMLINK).size());
    }
  }
}

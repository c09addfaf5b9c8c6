package io.bezoar.media;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class ArmedFaultsTest {
  private static final int GRANULES = 64;
  private static final int GRANULE = 512;

  /** Every operation against an array that says which fault holds which granule. */
  @Test
  void shouldAgreeWithAnArrayOfGranules() {
    long seed = Long.getLong("bezoar.seed", System.nanoTime());
    SplittableRandom random = new SplittableRandom(seed);
    long[] oracle = new long[GRANULES]; // 0: healthy, else the seed of the fault
    ArmedFaults armed = ArmedFaults.NONE;
    for (int step = 1; step <= 3000; step++) {
      int from = random.nextInt(GRANULES);
      int to = from + 1 + random.nextInt(Math.min(9, GRANULES - from));
      ByteRange range = new ByteRange((long) from * GRANULE, (long) to * GRANULE);
      boolean arm = random.nextInt(5) < 2;
      armed = arm ? armed.with(FaultSpec.of(FaultKind.EIO, range, step)) : armed.without(range);
      for (int i = from; i < to; i++) {
        oracle[i] = arm ? step : 0;
      }
      agree(armed, oracle, random, "step " + step + ", -Dbezoar.seed=" + seed);
    }
  }

  private static void agree(
      ArmedFaults armed, long[] oracle, SplittableRandom random, String replay) {
    int from = random.nextInt(GRANULES);
    int to = from + random.nextInt(GRANULES - from + 1);
    ByteRange range =
        new ByteRange((long) from * GRANULE + 1, Math.max(from * 512L + 1, to * 512L));
    int first = range.isEmpty() ? to : from;
    while (first < to && oracle[first] == 0) {
      first++;
    }
    FaultSpec found = armed.first(range);
    assertThat(found == null ? 0 : found.seed())
        .as("first within %s, %s", range, replay)
        .isEqualTo(first < to ? oracle[first] : 0);
    boolean[] refused = new boolean[GRANULES];
    long end = -1;
    for (ByteRange bad : armed.refused(new ByteRange(0, (long) GRANULES * GRANULE))) {
      assertThat(bad.start()).as("merged and ascending, %s", replay).isGreaterThan(end);
      end = bad.end();
      for (long at = bad.start(); at < bad.end(); at += GRANULE) {
        refused[(int) (at / GRANULE)] = true;
      }
    }
    for (int i = 0; i < GRANULES; i++) {
      assertThat(refused[i]).as("granule %d, %s", i, replay).isEqualTo(oracle[i] != 0);
    }
  }

  @Test
  void shouldRefuseListsThatNoInjectorMakes() {
    FaultSpec one = FaultSpec.of(FaultKind.POISON, new ByteRange(0, 4096), 1);
    FaultSpec over = FaultSpec.of(FaultKind.POISON, new ByteRange(4000, 8192), 1);
    FaultSpec flip = FaultSpec.of(FaultKind.FLIP, new ByteRange(8192, 12288), 1);
    FaultSpec empty = FaultSpec.of(FaultKind.EIO, new ByteRange(8192, 8192), 1);
    for (List<FaultSpec> bad : List.of(List.of(one, over), List.of(flip), List.of(empty))) {
      assertThatThrownBy(() -> ArmedFaults.of(bad)).isInstanceOf(IllegalArgumentException.class);
    }
  }
}

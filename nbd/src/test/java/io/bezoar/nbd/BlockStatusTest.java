package io.bezoar.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import io.bezoar.media.ByteRange;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class BlockStatusTest {
  private static final List<MetaContext> POISON = List.of(MetaContext.POISON);

  private static List<BlockStatus.Extent> ask(
      List<RangeHealth.Run> runs, int flags, long offset, long length) {
    RangeHealth health =
        range ->
            runs.stream()
                .filter(run -> run.range().overlaps(range))
                .map(run -> new RangeHealth.Run(run.range().intersect(range), run.flags()))
                .toList();
    Request request = new Request(flags, NbdLayout.CMD_BLOCK_STATUS, 1, offset, length);
    return new BlockStatus(health).answer(request, POISON).getFirst().extents();
  }

  private static RangeHealth.Run run(long start, long end, int flags) {
    return new RangeHealth.Run(new ByteRange(start, end), flags);
  }

  @Test
  void shouldCoalesceAcrossTheWindowsInWhichHealthIsAsked() {
    long gib = 1L << 30;
    assertThat(ask(List.of(), 0, 0, 3 * gib))
        .containsExactly(new BlockStatus.Extent(3 * gib, RangeHealth.HEALTHY));
    assertThat(ask(List.of(run(10, 2 * gib, 2)), 0, 5, 3 * gib))
        .containsExactly(
            new BlockStatus.Extent(5, 0),
            new BlockStatus.Extent(2 * gib - 10, 2),
            new BlockStatus.Extent(gib + 5, 0));
  }

  @Test
  void shouldMergeNeighboursOfOneKindOnly() {
    assertThat(ask(List.of(run(0, 10, 2), run(10, 20, 2), run(20, 30, 1)), 0, 0, 30))
        .containsExactly(new BlockStatus.Extent(20, 2), new BlockStatus.Extent(10, 1));
  }

  @Test
  void shouldBoundOneAnswer() {
    List<RangeHealth.Run> runs = new ArrayList<>();
    for (int i = 0; i < 10_000; i++) {
      runs.add(run(i * 8192L, i * 8192L + 4096, 2));
    }
    List<BlockStatus.Extent> extents = ask(runs, 0, 0, 1L << 30);
    assertThat(extents).hasSize(BlockStatus.MAX_EXTENTS);
    assertThat(ask(runs, NbdLayout.CMD_FLAG_REQ_ONE, 0, 1L << 30))
        .containsExactly(new BlockStatus.Extent(4096, 2));
    assertThat(ask(runs, NbdLayout.CMD_FLAG_REQ_ONE, 4096, 100))
        .containsExactly(new BlockStatus.Extent(100, 0));
  }

  @Test
  void shouldAgreeWithAByteMap() {
    long seed = Long.getLong("bezoar.seed", System.nanoTime());
    Random random = new Random(seed);
    for (int round = 0; round < 300; round++) {
      int[] bytes = new int[200];
      List<RangeHealth.Run> runs = new ArrayList<>();
      for (int at = random.nextInt(20); at < 190; at += random.nextInt(20)) {
        int end = at + 1 + random.nextInt(9);
        int flags = 1 + random.nextInt(3);
        java.util.Arrays.fill(bytes, at, end, flags);
        runs.add(run(at, end, flags));
        at = end;
      }
      int offset = random.nextInt(100);
      int length = 1 + random.nextInt(100);
      int at = offset;
      for (BlockStatus.Extent extent : ask(runs, 0, offset, length)) {
        for (int i = 0; i < extent.lengthBytes(); i++) {
          assertThat(bytes[at++])
              .as("seed %s: -Dtest=BlockStatusTest -Dbezoar.seed=%s", seed, seed)
              .isEqualTo(extent.flags());
        }
      }
      assertThat(at).as("seed %s", seed).isEqualTo(offset + length);
    }
  }
}

package io.bezoar.dax;

import static io.bezoar.media.Units.LINE_BYTES;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.fail;

import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import io.bezoar.media.Cause;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class PoisonListTest {
  private static final long SIZE = 1L << 20;
  private static final ByteRange ALL = new ByteRange(0, SIZE);

  private final PoisonList list = new PoisonList(SIZE, 1000);

  @Test
  void shouldWidenToLinesAndSayWhatItKnows() {
    long sequence = list.report(new ByteRange(70, 71), Cause.TRAP, Confidence.EXACT, 1_000);
    assertThat(list.entries(ALL))
        .containsExactly(
            new PoisonEntry(
                new ByteRange(64, 128), Cause.TRAP, Confidence.EXACT, 1_000, 1_000, 1, sequence));
    assertThat(list.exactBytes()).isEqualTo(64);
    assertThatThrownBy(
            () -> list.report(ByteRange.ofLength(SIZE, 1), Cause.TRAP, Confidence.EXACT, 0))
        .isInstanceOf(IndexOutOfBoundsException.class);
  }

  @Test
  void shouldMergeAdjacentRangesThatSayTheSame() {
    for (int page : new int[] {3, 1, 0, 2}) {
      exact(page * 4096L, 4096);
    }
    assertThat(list.entries(ALL)).hasSize(1);
    assertThat(list.entries(ALL).getFirst().range()).isEqualTo(new ByteRange(0, 16384));
    list.report(ByteRange.ofLength(16384, 64), Cause.CHECKSUM, Confidence.EXACT, 0);
    list.report(ByteRange.ofLength(16448, 64), Cause.CHECKSUM, Confidence.SUSPECT, 0);
    assertThat(list.entries(ALL)).hasSize(3);
    assertThat(list.exact(ALL).asList()).containsExactly(new ByteRange(0, 16448));
  }

  @Test
  void shouldCountAndDateSightings() {
    list.report(new ByteRange(0, 256), Cause.PLATFORM, Confidence.SUSPECT, 10);
    long second = list.report(new ByteRange(64, 128), Cause.TRAP, Confidence.EXACT, 20);
    list.report(new ByteRange(0, 64), Cause.TRAP, Confidence.SUSPECT, 5);
    assertThat(list.entries(new ByteRange(64, 128)))
        .containsExactly(
            new PoisonEntry(
                new ByteRange(64, 128), Cause.TRAP, Confidence.EXACT, 10, 20, 2, second));
    assertThat(list.entries(ALL)).hasSize(3);
  }

  @Test
  void shouldKeepACauseThatReadingDoesNotShow() {
    list.report(new ByteRange(0, 64), Cause.INTERRUPTED, Confidence.EXACT, 1);
    list.report(new ByteRange(0, 64), Cause.TRAP, Confidence.EXACT, 2);
    assertThat(list.entries(ALL).getFirst().cause()).isEqualTo(Cause.INTERRUPTED);
  }

  @Test
  void shouldForgetOnlyWhatWasSeen() {
    exact(0, 4096);
    ByteRanges repaired = ByteRanges.of(new ByteRange(512, 2048));
    PoisonList.Repair repair = list.beginRepair(repaired, 0);
    exact(1024, 64);
    list.endRepair(repair, repaired);
    assertThat(list.exact(ALL).asList())
        .containsExactly(
            new ByteRange(0, 512), new ByteRange(1024, 1088), new ByteRange(2048, 4096));
  }

  @Test
  void shouldKeepANewStrikeApartFromWhatIsUnderRepairBesideIt() {
    exact(0, 512);
    PoisonList.Repair repair = list.beginRepair(ByteRanges.of(new ByteRange(0, 512)), 0);
    exact(512, 512);
    list.endRepair(repair, ByteRanges.of(new ByteRange(0, 512)));
    assertThat(list.exact(ALL).asList()).containsExactly(new ByteRange(512, 1024));
    exact(1024, 512);
    assertThat(list.entries(ALL)).hasSize(1);
  }

  @Test
  void shouldMarkWhatIsUnderRepairAsPoisonedAndTellAccesses() {
    exact(64, 64);
    ByteRanges unit = ByteRanges.of(new ByteRange(0, 512));
    PoisonView before = list.view();
    PoisonList.Repair repair = list.beginRepair(unit, 0);
    assertThat(list.exact(ALL)).isEqualTo(unit);
    assertThat(repair.exactBefore()).isEqualTo(ByteRanges.of(new ByteRange(64, 128)));
    assertThat(list.view().underRepair()).isEqualTo(unit);
    assertThat(list.view().changedUnder(new ByteRange(500, 501), before)).isTrue();
    assertThat(list.view().changedUnder(new ByteRange(512, 513), before)).isFalse();
    assertThat(reportAfter(before, 0)).isFalse();
    assertThat(reportAfter(before, 512)).isTrue();
    list.endRepair(repair, unit);
    assertThat(list.exact(ALL)).isEqualTo(ByteRanges.of(new ByteRange(512, 576)));
    assertThat(reportAfter(list.view(), 0)).isTrue();
  }

  @Test
  void shouldCostHealthyAccessesNothingButTheViewWhenEmpty() {
    assertThat(list.view().filter()).isNull();
    long seen = exact(0, 64);
    assertThat(list.view().mayConcern(0, 4096)).isTrue();
    assertThat(list.view().mayConcern(65536, 65537)).isFalse();
    list.forget(ByteRanges.of(ALL), seen);
    assertThat(list.view().filter()).isNull();
  }

  /** Replay one: change the first seed. */
  @Test
  void shouldAgreeWithAModelOfEveryLine() {
    for (long seed = 0; seed < 80; seed++) {
      agreeWithModel(seed, 1000);
    }
  }

  @Test
  void shouldNeverDropAnythingWhenItIsFull() {
    for (long seed = 0; seed < 30; seed++) {
      agreeWithModel(seed, 1);
      agreeWithModel(seed, 2);
    }
  }

  private record Line(boolean exact, long sequence) {}

  private static void agreeWithModel(long seed, int maxPages) {
    SplittableRandom random = new SplittableRandom(seed);
    PoisonList list = new PoisonList(SIZE, maxPages);
    @Nullable Line[] model = new Line[(int) (SIZE / LINE_BYTES)];
    for (int step = 0; step < 400; step++) {
      int first = random.nextInt(model.length - 1);
      int count =
          1 + random.nextInt(Math.min(model.length - first, random.nextInt(8) == 0 ? 3000 : 4));
      ByteRange range = ByteRange.ofLength((long) first * LINE_BYTES, (long) count * LINE_BYTES);
      if (random.nextInt(4) == 0) {
        long upTo = seed % 2 == 0 ? Long.MAX_VALUE : random.nextLong(step + 1);
        list.forget(ByteRanges.of(range), upTo);
        for (int i = first; i < first + count; i++) {
          Line line = model[i];
          model[i] = line != null && line.sequence() <= upTo ? null : line;
        }
      } else {
        boolean exact = random.nextInt(3) > 0;
        Cause cause = Cause.ofCode(1 + random.nextInt(Cause.values().length));
        long n = list.report(range, cause, exact ? Confidence.EXACT : Confidence.SUSPECT, step);
        for (int i = first; i < first + count; i++) {
          Line line = model[i];
          model[i] = new Line(exact || (line != null && line.exact()), n);
        }
      }
      if (step % 20 == 0 || step == 399) {
        check(list, model, seed, maxPages);
      }
    }
  }

  private static void check(PoisonList list, @Nullable Line[] model, long seed, int maxPages) {
    BitSet listed = new BitSet();
    BitSet exact = new BitSet();
    long end = 0;
    for (PoisonEntry entry : list.entries(ALL)) {
      assertThat(entry.range().start()).as("disjoint, seed %d", seed).isGreaterThanOrEqualTo(end);
      end = entry.range().end();
      int from = (int) (entry.range().start() / LINE_BYTES);
      int to = (int) (entry.range().end() / LINE_BYTES);
      listed.set(from, to);
      if (entry.confidence() == Confidence.EXACT) {
        exact.set(from, to);
      }
    }
    BitSet reported = new BitSet();
    BitSet reportedExact = new BitSet();
    for (int i = 0; i < model.length; i++) {
      Line line = model[i];
      reported.set(i, line != null);
      reportedExact.set(i, line != null && line.exact());
    }
    boolean forgotAll = seed % 2 == 0;
    boolean widened = maxPages <= 2;
    assertThat(minus(reported, listed)).as("dropped, seed %d", seed).isEqualTo(new BitSet());
    if (forgotAll) {
      assertThat(minus(exact, reportedExact)).as("seed %d", seed).isEqualTo(new BitSet());
    }
    if (forgotAll && !widened) {
      assertThat(listed).as("seed %d", seed).isEqualTo(reported);
      assertThat(exact).as("seed %d", seed).isEqualTo(reportedExact);
    }
    reported.stream()
        .filter(i -> !list.view().mayConcern((long) i * LINE_BYTES, (i + 1L) * LINE_BYTES))
        .forEach(i -> fail("line %d not in the filter, seed %d", i, seed));
    assertThat(list.exactBytes()).isEqualTo((long) exact.cardinality() * LINE_BYTES);
    assertThat(list.size()).isLessThanOrEqualTo(maxPages * PoisonListLayout.ENTRIES_PER_PAGE);
    if (listed.isEmpty()) {
      assertThat(list.view().filter()).isNull();
    }
  }

  private static BitSet minus(BitSet left, BitSet right) {
    BitSet rest = (BitSet) left.clone();
    rest.andNot(right);
    return rest;
  }

  @Test
  void shouldSettleAMillionReportsInRandomOrder() {
    long size = 1L << 40;
    int count = 1_000_000;
    SplittableRandom random = new SplittableRandom(3);
    long[] offsets = random.longs(count, 0, size / 4096).map(page -> page * 4096).toArray();
    PoisonList scattered = new PoisonList(size, 20_000);
    long begin = System.nanoTime();
    for (long offset : offsets) {
      scattered.report(ByteRange.ofLength(offset, 4096), Cause.TRAP, Confidence.EXACT, 1);
    }
    long settledMillis = (System.nanoTime() - begin) / 1_000_000;
    System.out.printf(
        "poison list: %,d random reports settled in %d ms, %,d entries, %.1f bytes each%n",
        count,
        settledMillis,
        scattered.size(),
        (double) scattered.footprintBytes() / scattered.size());
    assertThat(scattered.exactBytes()).isEqualTo(distinct(offsets) * 4096);
    assertThat((double) scattered.footprintBytes() / scattered.size()).isLessThan(64);
    assertThat(scattered.firstExact(ByteRange.ofLength(offsets[17], 4096))).isNotNull();
  }

  @Test
  void shouldSettleAContiguousStormToOneRange() {
    List<Long> pages = new ArrayList<>();
    for (long page = 0; page < 100_000; page++) {
      pages.add(page);
    }
    SplittableRandom random = new SplittableRandom(4);
    PoisonList storm = new PoisonList(100_000L * 4096, 1000);
    for (int i = pages.size(); i > 0; i--) {
      int pick = random.nextInt(i);
      long page = pages.set(pick, pages.get(i - 1));
      storm.report(ByteRange.ofLength(page * 4096, 4096), Cause.TRAP, Confidence.EXACT, 1);
    }
    assertThat(storm.size()).isEqualTo(1);
    assertThat(storm.exactBytes()).isEqualTo(100_000L * 4096);
  }

  private static long distinct(long[] offsets) {
    return Arrays.stream(offsets).distinct().count();
  }

  private boolean reportAfter(PoisonView before, long offset) {
    return list.reportUnlessRepaired(
        ByteRange.ofLength(offset, 64), Cause.TRAP, Confidence.EXACT, 0, before);
  }

  private long exact(long offset, long length) {
    return list.report(ByteRange.ofLength(offset, length), Cause.TRAP, Confidence.EXACT, 0);
  }
}

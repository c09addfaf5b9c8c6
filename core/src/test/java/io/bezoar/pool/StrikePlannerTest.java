package io.bezoar.pool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bezoar.media.ByteRange;
import io.bezoar.media.FaultKind;
import io.bezoar.media.MediaOpenException;
import io.bezoar.media.Units;
import io.bezoar.target.Geometry;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

class StrikePlannerTest {
  private static final int PAGE = Units.PAGE_BYTES;
  private static final Geometry GEOMETRY = Geometry.plan(ByteRange.ofLength(PAGE, 2000L * PAGE), 8);
  private static final StrikePlanner.Grid GRID = StrikePlanner.Grid.of(GEOMETRY);
  private static final List<FaultKind> ALL = Arrays.asList(FaultKind.values());

  private static StrikePlan plan(StrikeOrder order) throws MediaOpenException {
    return new StrikePlanner(GRID, row -> true, order.seed()).plan("pool", order);
  }

  private static StrikeOrder order(int count, long seed, StrikeOrder.Rows rows) {
    return new StrikeOrder(ALL, null, PAGE, count, seed, rows);
  }

  @Test
  void shouldStrikeDifferentRowsWithEveryKind() throws Exception {
    StrikePlan plan = plan(order(200, 1, StrikeOrder.Rows.DISTINCT));
    Set<Long> rows = new HashSet<>();
    Set<FaultKind> kinds = new HashSet<>();
    Set<Integer> columns = new HashSet<>();
    for (Strike strike : plan.strikes()) {
      rows.add(GEOMETRY.rowOfChild(strike.media().start()));
      columns.add(GEOMETRY.columnOfChild(strike.media().start()));
      kinds.add(strike.kind());
      ByteRange volume = strike.volume();
      if (volume != null) {
        assertThat(GEOMETRY.toChild(volume)).isEqualTo(strike.media());
      } else {
        assertThat(GEOMETRY.columnOfChild(strike.media().start())).isEqualTo(7);
      }
    }
    assertThat(rows).hasSize(200);
    assertThat(kinds).containsExactlyInAnyOrder(FaultKind.values());
    assertThat(columns).hasSize(8);
    assertThat(plan.mustBeLost()).isEmpty();
  }

  @Test
  void shouldStrikeTheSameWayWithTheSameSeed() throws Exception {
    assertThat(plan(order(50, 9, StrikeOrder.Rows.ANY)))
        .isEqualTo(plan(order(50, 9, StrikeOrder.Rows.ANY)));
    assertThat(plan(order(50, 9, StrikeOrder.Rows.ANY)))
        .isNotEqualTo(plan(order(50, 10, StrikeOrder.Rows.ANY)));
  }

  @Test
  void shouldNameExactlyTheDataPagesOfRowsStruckTwice() throws Exception {
    for (long seed = 1; seed <= 20; seed++) {
      StrikePlan plan = plan(order(150, seed, StrikeOrder.Rows.ANY));
      Map<Long, TreeSet<Long>> pagesOfRow = new HashMap<>();
      for (Strike strike : plan.strikes()) {
        long page = strike.media().start() / PAGE;
        assertThat(
                pagesOfRow
                    .computeIfAbsent(
                        GEOMETRY.rowOfChild(strike.media().start()), row -> new TreeSet<>())
                    .add(page))
            .as("no page twice, seed " + seed)
            .isTrue();
      }
      Set<Long> lost = new TreeSet<>();
      for (TreeSet<Long> pages : pagesOfRow.values()) {
        if (pages.size() > 1) {
          for (long page : pages) {
            ByteRange volume = GEOMETRY.toVolume(ByteRange.ofLength(page * PAGE, PAGE));
            if (!volume.isEmpty()) {
              lost.add(volume.start() / PAGE);
            }
          }
        }
      }
      Set<Long> told = new TreeSet<>();
      for (ByteRange range : plan.mustBeLost()) {
        for (long at = range.start(); at < range.end(); at += PAGE) {
          told.add(at / PAGE);
        }
      }
      assertThat(told).as("seed " + seed).isEqualTo(lost).isNotEmpty();
    }
  }

  @Test
  void shouldLeaveUnsoundRowsAlone() throws Exception {
    StrikeOrder order = order(60, 4, StrikeOrder.Rows.ANY);
    StrikePlan plan =
        new StrikePlanner(GRID, row -> row % 2 == 0, order.seed()).plan("pool", order);
    assertThat(plan.strikes())
        .allMatch(strike -> GEOMETRY.rowOfChild(strike.media().start()) % 2 == 0);
  }

  @Test
  void shouldKeepLongStrikesInRowsOfTheirOwnAndShortOnesInAPage() throws Exception {
    StrikeOrder longOnes =
        new StrikeOrder(
            List.of(FaultKind.POISON), null, 3L * PAGE, 20, 5, StrikeOrder.Rows.DISTINCT);
    assertThat(plan(longOnes).mustBeLost()).isEmpty();
    StrikeOrder shortOnes =
        new StrikeOrder(List.of(FaultKind.FLIP), null, 64, 100, 5, StrikeOrder.Rows.DISTINCT);
    assertThat(plan(shortOnes).strikes())
        .allMatch(strike -> strike.media().alignOutward(PAGE).length() == PAGE)
        .allMatch(strike -> strike.media().length() == 64);
  }

  @Test
  void shouldStrikeWhereItIsToldTo() throws Exception {
    StrikeOrder order =
        new StrikeOrder(List.of(FaultKind.EIO), 5000L, 100, 1, 1, StrikeOrder.Rows.DISTINCT);
    assertThat(plan(order).strikes().getFirst().volume()).isEqualTo(ByteRange.ofLength(5000, 100));
    long column = GEOMETRY.rows() * PAGE;
    StrikeOrder wholeColumnAndMore =
        new StrikeOrder(List.of(FaultKind.EIO), 0L, column + PAGE, 1, 1, StrikeOrder.Rows.DISTINCT);
    assertThat(plan(wholeColumnAndMore).mustBeLost())
        .containsExactly(ByteRange.ofLength(0, PAGE), ByteRange.ofLength(column, PAGE));
  }

  @Test
  void shouldSayWhenThereIsNoRoom() {
    assertThatThrownBy(() -> plan(order((int) GEOMETRY.rows() + 1, 1, StrikeOrder.Rows.DISTINCT)))
        .isInstanceOf(MediaOpenException.class);
    StrikeOrder outside =
        new StrikeOrder(ALL, GEOMETRY.volumeBytes(), 1, 1, 1, StrikeOrder.Rows.DISTINCT);
    assertThatThrownBy(() -> plan(outside)).isInstanceOf(MediaOpenException.class);
  }

  @Test
  void shouldSayThatABareVolumeLosesWhatRefusesAndNoticesNothingElse() throws Exception {
    StrikeOrder order = order(60, 3, StrikeOrder.Rows.DISTINCT);
    StrikePlan plan =
        new StrikePlanner(
                StrikePlanner.Grid.bare(ByteRange.ofLength(PAGE, 500L * PAGE)),
                row -> true,
                order.seed())
            .plan("bare", order);
    long lost = plan.mustBeLost().stream().mapToLong(ByteRange::length).sum();
    long wrong = plan.undetectable().stream().mapToLong(ByteRange::length).sum();
    assertThat(lost).isEqualTo(20L * PAGE);
    assertThat(wrong).isEqualTo(40L * PAGE);
  }
}

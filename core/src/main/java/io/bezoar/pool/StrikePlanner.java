package io.bezoar.pool;

import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import io.bezoar.media.FaultKind;
import io.bezoar.media.MediaOpenException;
import io.bezoar.media.Units;
import io.bezoar.target.Geometry;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.LongPredicate;

/**
 * Chooses where a drill strikes, by rows and columns, and works out what that must cost.
 *
 * <p>The calculation is deliberately not the target's: it counts struck pages per row and knows
 * nothing of checksums or repairs, so that it can stand against the target in a test.
 */
final class StrikePlanner {
  private static final int PAGE = Units.PAGE_BYTES;

  /** How often a place is drawn again before the pool counts as full. */
  private static final int DRAWS_PER_STRIKE = 1000;

  private final Grid grid;
  private final LongPredicate rowIsSound;
  private final SplittableRandom random;

  /** Struck columns by row. */
  private final Map<Long, TreeSet<Integer>> struck = new HashMap<>();

  private final Map<Long, Boolean> soundness = new HashMap<>();

  /** Rows and columns of a volume; a bare one has one column and nothing behind it. */
  record Grid(long rows, int dataColumns, int parityColumns, long start) {
    static Grid of(Geometry geometry) {
      return new Grid(geometry.rows(), geometry.dataColumns(), 1, geometry.columnsStart());
    }

    static Grid bare(ByteRange payload) {
      return new Grid(payload.length() / PAGE, 1, 0, payload.start());
    }

    int columns() {
      return dataColumns + parityColumns;
    }

    long volumeBytes() {
      return rows * dataColumns * PAGE;
    }
  }

  /**
   * Makes a planner for one plan.
   *
   * @param grid rows and columns
   * @param rowIsSound false for rows in which something is bad already; asked once for each row
   *     that might be struck
   * @param seed decides the places
   */
  StrikePlanner(Grid grid, LongPredicate rowIsSound, long seed) {
    this.grid = grid;
    this.rowIsSound = rowIsSound;
    this.random = new SplittableRandom(seed);
  }

  /**
   * Plans the strikes.
   *
   * @throws MediaOpenException BAD_GEOMETRY when there is no room for that many
   */
  StrikePlan plan(String pool, StrikeOrder order) throws MediaOpenException {
    List<Strike> strikes = new ArrayList<>();
    Long at = order.at();
    if (at != null) {
      if (at >= grid.volumeBytes() || order.lengthBytes() > grid.volumeBytes() - at) {
        throw new MediaOpenException(
            pool,
            MediaOpenException.Reason.BAD_GEOMETRY,
            "%d bytes at %d are outside the volume of %d bytes: choose a smaller offset"
                .formatted(order.lengthBytes(), at, grid.volumeBytes()));
      }
      ByteRange media = ByteRange.ofLength(grid.start() + at, order.lengthBytes());
      mark(media);
      strikes.add(strike(order.kinds().getFirst(), media));
    } else {
      for (int i = 0; i < order.count(); i++) {
        ByteRange media = choose(pool, order, i);
        mark(media);
        strikes.add(strike(order.kinds().get(i % order.kinds().size()), media));
      }
      strikes.sort((a, b) -> Long.compare(rowOf(a), rowOf(b)));
    }
    return grid.parityColumns() == 0
        ? new StrikePlan(strikes, pages(strikes, true), pages(strikes, false))
        : new StrikePlan(strikes, pagesOfRowsStruckTwice(), List.of());
  }

  private ByteRange choose(String pool, StrikeOrder order, int already) throws MediaOpenException {
    long pages = order.pagesPerStrike();
    if (pages <= grid.rows()) {
      for (int draw = 0; draw < DRAWS_PER_STRIKE; draw++) {
        long row = random.nextLong(grid.rows() - pages + 1);
        int column = random.nextInt(grid.columns());
        if (isFree(row, pages, column, order.rows())) {
          long slack = Math.max(0, PAGE - order.lengthBytes());
          long inPage = slack == 0 ? 0 : random.nextLong(slack / 64 + 1) * 64;
          return ByteRange.ofLength(offset(row, column) + inPage, order.lengthBytes());
        }
      }
    }
    throw new MediaOpenException(
        pool,
        MediaOpenException.Reason.BAD_GEOMETRY,
        "no room for %d strikes of %d pages in %d rows (%d placed): ask for fewer"
            .formatted(order.count(), pages, grid.rows(), already));
  }

  private boolean isFree(long first, long pages, int column, StrikeOrder.Rows rows) {
    for (long row = first; row < first + pages; row++) {
      TreeSet<Integer> columns = struck.get(row);
      boolean taken =
          columns != null && (rows == StrikeOrder.Rows.DISTINCT || columns.contains(column));
      if (taken || !soundness.computeIfAbsent(row, rowIsSound::test)) {
        return false;
      }
    }
    return true;
  }

  private void mark(ByteRange media) {
    ByteRange pages = media.alignOutward(PAGE);
    for (long at = pages.start(); at < pages.end(); at += PAGE) {
      long page = (at - grid.start()) / PAGE;
      struck
          .computeIfAbsent(page % grid.rows(), row -> new TreeSet<>())
          .add((int) (page / grid.rows()));
    }
  }

  private List<ByteRange> pagesOfRowsStruckTwice() {
    List<ByteRange> lost = new ArrayList<>();
    new TreeMap<>(struck)
        .forEach(
            (row, columns) -> {
              if (columns.size() > grid.parityColumns()) {
                columns.headSet(grid.dataColumns()).stream()
                    .map(column -> ByteRange.ofLength(offset(row, column) - grid.start(), PAGE))
                    .forEach(lost::add);
              }
            });
    return ByteRanges.of(lost).asList();
  }

  /** The struck pages of a bare volume, by whether the strikes there are noticed. */
  private static List<ByteRange> pages(List<Strike> strikes, boolean refusing) {
    return ByteRanges.of(
            strikes.stream()
                .filter(strike -> strike.kind().refuses() == refusing)
                .map(Strike::volume)
                .filter(java.util.Objects::nonNull)
                .map(volume -> volume.alignOutward(PAGE))
                .toList())
        .asList();
  }

  private Strike strike(FaultKind kind, ByteRange media) {
    ByteRange inVolume = media.intersect(ByteRange.ofLength(grid.start(), grid.volumeBytes()));
    return new Strike(
        kind,
        0,
        media,
        inVolume.isEmpty() ? null : inVolume.shift(-grid.start()),
        random.nextLong());
  }

  private long rowOf(Strike strike) {
    return (strike.media().start() - grid.start()) / PAGE % grid.rows();
  }

  private long offset(long row, int column) {
    return grid.start() + (column * grid.rows() + row) * PAGE;
  }
}

package io.bezoar.guard.sidecar;

import static io.bezoar.media.Units.PAGE_BYTES;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

/** The odds that users are told are true. */
class OddsTest {

  /** Every way in which pages can go bad, where they can be counted. */
  @Test
  void shouldAgreeWithCounting() {
    SidecarGeometry[] some = {
      new SidecarGeometry(7 * PAGE_BYTES, 3, 2),
      new SidecarGeometry(8 * PAGE_BYTES, 4, 1),
      new SidecarGeometry(9 * PAGE_BYTES - 5, 2, 3),
      new SidecarGeometry(5 * PAGE_BYTES, 1, 2)
    };
    for (SidecarGeometry geometry : some) {
      int total = (int) (geometry.pages() + geometry.parityPages());
      long[] ways = new long[total + 1];
      long[] good = new long[total + 1];
      for (int mask = 0; mask < 1 << total; mask++) {
        ways[Integer.bitCount(mask)]++;
        good[Integer.bitCount(mask)] += isRepairable(geometry, mask) ? 1 : 0;
      }
      for (int n = 0; n <= total; n++) {
        assertThat(geometry.oddsAgainstScattered(n))
            .as("%d bad pages in %s", n, geometry)
            .isCloseTo(good[n] / (double) ways[n], within(1e-9));
      }
    }
  }

  private static boolean isRepairable(SidecarGeometry geometry, int mask) {
    int[] inRow = new int[(int) geometry.rows()];
    for (int i = 0; i < geometry.pages() + geometry.parityPages(); i++) {
      int row = (int) geometry.row(i < geometry.pages() ? i : i - geometry.pages());
      inRow[row] += mask >>> i & 1;
    }
    for (int bad : inRow) {
      if (bad > geometry.parityColumns()) {
        return false;
      }
    }
    return true;
  }

  /** The figures in the documentation. */
  @Test
  void shouldBeThoseThatAreQuoted() {
    SidecarGeometry four = SidecarGeometry.of(4L << 30, Redundancy.DEFAULT);
    assertThat(four.longestRunPages() * PAGE_BYTES / (1 << 20)).isEqualTo(132);
    assertThat(four.oddsAgainstScattered(2)).isEqualTo(1);
    assertThat(four.oddsAgainstScattered(10)).isGreaterThan(0.99999);
    assertThat(four.oddsAgainstScattered(100)).isCloseTo(0.9994, within(0.0002));
    assertThat(four.oddsAgainstScattered(1000)).isCloseTo(0.587, within(0.001));
    SidecarGeometry one = SidecarGeometry.of(4L << 30, new Redundancy(1, 32));
    double better = (1 - one.oddsAgainstScattered(100)) / (1 - four.oddsAgainstScattered(100));
    assertThat(better).isBetween(200.0, 300.0);
  }
}

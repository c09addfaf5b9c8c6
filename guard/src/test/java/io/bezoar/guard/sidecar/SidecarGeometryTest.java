package io.bezoar.guard.sidecar;

import static io.bezoar.media.Units.PAGE_BYTES;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Every file has a layout, and none takes more space than was said. */
class SidecarGeometryTest {

  @Test
  void shouldTakeThreeAndAHalfPercentOrLessThanTwoPages() {
    SplittableRandom random = new SplittableRandom(3);
    for (int i = 0; i < 20_000; i++) {
      long pages = i < 8_000 ? i : random.nextLong(1L << (10 + i % 30));
      requireSmall(pages * PAGE_BYTES + random.nextInt(PAGE_BYTES));
    }
  }

  private static void requireSmall(long fileSizeBytes) {
    SidecarGeometry geometry = SidecarGeometry.of(fileSizeBytes, Redundancy.DEFAULT);
    long limit = Math.max(2 * PAGE_BYTES - 1, (long) (fileSizeBytes * 0.035));
    assertThat(geometry.sidecarBytes()).as("%d bytes", fileSizeBytes).isLessThanOrEqualTo(limit);
    assertThat(geometry.parityColumns()).isBetween(fileSizeBytes == 0 ? 0 : 1, 2);
    if (geometry.pages() >= 128) {
      assertThat(geometry.parityColumns()).as("of %d bytes", fileSizeBytes).isEqualTo(2);
    }
  }

  @Test
  void shouldHaveEveryPageOnce() {
    for (Redundancy redundancy :
        new Redundancy[] {
          Redundancy.DEFAULT,
          new Redundancy(1, 2),
          new Redundancy(32, 128),
          new Redundancy(1, 128),
          new Redundancy(8, 32),
          new Redundancy(31, 32)
        }) {
      for (long pages = 1; pages < 700; pages++) {
        SidecarGeometry geometry = SidecarGeometry.of(pages * PAGE_BYTES - 17, redundancy);
        assertThat(geometry.pages()).isEqualTo(pages);
        long counted = 0;
        for (long row = 0; row < geometry.rows(); row++) {
          counted += geometry.columnsOf(row);
        }
        assertThat(counted).isEqualTo(pages);
        for (long page = 0; page < pages; page++) {
          assertThat(geometry.page(geometry.row(page), geometry.column(page))).isEqualTo(page);
        }
        assertThat(geometry.bytesOf(pages - 1)).isEqualTo(PAGE_BYTES - 17);
        assertThat(geometry.parityColumns()).isBetween(1, redundancy.parityColumns());
      }
    }
  }

  @Test
  void shouldRefuseWhatNoFileHas() {
    assertThat(SidecarGeometry.isPossible(0, 1, 1)).isFalse();
    assertThat(SidecarGeometry.isPossible(-1, 1, 1)).isFalse();
    assertThat(SidecarGeometry.isPossible(4096, 2, 1)).isFalse();
    assertThat(SidecarGeometry.isPossible(4096, 1, 0)).isFalse();
    assertThat(SidecarGeometry.isPossible(Long.MAX_VALUE, 1L << 40, 2)).isFalse();
    assertThat(SidecarGeometry.isPossible(4096L * 1000, 1, 2)).isFalse();
    assertThatThrownBy(() -> new SidecarGeometry(1, 0, 0))
        .isInstanceOf(IllegalArgumentException.class);
    for (int[] wrong : new int[][] {{0, 4}, {33, 64}, {4, 4}, {1, 129}}) {
      assertThatThrownBy(() -> new Redundancy(wrong[0], wrong[1]))
          .isInstanceOf(IllegalArgumentException.class);
    }
    assertThat(Redundancy.DEFAULT).hasToString("2/64");
  }
}

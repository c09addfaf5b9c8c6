package io.bezoar.target;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bezoar.media.ByteRange;
import io.bezoar.media.FaultKind;
import io.bezoar.media.FaultSpec;
import io.bezoar.media.SimMedia;
import java.io.IOException;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/**
 * Persists whose absence only one unlucky choice of surviving lines would show: each test makes
 * that choice.
 */
class JournalOrderTest {
  private static final int PAGE = Rig.PAGE;

  private static byte[] page(int value) {
    byte[] bytes = new byte[PAGE];
    Arrays.fill(bytes, (byte) value);
    return bytes;
  }

  /** What is left when of all unpersisted lines only those within {@code places} arrived. */
  private static SimMedia onlyLinesOf(SimMedia media, ByteRange... places) {
    return media.crash(offset -> Arrays.stream(places).anyMatch(place -> place.contains(offset)));
  }

  @Test
  void shouldNotReplayWhatACheckpointHasEndedWhenItsSpaceIsHalfOverwritten() throws IOException {
    Rig rig = Rig.create(4, 40, WritePath.WriteMode.DIRECT, 1, 64);
    Geometry geometry = rig.geometry;
    rig.write(0, page(1));
    rig.write(0, page(2));
    rig.target.scrubChecksums(0, 1);
    // The next record covers the space of both; the first one's stays as it was, the second's not.
    long before = rig.media.stepCount();
    rig.media.cutPowerBeforeStep(before + 6);
    byte[] three = new byte[3 * PAGE];
    Arrays.fill(three, (byte) 3);
    assertThatThrownBy(() -> rig.write(10L * PAGE, three))
        .isInstanceOf(SimMedia.PowerCutException.class);
    rig.reopenOn(
        onlyLinesOf(
            rig.media,
            ByteRange.ofLength(geometry.journalStart(0) + 3L * PAGE, 2L * PAGE),
            ByteRange.ofLength(geometry.journalStart(1) + 4L * PAGE, 4L * PAGE)));
    assertThat(rig.read(0, PAGE)).containsOnly(2);
  }

  @Test
  void shouldMakeALossDurableBeforeParityLeavesItOut() throws IOException {
    Rig rig = Rig.create(5, 7, WritePath.WriteMode.DIRECT, 1);
    Geometry geometry = rig.geometry;
    for (int i = 0; i < geometry.dataPages(); i++) {
      rig.write((long) i * PAGE, page(i + 1));
    }
    rig.target.persist();
    long row = 3;
    rig.strike(FaultKind.POISON, geometry.childOffset(row, 0), PAGE, 1);
    rig.strike(FaultKind.POISON, geometry.childOffset(row, 1), PAGE, 1);
    assertThatThrownBy(() -> rig.read(geometry.pageAt(row, 0) * PAGE, PAGE))
        .hasMessageContaining("lost");
    // Of all that is not persisted only the new parity arrives, and a third page goes bad.
    SimMedia survivors =
        onlyLinesOf(rig.media, ByteRange.ofLength(geometry.parityOffset(row), PAGE));
    survivors
        .injector()
        .inject(
            FaultSpec.of(
                FaultKind.POISON, ByteRange.ofLength(geometry.childOffset(row, 2), PAGE), 1));
    rig.reopenOn(survivors);
    long third = geometry.pageAt(row, 2);
    assertThat(rig.read(third * PAGE, PAGE)).containsOnly((byte) (third + 1));
  }
}

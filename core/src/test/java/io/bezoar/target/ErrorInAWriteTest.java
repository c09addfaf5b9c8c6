package io.bezoar.target;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bezoar.media.ByteRange;
import io.bezoar.media.FaultKind;
import io.bezoar.media.SimMedia;
import java.io.IOException;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class ErrorInAWriteTest {
  private static final int PAGE = Rig.PAGE;

  @Test
  void shouldReplayAWriteThatAnErrorCutShortBeforeAnythingElseIsWritten() throws Exception {
    Rig rig = Rig.create(4, 32, WritePath.WriteMode.DIRECT, 1, 60);
    long rows = rig.geometry.rows();
    rig.write(0, filled(1));
    rig.write(rows * PAGE, filled(2));
    rig.target.persist();
    ByteRange place = ByteRange.ofLength(rig.geometry.childOffsetOfPage(0), PAGE);
    rig.media.onStep(
        (step, range) -> {
          if (step == SimMedia.Step.WRITE && range.overlaps(place)) {
            throw new OutOfMemoryError("as set up");
          }
        });
    assertThatThrownBy(() -> rig.write(0, filled(3))).isInstanceOf(OutOfMemoryError.class);
    rig.media.onStep(null);
    try {
      rig.write(rows * PAGE, filled(4)); // another page of the same row
      rig.target.persist();
    } catch (IOException refused) {
      // until it is reopened
    }
    rig.reopenOn(rig.media.crash(line -> true));
    byte[] now = rig.read(0, PAGE);
    rig.strike(FaultKind.POISON, rig.geometry.childOffsetOfPage(0), PAGE, 1);
    assertThat(rig.read(0, PAGE)).as("rebuilt from parity").isEqualTo(now);
  }

  @Test
  void shouldReadWhatItHasRebuiltThoughItCannotBeStoredAnyMore() throws Exception {
    Rig rig = Rig.create(4, 32, WritePath.WriteMode.DIRECT, 1);
    rig.write(0, filled(1));
    rig.target.persist();
    rig.strike(FaultKind.FLIP, rig.geometry.childOffsetOfPage(0), PAGE, 3);
    rig.media.failNextPersist();
    assertThat(rig.read(0, PAGE)).containsOnly(1);
  }

  private static byte[] filled(int value) {
    byte[] bytes = new byte[PAGE];
    Arrays.fill(bytes, (byte) value);
    return bytes;
  }
}

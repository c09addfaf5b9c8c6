package io.bezoar.target;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bezoar.media.ByteRange;
import io.bezoar.media.FaultKind;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** A window shows the bytes as they stand on media, so it is only given where those are right. */
class ProtectedWindowTest {
  private static final int PAGE = Rig.PAGE;

  @Test
  void shouldNotShowARottenPageThatCannotBeHealedNow() throws Exception {
    Rig rig = Rig.create(4, 32, WritePath.WriteMode.DIRECT, 1);
    rig.write(0, filled(7));
    rig.target.persist();
    readOnly(rig);
    rig.strike(FaultKind.FLIP, rig.geometry.childOffsetOfPage(0), PAGE, 3);
    assertThat(rig.read(0, PAGE)).as("rebuilt, not stored").containsOnly(7);
    assertNothingElseIsShown(rig, 7);
  }

  @Test
  void shouldNotShowOlderBytesThanReadsOfStagedPagesGive() throws Exception {
    Rig rig = Rig.create(4, 32, WritePath.WriteMode.STAGED, 1);
    rig.write(0, filled(7));
    rig.target.persist();
    rig.write(0, filled(8));
    readOnly(rig);
    assertThat(rig.read(0, PAGE)).containsOnly(8);
    assertNothingElseIsShown(rig, 8);
  }

  private static void readOnly(Rig rig) {
    rig.media.failNextPersist();
    assertThatThrownBy(rig.child::persist).isInstanceOf(IOException.class);
  }

  private static void assertNothingElseIsShown(Rig rig, int value) throws IOException {
    Optional<MemorySegment> window = rig.target.window(new ByteRange(0, PAGE));
    window.ifPresent(bytes -> assertThat(bytes.toArray(ValueLayout.JAVA_BYTE)).containsOnly(value));
  }

  private static byte[] filled(int value) {
    byte[] bytes = new byte[PAGE];
    Arrays.fill(bytes, (byte) value);
    return bytes;
  }
}

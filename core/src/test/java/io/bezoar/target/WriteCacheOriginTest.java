package io.bezoar.target;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bezoar.media.ByteRange;
import io.bezoar.media.Presence;
import io.bezoar.target.WriteCacheRig.Kind;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class WriteCacheOriginTest {
  private static final int PAGE = WriteCacheRig.PAGE;

  private final WriteCacheRig rig;

  WriteCacheOriginTest() throws IOException {
    rig = new WriteCacheRig(Kind.BARE, Kind.BARE, 20, 48, WriteCacheRig.ON_REQUEST, 1);
  }

  @Test
  void shouldNotSayThatPagesAreLostWhichTheCacheHas() throws Exception {
    rig.write(0, WriteCacheRig.filled(PAGE, 7));
    rig.target.writeBack();
    ByteRange page = new ByteRange(0, PAGE);
    rig.origin.lose(page, false);
    assertThatThrownBy(
            () -> rig.origin.device.read(0, java.lang.foreign.Arena.ofAuto().allocate(PAGE)))
        .isInstanceOf(IOException.class);
    assertThat(rig.read(0, PAGE)).containsOnly(7);
    Optional<MemorySegment> window = rig.target.window(page);
    window.ifPresent(bytes -> assertThat(bytes.toArray(ValueLayout.JAVA_BYTE)).containsOnly(7));
  }

  @Test
  void shouldNotPersistWithoutTheOriginThatWasWrittenTo() throws Exception {
    rig.origin.lose(ByteRange.ofLength(5L * PAGE, 64), false);
    rig.write(5L * PAGE + 1024, WriteCacheRig.filled(64, 7));
    rig.origin.media.setPresence(Presence.GONE);
    assertThatThrownBy(() -> rig.read(0, PAGE)).isInstanceOf(IOException.class);
    assertThatThrownBy(rig.target::persist).isInstanceOf(IOException.class);
  }
}

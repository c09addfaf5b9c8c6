package io.bezoar.target;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bezoar.dax.DeviceNotice;
import io.bezoar.dax.Holder;
import io.bezoar.dax.PoisonedRangeException;
import io.bezoar.dax.Severity;
import io.bezoar.media.ByteRange;
import io.bezoar.media.FaultKind;
import io.bezoar.target.WriteCacheRig.Kind;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class WriteCacheLateNoticeTest {
  private static final int PAGE = WriteCacheRig.PAGE;

  @Test
  void shouldNotTellThatAPageIsLostWhichWasPutWhereAnotherHadBeenLost() throws Exception {
    WriteCacheRig rig =
        new WriteCacheRig(Kind.BARE, Kind.BARE, 20, 512, WriteCacheRig.ON_REQUEST, 1);
    List<ByteRange> lost = new ArrayList<>();
    rig.target.claim(
        new Holder() {
          @Override
          public String holderName() {
            return "test";
          }

          @Override
          public void onNotice(DeviceNotice notice) {
            if (notice instanceof DeviceNotice.Failure failure
                && failure.severity() == Severity.LOST) {
              lost.addAll(failure.ranges());
            }
          }
        });
    rig.write(0, WriteCacheRig.filled(PAGE, 1));
    rig.target.persist();
    ByteRange place = rig.cached(0);
    rig.fast.strike(place, FaultKind.POISON, false);
    assertThatThrownBy(() -> rig.read(0, PAGE)).isInstanceOf(PoisonedRangeException.class);
    try (Arena arena = Arena.ofConfined()) {
      rig.target.recoveryWrite(0, arena.allocate(PAGE, PAGE));
    }
    for (int i = 0; i < 3; i++) {
      rig.target.persist();
      rig.core().keeper.lock.lock();
      try {
        rig.core().keeper.commit();
      } finally {
        rig.core().keeper.lock.unlock();
      }
    }
    long heir = 0;
    while (!rig.cached(heir).equals(place)) {
      rig.write(++heir * PAGE, WriteCacheRig.filled(PAGE, 3));
    }
    rig.deliver();
    assertThat(rig.read(heir * PAGE, PAGE)).containsOnly(3);
    assertThat(lost).doesNotContain(WriteCacheGeometry.page(heir));
  }
}

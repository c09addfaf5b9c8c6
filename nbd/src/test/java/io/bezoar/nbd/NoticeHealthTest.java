package io.bezoar.nbd;

import static org.assertj.core.api.Assertions.assertThat;

import io.bezoar.dax.DeviceNotice;
import io.bezoar.dax.Role;
import io.bezoar.dax.Severity;
import io.bezoar.media.ByteRange;
import io.bezoar.media.Cause;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

class NoticeHealthTest {
  private static final int PAGE = 4096;

  private final MemoryDevice device = MemoryDevice.fast(1 << 20);
  private final NoticeHealth health = NoticeHealth.of(device);

  private static ByteRange pages(long from, long to) {
    return new ByteRange(from * PAGE, to * PAGE);
  }

  private void tell(Severity severity, ByteRange... ranges) {
    device.tell(
        new DeviceNotice.Failure(
            1,
            Instant.EPOCH,
            severity,
            Cause.CHECKSUM,
            Role.DATA,
            List.of(ranges),
            "m",
            List.of()));
  }

  @Test
  void shouldKnowWhatIsLostAndWhatWasRepaired() {
    tell(Severity.HEALED, pages(2, 6), pages(9, 10));
    tell(Severity.LOST, pages(20, 21));
    device.losePage(4);
    assertThat(health.unhealthy(pages(3, 50)))
        .containsExactly(
            new RangeHealth.Run(pages(3, 4), RangeHealth.REPAIRED),
            new RangeHealth.Run(pages(4, 5), RangeHealth.LOST),
            new RangeHealth.Run(pages(5, 6), RangeHealth.REPAIRED),
            new RangeHealth.Run(pages(9, 10), RangeHealth.REPAIRED));
    assertThat(health.unhealthy(pages(100, 101))).isEmpty();
  }

  @Test
  void shouldBecomeCoarseBeforeItBecomesLarge() {
    NoticeHealth small = NoticeHealth.of(device, 4);
    for (int page = 0; page < 256; page += 2) {
      tell(Severity.HEALED, pages(page, page + 1));
    }
    List<RangeHealth.Run> runs = small.unhealthy(pages(0, 256));
    assertThat(runs).hasSizeLessThanOrEqualTo(4);
    for (int page = 0; page < 256; page += 2) {
      ByteRange struck = pages(page, page + 1);
      assertThat(runs).anyMatch(run -> run.range().contains(struck));
    }
  }

  @Test
  void shouldStopListening() {
    health.close();
    tell(Severity.HEALED, pages(2, 6));
    assertThat(health.unhealthy(pages(0, 256))).isEmpty();
  }
}

package io.bezoar.fs;

import static org.assertj.core.api.Assertions.assertThat;

import io.bezoar.dax.DeviceNotice;
import io.bezoar.dax.Role;
import io.bezoar.dax.Severity;
import io.bezoar.media.ByteRange;
import io.bezoar.media.Cause;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class LogWatchTest {
  private static final ByteRange LOG = new ByteRange(0x10000, 0x20000);

  @Test
  void shouldHurryWhenThereIsALossInTheLogAndOnlyThen() throws Exception {
    FsRig rig = FsRig.create(FsRig.Below.LEAF, 8, 1);
    AtomicInteger commits = new AtomicInteger();
    try (LogWatch watch = new LogWatch(rig.device, LOG, commits::incrementAndGet)) {
      watch.onNotice(failure(Severity.HEALED, new ByteRange(0x10000, 0x11000)));
      watch.onNotice(failure(Severity.DEGRADED, new ByteRange(0x10000, 0x11000)));
      watch.onNotice(failure(Severity.LOST, new ByteRange(0x20000, 0x21000)));
      assertThat(commits).hasValue(0);
      watch.onNotice(failure(Severity.LOST, new ByteRange(0x1f000, 0x21000)));
      assertThat(commits).hasValue(1);
    }
    rig.fs.close();
  }

  private static DeviceNotice failure(Severity severity, ByteRange range) {
    return new DeviceNotice.Failure(
        1, Instant.EPOCH, severity, Cause.TRAP, Role.DATA, List.of(range), "sim", List.of(range));
  }
}

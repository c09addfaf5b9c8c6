package io.bezoar.dax;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import io.bezoar.media.PersistFailedException;
import io.bezoar.media.SimMedia;
import io.bezoar.media.Units;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

class UnpersistedRegionsTest {
  private static final long REGION_BYTES = 1L << 16;

  @Test
  void shouldTakeWhatWasMarkedOnce() {
    UnpersistedRegions regions = new UnpersistedRegions(1L << 30);
    regions.mark(REGION_BYTES - 1, REGION_BYTES + 1);
    regions.mark(100 * REGION_BYTES, 101 * REGION_BYTES);
    assertThat(regions.take().ranges())
        .isEqualTo(
            ByteRanges.of(
                new ByteRange(0, 2 * REGION_BYTES),
                new ByteRange(100 * REGION_BYTES, 101 * REGION_BYTES)));
    assertThat(regions.take().ranges().isEmpty()).isTrue();
  }

  @Test
  void shouldEndWithTheDeviceAndStayCoarseOnLargeOnes() {
    long size = 3 * REGION_BYTES + Units.PAGE_BYTES;
    UnpersistedRegions small = new UnpersistedRegions(size);
    small.mark(size - 1, size);
    assertThat(small.take().ranges().asList())
        .containsExactly(new ByteRange(3 * REGION_BYTES, size));
    UnpersistedRegions large = new UnpersistedRegions(1L << 50);
    large.mark((1L << 50) - 1, 1L << 50);
    assertThat(large.take().ranges().totalBytes()).isLessThanOrEqualTo(1L << 35);
  }

  @Test
  void shouldOverlookNoMarkWhileOthersTake() throws Exception {
    UnpersistedRegions regions = new UnpersistedRegions(1L << 30);
    int count = 20_000;
    AtomicBoolean done = new AtomicBoolean();
    List<ByteRange> taken = new ArrayList<>();
    Thread taker =
        Thread.ofPlatform()
            .start(
                () -> {
                  while (!done.get()) {
                    taken.addAll(regions.take().ranges().asList());
                  }
                });
    List<ByteRange> marked = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      ByteRange region = ByteRange.ofLength(i * 7919L % 16384 * REGION_BYTES, REGION_BYTES);
      regions.mark(region.start(), region.end());
      marked.add(region);
    }
    done.set(true);
    taker.join();
    taken.addAll(regions.take().ranges().asList());
    assertThat(ByteRanges.of(taken)).isEqualTo(ByteRanges.of(marked));
  }

  @Test
  void shouldBecomeSuspectWhenThePersistFails() throws IOException {
    SimMedia media = SimMedia.create("failing", 16 * REGION_BYTES, 1);
    PoisonRegion region =
        new PoisonRegion(
            ByteRange.ofLength(0, 2L * Units.PAGE_BYTES),
            ByteRange.ofLength(8192, 2L * Units.PAGE_BYTES));
    LeafDevice.format(media, region);
    NoticeDispatcher notices = new NoticeDispatcher("failing", () -> Instant.EPOCH, task -> {});
    LeafDevice device = LeafDevice.open(media, region, () -> Instant.EPOCH, notices);
    MemorySegment page = Arena.ofAuto().allocate(Units.PAGE_BYTES);
    device.write(3 * REGION_BYTES, page);
    device.persist();
    device.write(5 * REGION_BYTES, page);
    device.recoveryWrite(7 * REGION_BYTES, page);
    device.write(9 * REGION_BYTES + 5, page);
    media.failNextPersist();
    assertThatThrownBy(device::persist).isInstanceOf(PersistFailedException.class);
    assertThat(device.poison(new ByteRange(0, media.sizeBytes())))
        .hasSize(1)
        .allSatisfy(
            entry -> {
              assertThat(entry.range())
                  .isEqualTo(new ByteRange(9 * REGION_BYTES, 10 * REGION_BYTES));
              assertThat(entry.confidence()).isEqualTo(Confidence.SUSPECT);
            });
    device.read(9 * REGION_BYTES + 5, page);
    assertThat(device.counters().lostBytes()).isZero();
  }
}

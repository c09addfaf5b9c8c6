package io.bezoar.target;

import static org.assertj.core.api.Assertions.assertThat;

import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.DaxDeviceContractTest;
import io.bezoar.dax.DeviceNotice;
import io.bezoar.dax.Holder;
import io.bezoar.dax.LeafDevice;
import io.bezoar.dax.NoticeDispatcher;
import io.bezoar.dax.PoisonRegion;
import io.bezoar.media.ByteRange;
import io.bezoar.media.Cause;
import io.bezoar.media.FaultKind;
import io.bezoar.media.FaultSpec;
import io.bezoar.media.Presence;
import io.bezoar.media.SimMedia;
import io.bezoar.media.Units;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class LinearTargetContractTest extends DaxDeviceContractTest {
  private static final int PAGE = Units.PAGE_BYTES;
  private static final ByteRange FIRST_LIST = ByteRange.ofLength(0, 4L * PAGE);
  private static final ByteRange REGION = ByteRange.ofLength(6L * PAGE, 64L * PAGE);
  private static final ByteRange SECOND_LIST = ByteRange.ofLength(72L * PAGE, 4L * PAGE);

  @Override
  protected Fixture open() throws IOException {
    return new LinearFixture();
  }

  @Override
  protected Abilities abilities() {
    return new Abilities(false, true, true, Units.LINE_BYTES);
  }

  @Test
  void shouldTellOnlyOfWhatLiesInItsRegionAndInItsOwnAddresses() throws Exception {
    LinearFixture fixture = new LinearFixture();
    List<DeviceNotice.Failure> heard = new ArrayList<>();
    Holder holder =
        new Holder() {
          @Override
          public String holderName() {
            return "test";
          }

          @Override
          public void onNotice(DeviceNotice notice) {
            heard.add((DeviceNotice.Failure) notice);
          }
        };
    try (DaxDevice device = fixture.device();
        var claim = device.claim(holder)) {
      ByteRange outside = ByteRange.ofLength(5L * PAGE, 64);
      ByteRange across = new ByteRange(REGION.start() - 64, REGION.start() + 64);
      fixture.child.report(outside, Cause.PLATFORM, io.bezoar.dax.Confidence.EXACT);
      fixture.child.report(across, Cause.PLATFORM, io.bezoar.dax.Confidence.EXACT);
      fixture.deliverNotices();
      assertThat(claim.poisonAtClaim()).isEmpty();
      assertThat(heard).hasSize(1);
      assertThat(heard.getFirst().ranges()).containsExactly(new ByteRange(0, 64));
      // What was struck is told whole, in the addresses of the device that was struck.
      assertThat(heard.getFirst().lowest()).isEqualTo("linear");
      assertThat(heard.getFirst().media()).containsExactly(outside, across);
      assertThat(device.counters().lostBytes()).isEqualTo(64);
    }
  }

  /** A range of a leaf on a simulation. */
  private static final class LinearFixture implements Fixture {
    private SimMedia media = SimMedia.create("linear", 76L * PAGE, 5);
    private LeafDevice child;
    private LinearTarget device;
    private NoticeDispatcher childNotices;
    private NoticeDispatcher notices;

    LinearFixture() throws IOException {
      LeafDevice.format(media, new PoisonRegion(FIRST_LIST, SECOND_LIST));
      start();
    }

    private void start() throws IOException {
      childNotices = new NoticeDispatcher("child", () -> Instant.EPOCH, task -> {});
      notices = new NoticeDispatcher("linear", () -> Instant.EPOCH, task -> {});
      child =
          LeafDevice.open(
              media, new PoisonRegion(FIRST_LIST, SECOND_LIST), () -> Instant.EPOCH, childNotices);
      device = LinearTarget.open("linear", child, REGION, notices);
    }

    @Override
    public DaxDevice device() {
      return device;
    }

    @Override
    public ByteRange usable() {
      return new ByteRange(0, REGION.length());
    }

    @Override
    public void strike(ByteRange range) throws IOException {
      media.injector().inject(FaultSpec.of(FaultKind.POISON, range.shift(REGION.start()), 1));
    }

    @Override
    public void lose(ByteRange range) throws IOException {
      strike(range);
    }

    @Override
    public void loseForGood(ByteRange range) throws IOException {
      media
          .injector()
          .inject(new FaultSpec(FaultKind.POISON, range.shift(REGION.start()), true, 1));
    }

    @Override
    public void failNextPersist() {
      media.failNextPersist();
    }

    @Override
    public void vanish() {
      media.setPresence(Presence.GONE);
    }

    @Override
    public void crash() throws IOException {
      media = media.crash(line -> false);
      start();
    }

    @Override
    public void reopen() throws IOException {
      device.close();
      media = media.reopen();
      start();
    }

    @Override
    public void deliverNotices() {
      childNotices.drain();
      notices.drain();
    }
  }
}

package io.bezoar.target;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bezoar.dax.Claim;
import io.bezoar.dax.Confidence;
import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.DeviceNotice;
import io.bezoar.dax.DeviceNotice.StateChange;
import io.bezoar.dax.DeviceState;
import io.bezoar.dax.DeviceUnavailableException;
import io.bezoar.dax.Holder;
import io.bezoar.dax.NoticeDispatcher;
import io.bezoar.dax.PoisonEntry;
import io.bezoar.dax.PoisonedRangeException;
import io.bezoar.dax.RecoveryRead;
import io.bezoar.media.ByteRange;
import io.bezoar.media.Cause;
import io.bezoar.media.PersistFailedException;
import io.bezoar.media.Presence;
import io.bezoar.media.SimMedia;
import io.bezoar.media.Units;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * A child that is not there: its ranges are unavailable and not lost, everything else is served,
 * and when it is back, what it may have missed is named.
 */
class MissingChildTest {
  private static final int PAGE = Units.PAGE_BYTES;
  private static final ByteRange MIDDLE = new ByteRange(4L * PAGE, 8L * PAGE);

  private final List<SimChild> children = new ArrayList<>();
  private final NoticeDispatcher notices = SimChild.dispatcher("joined");
  private final List<DeviceNotice> told = new ArrayList<>();

  MissingChildTest() throws IOException {
    for (int slot = 0; slot < 3; slot++) {
      children.add(SimChild.leaf("leaf" + slot, 4, slot + 1));
    }
  }

  private LinearTarget linear(int... missing) throws IOException {
    List<LinearTarget.Piece> pieces = new ArrayList<>();
    for (DaxDevice child : devices(missing)) {
      pieces.add(new LinearTarget.Piece(child, new ByteRange(0, 4L * PAGE)));
    }
    return told(LinearTarget.open("joined", pieces, notices));
  }

  private StripedTarget striped(int... missing) throws IOException {
    List<Long> sizes = SimChild.sizes(children);
    return told(StripedTarget.open("joined", PAGE, sizes, devices(missing), notices));
  }

  private List<@Nullable DaxDevice> devices(int... missing) {
    List<@Nullable DaxDevice> devices = new ArrayList<>();
    for (int slot = 0; slot < children.size(); slot++) {
      int mine = slot;
      boolean gone = Arrays.stream(missing).anyMatch(each -> each == mine);
      devices.add(gone ? null : children.get(slot).device());
    }
    return devices;
  }

  private <D extends DaxDevice> D told(D device) throws IOException {
    Claim claim =
        device.claim(
            new Holder() {
              @Override
              public String holderName() {
                return "test";
              }

              @Override
              public void onNotice(DeviceNotice notice) {
                told.add(notice);
              }
            });
    assertThat(claim.poisonAtClaim()).isEmpty();
    return device;
  }

  /** The media goes, and the device on it finds out. */
  private void vanish(int slot) {
    SimChild child = children.get(slot);
    child.media().setPresence(Presence.GONE);
    assertThatThrownBy(() -> child.device().read(0, filled(1, 0)))
        .isInstanceOf(DeviceUnavailableException.class);
    deliver();
  }

  /** The media as it is, or as a power cut left it, with a new device on it. */
  private DaxDevice comeBack(int slot, SimMedia media) throws IOException {
    SimChild child = children.get(slot);
    child.put(media);
    media.setPresence(Presence.PRESENT);
    child.start();
    return child.device();
  }

  private void deliver() {
    children.forEach(SimChild::drain);
    notices.drain();
  }

  private List<StateChange> states() {
    deliver();
    return told.stream()
        .filter(StateChange.class::isInstance)
        .map(StateChange.class::cast)
        .toList();
  }

  @Test
  void shouldServeEverythingElse() throws IOException {
    try (LinearTarget device = linear()) {
      device.write(0, filled(12 * PAGE, 7));
      device.persist();
      vanish(1);
      assertThat(device.state()).isEqualTo(DeviceState.PARTIAL);
      assertThat(device.unavailable()).containsExactly(MIDDLE);
      assertThat(states())
          .extracting(StateChange::state, StateChange::unavailable)
          .containsExactly(
              org.assertj.core.groups.Tuple.tuple(DeviceState.PARTIAL, List.of(MIDDLE)));
      assertThat(bytes(device, 0, 4 * PAGE)).containsOnly(7);
      assertThat(bytes(device, 8 * PAGE, 4 * PAGE)).containsOnly(7);
      assertThatThrownBy(() -> bytes(device, 3 * PAGE, 2 * PAGE))
          .isInstanceOfSatisfying(
              DeviceUnavailableException.class,
              e -> {
                assertThat(e.state()).isEqualTo(DeviceState.PARTIAL);
                assertThat(e.range()).isEqualTo(new ByteRange(4L * PAGE, 5L * PAGE));
                assertThat(e).hasMessageContaining("leaf1").hasMessageContaining("not lost");
              });
      device.write(PAGE, filled(PAGE, 8));
      device.persist();
      assertThat(bytes(device, PAGE, PAGE)).containsOnly(8);
      assertThat(device.poison(new ByteRange(0, device.sizeBytes()))).isEmpty();
      assertThat(device.counters().lostBytes()).isZero();
    }
  }

  @Test
  void shouldStoreNothingOfAWriteThatReachesIntoIt() throws IOException {
    try (StripedTarget device = striped()) {
      device.write(0, filled(12 * PAGE, 7));
      device.persist();
      vanish(2);
      assertThatThrownBy(() -> device.write(0, filled(3 * PAGE, 8)))
          .isInstanceOf(DeviceUnavailableException.class);
      assertThatThrownBy(() -> device.recoveryWrite(0, filled(3 * PAGE, 8)))
          .isInstanceOf(DeviceUnavailableException.class);
      assertThatThrownBy(() -> device.retire(new ByteRange(0, 3L * PAGE)))
          .isInstanceOf(DeviceUnavailableException.class);
      assertThatThrownBy(() -> device.release(new ByteRange(0, 3L * PAGE)))
          .isInstanceOf(DeviceUnavailableException.class);
      assertThat(bytes(device, 0, 2 * PAGE)).containsOnly(7);
      device.write(0, filled(2 * PAGE, 9));
      device.persist();
      assertThat(device.state()).isEqualTo(DeviceState.PARTIAL);
    }
  }

  @Test
  void shouldBringOutTheRestAndNameTheAbsent() throws IOException {
    try (StripedTarget device = striped()) {
      device.write(0, filled(6 * PAGE, 7));
      device.persist();
      vanish(1);
      MemorySegment dst = filled(5 * PAGE, 9);
      assertThat(device.recoveryRead(0, dst).runs())
          .containsExactly(
              new RecoveryRead.Unverified(new ByteRange(0, PAGE)),
              new RecoveryRead.Absent(new ByteRange(PAGE, 2L * PAGE)),
              new RecoveryRead.Unverified(new ByteRange(2L * PAGE, 4L * PAGE)),
              new RecoveryRead.Absent(new ByteRange(4L * PAGE, 5L * PAGE)));
      assertThat(dst.asSlice(PAGE, PAGE).toArray(ValueLayout.JAVA_BYTE)).containsOnly(0);
      assertThat(dst.asSlice(2 * PAGE, 2 * PAGE).toArray(ValueLayout.JAVA_BYTE)).containsOnly(7);
      MemorySegment absent = filled(PAGE, 9);
      assertThat(device.recoveryRead(PAGE, absent).runs())
          .containsExactly(new RecoveryRead.Absent(new ByteRange(PAGE, 2L * PAGE)));
      assertThat(device.unavailable()).hasSize(4).first().isEqualTo(new ByteRange(PAGE, 2L * PAGE));
    }
  }

  @Test
  void shouldServeItAgainWhenItIsBack() throws IOException {
    try (LinearTarget device = linear()) {
      device.write(0, filled(12 * PAGE, 7));
      device.persist();
      int domain = device.failureDomain(5L * PAGE);
      vanish(1);
      device.childReturned(1, comeBack(1, children.get(1).media().reopen()));
      assertThat(bytes(device, 0, 12 * PAGE)).containsOnly(7);
      assertThat(device.unavailable()).isEmpty();
      assertThat(states())
          .extracting(StateChange::state)
          .containsExactly(DeviceState.PARTIAL, DeviceState.ONLINE);
      assertThat(device.failureDomain(5L * PAGE)).isEqualTo(domain);
      device.write(0, filled(12 * PAGE, 8));
      device.persist();
      // It has the new child's ear: notices of it arrive.
      device.report(new ByteRange(5L * PAGE, 5L * PAGE + 64), Cause.PLATFORM, Confidence.EXACT);
      deliver();
      assertThat(((DeviceNotice.Failure) told.getLast()).ranges())
          .containsExactly(new ByteRange(5L * PAGE, 5L * PAGE + 64));
      assertThat(states()).hasSize(2);
    }
  }

  @Test
  void shouldOpenWithoutItAndTakeItLater() throws IOException {
    try (StripedTarget device = striped(0, 2)) {
      assertThat(device.state()).isEqualTo(DeviceState.PARTIAL);
      assertThat(device.sizeBytes()).isEqualTo(12L * PAGE);
      device.write(PAGE, filled(PAGE, 5));
      assertThatThrownBy(() -> bytes(device, 0, 1))
          .isInstanceOf(DeviceUnavailableException.class)
          .hasMessageContaining("slot 0 is missing");
      device.childReturned(2, children.get(2).device());
      assertThat(device.state()).isEqualTo(DeviceState.PARTIAL);
      device.childReturned(0, children.get(0).device());
      assertThat(device.state()).isEqualTo(DeviceState.ONLINE);
      device.write(0, filled(12 * PAGE, 6));
      device.persist();
      assertThat(bytes(device, 0, 12 * PAGE)).containsOnly(6);
      assertThat(states())
          .last()
          .extracting(StateChange::state, StateChange::unavailable)
          .containsExactly(DeviceState.ONLINE, List.of());
    }
  }

  @Test
  void shouldOpenWithoutAnyAndBeOffline() throws IOException {
    try (LinearTarget device = linear(0, 1, 2)) {
      assertThat(device.state()).isEqualTo(DeviceState.OFFLINE);
      assertThat(device.unavailable()).containsExactly(new ByteRange(0, 12L * PAGE));
      assertThatThrownBy(() -> device.recoveryRead(0, filled(PAGE, 0)))
          .isInstanceOfSatisfying(
              DeviceUnavailableException.class,
              e -> assertThat(e.state()).isEqualTo(DeviceState.OFFLINE));
      assertThatThrownBy(device::persist).isInstanceOf(DeviceUnavailableException.class);
      device.childReturned(1, children.get(1).device());
      device.write(MIDDLE.start(), filled(4 * PAGE, 3));
      device.persist();
      assertThat(device.state()).isEqualTo(DeviceState.PARTIAL);
    }
  }

  @Test
  void shouldNotPersistWithoutAChildThatWasWrittenTo() throws IOException {
    LinearTarget device = linear();
    device.write(0, filled(12 * PAGE, 7));
    vanish(1);
    assertThatThrownBy(device::persist)
        .isInstanceOf(PersistFailedException.class)
        .hasMessageContaining("leaf1");
    assertThatThrownBy(device::persist).isInstanceOf(PersistFailedException.class);
    assertThat(device.state()).isEqualTo(DeviceState.READ_ONLY);
    assertThat(device.unavailable()).containsExactly(MIDDLE);
    assertThat(device.counters().persistFailures()).isPositive();
    assertThatThrownBy(() -> device.write(0, filled(PAGE, 1)))
        .isInstanceOfSatisfying(
            DeviceUnavailableException.class,
            e -> assertThat(e.state()).isEqualTo(DeviceState.READ_ONLY));
    assertThat(bytes(device, 0, 4 * PAGE)).containsOnly(7);
    device.close();
  }

  @Test
  void shouldSuspectWhatItWentAwayWithAndFailTheNextPersist() throws IOException {
    LinearTarget device = linear();
    device.write(0, filled(12 * PAGE, 7));
    device.persist();
    device.write(MIDDLE.start() + PAGE, filled(PAGE, 8));
    vanish(1);
    device.childReturned(1, comeBack(1, children.get(1).media().crash(line -> false)));
    assertThat(device.state()).isEqualTo(DeviceState.ONLINE);
    assertThat(device.poison(new ByteRange(0, device.sizeBytes())))
        .isNotEmpty()
        .allSatisfy(
            entry -> {
              assertThat(entry.confidence()).isEqualTo(Confidence.SUSPECT);
              assertThat(MIDDLE.contains(entry.range())).isTrue();
            })
        .anyMatch(entry -> entry.range().contains(MIDDLE.start() + PAGE));
    assertThat(bytes(device, MIDDLE.start(), 4 * PAGE)).containsOnly(7);
    assertThatThrownBy(device::persist)
        .isInstanceOf(PersistFailedException.class)
        .hasMessageContaining("leaf1");
    assertThat(device.state()).isEqualTo(DeviceState.READ_ONLY);
    device.close();
  }

  @Test
  void shouldSayAtTheLatestWhenClosingThatWritesWereNotPersisted() throws IOException {
    LinearTarget device = linear();
    device.write(MIDDLE.start(), filled(PAGE, 7));
    vanish(1);
    assertThatThrownBy(device::close)
        .isInstanceOf(PersistFailedException.class)
        .hasMessageContaining("slot 1");
    device.close();
    assertThat(children.get(2).device().state()).isEqualTo(DeviceState.OFFLINE);
  }

  @Test
  void shouldTakeNoOtherThanTheOneThatIsMissing() throws IOException {
    SimChild small = SimChild.leaf("small", 3, 9);
    SimChild other = SimChild.leaf("other", 4, 9);
    try (LinearTarget device = linear()) {
      assertThatThrownBy(() -> device.childReturned(1, other.device()))
          .isInstanceOf(IllegalStateException.class);
      vanish(1);
      assertThatThrownBy(() -> device.childReturned(1, children.get(2).device()))
          .isInstanceOf(io.bezoar.dax.DeviceClaimedException.class);
      assertThatThrownBy(() -> device.childReturned(1, leafOf(small)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("small");
      device.childReturned(1, other.device());
      assertThat(device.state()).isEqualTo(DeviceState.ONLINE);
    }
    small.device().close();
  }

  /** Of fewer bytes than are used. */
  private static DaxDevice leafOf(SimChild child) throws IOException {
    return LinearTarget.open(
        "small", child.device(), new ByteRange(0, 3L * PAGE), SimChild.dispatcher("small"));
  }

  @Test
  void shouldKeepOthersClaimableWhenOneIsTaken() throws IOException {
    Claim taken = children.get(2).device().claim(new Nobody());
    assertThatThrownBy(this::linear).isInstanceOf(io.bezoar.dax.DeviceClaimedException.class);
    taken.close();
    linear().close();
  }

  @Test
  void shouldReportWhatCanBeReportedAndNameTheRest() throws IOException {
    try (StripedTarget device = striped()) {
      vanish(1);
      ByteRange all = new ByteRange(0, 3L * PAGE);
      assertThatThrownBy(() -> device.report(all, Cause.PLATFORM, Confidence.EXACT))
          .isInstanceOfSatisfying(
              DeviceUnavailableException.class,
              e -> assertThat(e.range()).isEqualTo(new ByteRange(PAGE, 2L * PAGE)));
      assertThat(device.poison(all))
          .extracting(PoisonEntry::range)
          .containsExactly(new ByteRange(0, PAGE), new ByteRange(2L * PAGE, 3L * PAGE));
      assertThatThrownBy(() -> bytes(device, 0, 1)).isInstanceOf(PoisonedRangeException.class);
    }
  }

  @Test
  void shouldTellOneFailureOfAChildAsOneNotice() throws IOException {
    try (StripedTarget device = striped()) {
      children
          .get(1)
          .device()
          .report(new ByteRange(100, 3L * PAGE), Cause.PLATFORM, Confidence.EXACT);
      deliver();
      assertThat(device.poison(new ByteRange(0, device.sizeBytes()))).hasSize(3);
      assertThat(told).hasSize(1);
      DeviceNotice.Failure failure = (DeviceNotice.Failure) told.getFirst();
      assertThat(failure.ranges())
          .containsExactly(
              new ByteRange(PAGE + 64, 2L * PAGE),
              new ByteRange(4L * PAGE, 5L * PAGE),
              new ByteRange(7L * PAGE, 8L * PAGE));
      assertThat(failure.lowest()).isEqualTo("leaf1");
      assertThat(failure.media()).containsExactly(new ByteRange(64, 3L * PAGE));
    }
  }

  private static byte[] bytes(DaxDevice device, long offset, int length) throws IOException {
    MemorySegment dst = Arena.ofAuto().allocate(length);
    device.read(offset, dst);
    return dst.toArray(ValueLayout.JAVA_BYTE);
  }

  private static MemorySegment filled(int length, int value) {
    return Arena.ofAuto().allocate(length).fill((byte) value);
  }

  private static final class Nobody implements Holder {
    @Override
    public String holderName() {
      return "nobody";
    }

    @Override
    public void onNotice(DeviceNotice notice) {}
  }
}

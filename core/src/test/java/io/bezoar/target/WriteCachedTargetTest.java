package io.bezoar.target;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bezoar.dax.DeviceNotice;
import io.bezoar.dax.DeviceState;
import io.bezoar.dax.DeviceUnavailableException;
import io.bezoar.dax.Holder;
import io.bezoar.dax.PoisonEntry;
import io.bezoar.dax.PoisonedRangeException;
import io.bezoar.dax.RecoveryRead;
import io.bezoar.dax.Role;
import io.bezoar.dax.Severity;
import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import io.bezoar.media.FaultKind;
import io.bezoar.media.Presence;
import io.bezoar.media.SimMedia;
import io.bezoar.media.Units;
import io.bezoar.target.WriteCacheRig.Kind;
import io.bezoar.target.WriteCachedTarget.Slot;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/** What is special about a cache: dirty and clean, full, without one of its devices. */
class WriteCachedTargetTest {
  private static final int PAGE = WriteCacheRig.PAGE;

  private final List<DeviceNotice> notices = new ArrayList<>();

  private WriteCacheRig bare() throws IOException {
    return watched(new WriteCacheRig(Kind.BARE, Kind.BARE, 8, 16, WriteCacheRig.ON_REQUEST, 1));
  }

  private WriteCacheRig watched(WriteCacheRig rig) throws IOException {
    notices.clear();
    rig.target.claim(
        new Holder() {
          @Override
          public String holderName() {
            return "test";
          }

          @Override
          public void onNotice(DeviceNotice notice) {
            notices.add(notice);
          }
        });
    return rig;
  }

  private List<DeviceNotice.Failure> failures() {
    return notices.stream()
        .filter(DeviceNotice.Failure.class::isInstance)
        .map(DeviceNotice.Failure.class::cast)
        .toList();
  }

  private static ByteRange page(int n) {
    return WriteCacheGeometry.page(n);
  }

  private static void write(WriteCacheRig rig, int page, int value) throws IOException {
    rig.write((long) page * PAGE, WriteCacheRig.filled(PAGE, value));
  }

  private static byte[] read(WriteCacheRig rig, int page) throws IOException {
    return rig.read((long) page * PAGE, PAGE);
  }

  private static byte[] onOrigin(WriteCacheRig rig, int page) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment bytes = arena.allocate(PAGE);
      rig.origin.device.read((long) page * PAGE, bytes);
      return bytes.toArray(ValueLayout.JAVA_BYTE);
    }
  }

  // Write-back.

  @Test
  void shouldKeepWritesFromTheOriginUntilWrittenBack() throws IOException {
    WriteCacheRig rig = bare();
    write(rig, 3, 7);
    rig.target.persist();
    assertThat(onOrigin(rig, 3)).containsOnly(0);
    assertThat(rig.target.status().dirty()).isEqualTo(1);
    rig.target.writeBack();
    assertThat(onOrigin(rig, 3)).containsOnly(7);
    assertThat(rig.target.status().clean()).isEqualTo(1);
    assertThat(rig.target.status().writtenBackBytes()).isEqualTo(PAGE);
  }

  @Test
  void shouldMergeNeighboursIntoOneWriteAndPersistEachOnce() throws IOException {
    WriteCacheRig rig = bare();
    for (int page : new int[] {5, 3, 4, 9}) {
      write(rig, page, page);
      rig.target.persist();
    }
    List<ByteRange> stores = new ArrayList<>();
    int[] persists = {0};
    rig.origin.media.onStep(
        (step, range) -> {
          if (step == SimMedia.Step.PERSIST) {
            persists[0]++;
          } else {
            stores.add(range);
          }
        });
    rig.target.writeBack();
    long base = rig.origin.region.start();
    assertThat(stores)
        .containsExactly(
            ByteRange.ofLength(base + 3L * PAGE, 3L * PAGE),
            ByteRange.ofLength(base + 9L * PAGE, PAGE));
    assertThat(persists[0]).isEqualTo(1);
  }

  @Test
  void shouldNeedThreePersistsForAnyNumberOfWrites() throws IOException {
    WriteCacheRig rig = bare();
    int[] persists = {0};
    rig.fast.media.onStep((step, range) -> persists[0] += step == SimMedia.Step.PERSIST ? 1 : 0);
    for (int page = 0; page < 6; page++) {
      write(rig, page, 1);
    }
    rig.target.persist();
    assertThat(persists[0]).isEqualTo(3);
  }

  @Test
  void shouldTakeEndlesslyManyWritesThroughFewBlocks() throws IOException {
    WriteCacheRig rig = new WriteCacheRig(Kind.BARE, Kind.BARE, 3, 16, WriteCacheRig.ON_REQUEST, 1);
    for (int i = 0; i < 200; i++) {
      write(rig, i * 7 % 16, i % 100 + 1);
    }
    for (int page = 0; page < 16; page++) {
      int last = 199;
      while (last * 7 % 16 != page) {
        last--;
      }
      assertThat(read(rig, page)).containsOnly(last % 100 + 1);
    }
  }

  @Test
  void shouldWriteBackFromTheHighWatermarkToTheLow() throws IOException {
    List<Runnable> queued = new ArrayList<>();
    WriteCacheRig rig =
        new WriteCacheRig(
            Kind.BARE,
            Kind.BARE,
            10,
            16,
            new WriteCacheOptions(queued::add, 50, 20, WriteCacheOptions.Unknown.REFUSE),
            1);
    for (int page = 0; page < 5; page++) {
      write(rig, page, 1);
    }
    assertThat(queued).isEmpty();
    write(rig, 5, 1);
    write(rig, 6, 1);
    assertThat(queued).hasSize(1);
    queued.getFirst().run();
    assertThat(rig.target.status().dirty()).isLessThanOrEqualTo(2);
    assertThat(rig.target.status().writingBack()).isFalse();
    assertThat(onOrigin(rig, 0)).containsOnly(1);
  }

  // Losses.

  @Test
  void shouldLoseExactlyTheStruckBytesOfADirtyPageOverCrashesUntilRewritten() throws IOException {
    WriteCacheRig rig = bare();
    write(rig, 3, 7);
    write(rig, 4, 8);
    rig.target.persist();
    ByteRange bad = ByteRange.ofLength(page(3).start() + 512, 128);
    rig.fast.strike(rig.inCache(3, bad), FaultKind.POISON, true);
    assertThatThrownBy(() -> read(rig, 3))
        .isInstanceOfSatisfying(
            PoisonedRangeException.class,
            e -> {
              assertThat(e.goodPrefixBytes()).isEqualTo(512);
              assertThat(bad.contains(e.range())).isTrue();
            });
    rig.deliver();
    assertThat(failures()).extracting(DeviceNotice.Failure::severity).containsOnly(Severity.LOST);
    assertThat(failures().getFirst().lowest()).isEqualTo("fast");
    assertThat(failures().getFirst().ranges()).containsExactly(bad);
    assertThatThrownBy(rig.target::writeBack).isInstanceOf(PoisonedRangeException.class);
    assertThat(onOrigin(rig, 4)).containsOnly(8);
    assertThat(onOrigin(rig, 3)).as("older bytes do not pass for lost ones").containsOnly(0);

    rig.target.persist();
    rig.crash(line -> false);
    watched(rig);
    assertLost(rig, bad);
    // A part beside the loss is stored; what stands beside it stays.
    rig.write(page(3).start() + 1024, WriteCacheRig.filled(64, 9));
    assertThat(rig.read(page(3).start() + 1024, 65)).endsWith(7).startsWith(9, 9);
    rig.target.persist();
    rig.crash(line -> false);
    assertLost(rig, bad);
    assertThat(rig.read(page(3).start() + 1024, 64)).containsOnly(9);
    assertThatThrownBy(() -> write(rig, 3, 5)).isInstanceOf(PoisonedRangeException.class);

    try (Arena arena = Arena.ofConfined()) {
      MemorySegment whole = arena.allocate(PAGE).fill((byte) 5);
      assertThat(rig.target.recoveryWrite(page(3).start(), whole).cleared()).containsExactly(bad);
    }
    assertThat(read(rig, 3)).containsOnly(5);
    rig.crash(line -> false);
    assertThat(read(rig, 3)).containsOnly(5);
    rig.target.writeBack();
    assertThat(onOrigin(rig, 3)).containsOnly(5);
    assertThat(rig.target.counters().lostBytes()).isZero();
    assertThat(rig.target.status().retired()).as("its media cannot be cleared").isEqualTo(1);
  }

  private static void assertLost(WriteCacheRig rig, ByteRange bad) throws IOException {
    assertThat(ranges(rig.target.poison(new ByteRange(0, rig.originBytes))))
        .isEqualTo(ByteRanges.of(bad));
    try (Arena arena = Arena.ofConfined()) {
      RecoveryRead read = rig.target.recoveryRead(page(3).start(), arena.allocate(PAGE));
      assertThat(ByteRanges.of(read.holes().stream().map(RecoveryRead.Hole::range).toList()))
          .isEqualTo(ByteRanges.of(bad));
    }
  }

  private static ByteRanges ranges(List<PoisonEntry> entries) {
    return ByteRanges.of(entries.stream().map(PoisonEntry::range).toList());
  }

  @Test
  void shouldFetchACleanBlockAgainAndTellOnlyThatItIsHealed() throws IOException {
    for (boolean stuck : new boolean[] {false, true}) {
      WriteCacheRig rig = bare();
      write(rig, 3, 7);
      rig.target.writeBack();
      rig.fast.strike(rig.inCache(3, page(3)), FaultKind.POISON, stuck);
      assertThat(read(rig, 3)).containsOnly(7);
      rig.deliver();
      assertThat(failures())
          .singleElement()
          .satisfies(
              failure -> {
                assertThat(failure.severity()).isEqualTo(Severity.HEALED);
                assertThat(failure.ranges()).containsExactly(page(3));
              });
      assertThat(rig.target.poison(page(3))).isEmpty();
      assertThat(rig.target.status().retired()).isEqualTo(stuck ? 1 : 0);
    }
  }

  @Test
  void shouldWriteOverBadPagesOfTheOrigin() throws IOException {
    WriteCacheRig rig = bare();
    write(rig, 3, 7);
    rig.target.persist();
    rig.origin.strike(page(3), FaultKind.POISON, false);
    rig.target.writeBack();
    assertThat(onOrigin(rig, 3)).containsOnly(7);
    assertThat(rig.origin.device.poison(page(3))).isEmpty();
  }

  @Test
  void shouldHealTheOriginFromTheCache() throws IOException {
    WriteCacheRig rig = bare();
    write(rig, 3, 7);
    rig.target.writeBack();
    rig.origin.strike(page(3), FaultKind.POISON, false);
    rig.origin.strike(page(6), FaultKind.POISON, false);
    // A scrub below finds them.
    assertThatThrownBy(() -> onOrigin(rig, 3)).isInstanceOf(PoisonedRangeException.class);
    assertThatThrownBy(() -> onOrigin(rig, 6)).isInstanceOf(PoisonedRangeException.class);
    rig.deliver();
    assertThat(onOrigin(rig, 3)).containsOnly(7);
    assertThat(failures())
        .extracting(DeviceNotice.Failure::severity, DeviceNotice.Failure::ranges)
        .containsExactlyInAnyOrder(
            org.assertj.core.groups.Tuple.tuple(Severity.LOST, List.of(page(6))),
            org.assertj.core.groups.Tuple.tuple(Severity.HEALED, List.of(page(3))));
  }

  @Test
  void shouldNotForgetTheOnlyGoodCopyWhenItNeedsRoom() throws IOException {
    WriteCacheRig rig = new WriteCacheRig(Kind.BARE, Kind.BARE, 4, 32, WriteCacheRig.ON_REQUEST, 1);
    write(rig, 3, 7);
    rig.target.writeBack();
    rig.origin.strike(page(3), FaultKind.POISON, true);
    assertThatThrownBy(() -> onOrigin(rig, 3)).isInstanceOf(PoisonedRangeException.class);
    // Nobody has delivered that yet.
    for (int page = 8; page < 30; page++) {
      write(rig, page, 1);
    }
    assertThat(read(rig, 3)).containsOnly(7);
  }

  @Test
  void shouldMendWhatIsStruckOfTables() throws IOException {
    WriteCacheRig rig = bare();
    write(rig, 3, 7);
    rig.target.persist();
    WriteCacheGeometry geometry = rig.core().geometry;
    for (ByteRange place : List.of(geometry.table(0), geometry.superblock(1))) {
      rig.fast.strike(place, FaultKind.POISON, false);
      try (Arena arena = Arena.ofConfined()) {
        rig.fast.device.recoveryRead(place.start(), arena.allocate(place.length()));
      }
      rig.deliver();
      assertThat(rig.fast.device.poison(place)).isEmpty();
    }
    assertThat(failures()).allMatch(failure -> failure.severity() == Severity.HEALED);
    assertThat(failures()).allMatch(failure -> failure.role() == Role.JOURNAL);
    assertThat(failures()).isNotEmpty();
    rig.crash(line -> false);
    assertThat(read(rig, 3)).containsOnly(7);
  }

  @Test
  void shouldNotServeTheOriginForWhatNobodyKnows() throws IOException {
    WriteCacheRig rig = bare();
    write(rig, 3, 7);
    rig.target.persist();
    WriteCacheGeometry geometry = rig.core().geometry;
    rig.fast.crash(line -> false);
    rig.origin.crash(line -> false);
    rig.fast.strike(geometry.table(0), FaultKind.POISON, false);
    rig.fast.strike(geometry.table(1), FaultKind.POISON, false);
    rig.fast.open();
    rig.origin.open();
    assertThatThrownBy(rig::start)
        .isInstanceOfSatisfying(
            WriteCacheUnknownException.class,
            e -> assertThat(e.blocks()).isEqualTo(geometry.blocks()));
    rig.options = new WriteCacheOptions(_ -> {}, 100, 100, WriteCacheOptions.Unknown.ACCEPT);
    rig.start();
    assertThat(read(rig, 3)).containsOnly(0);
    write(rig, 3, 8);
    rig.target.persist();
    rig.options = WriteCacheRig.ON_REQUEST;
    rig.crash(line -> false);
    assertThat(read(rig, 3)).containsOnly(8);
  }

  // Devices that are not there.

  @Test
  void shouldServeTheRestWithoutTheFastDeviceAndAllOfItWhenItIsBack() throws IOException {
    WriteCacheRig rig = bare();
    write(rig, 3, 7);
    write(rig, 4, 8);
    rig.target.writeBack();
    write(rig, 4, 9);
    rig.target.persist();
    write(rig, 5, 5);
    rig.fast.media.setPresence(Presence.GONE);
    assertThatThrownBy(() -> read(rig, 4))
        .isInstanceOfSatisfying(
            DeviceUnavailableException.class,
            e -> {
              assertThat(e.state()).isEqualTo(DeviceState.PARTIAL);
              assertThat(e.range()).isEqualTo(page(4));
            });
    assertThat(read(rig, 3)).as("clean").containsOnly(7);
    assertThat(read(rig, 6)).containsOnly(0);
    assertThatThrownBy(() -> write(rig, 6, 1)).isInstanceOf(DeviceUnavailableException.class);
    assertThatThrownBy(rig.target::persist).isInstanceOf(IOException.class);
    assertThat(rig.target.state()).isEqualTo(DeviceState.PARTIAL);
    assertThat(rig.target.unavailable()).containsExactly(new ByteRange(4L * PAGE, 6L * PAGE));
    try (Arena arena = Arena.ofConfined()) {
      assertThat(rig.target.recoveryRead(3L * PAGE, arena.allocate(2L * PAGE)).runs())
          .containsExactly(new RecoveryRead.Unverified(page(3)), new RecoveryRead.Absent(page(4)));
    }
    rig.deliver();
    assertThat(failures()).isEmpty();

    rig.fast.reopened();
    rig.fast.open();
    rig.target.childReturned(Slot.FAST, rig.fast.device);
    assertThat(rig.target.state()).isEqualTo(DeviceState.ONLINE);
    assertThat(rig.target.unavailable()).isEmpty();
    assertThat(read(rig, 4)).containsOnly(9);
    assertThat(read(rig, 5)).as("never persisted, but it arrived").containsOnly(5);
    write(rig, 6, 1);
    rig.target.writeBack();
    assertThat(onOrigin(rig, 5)).containsOnly(5);
    rig.deliver();
    assertThat(
            notices.stream()
                .filter(DeviceNotice.StateChange.class::isInstance)
                .map(notice -> ((DeviceNotice.StateChange) notice).state()))
        .containsExactly(DeviceState.PARTIAL, DeviceState.ONLINE);
  }

  @Test
  void shouldLoseWhatDidNotArriveOnAFastDeviceThatCameBack() throws IOException {
    WriteCacheRig rig = bare();
    write(rig, 4, 8);
    rig.target.persist();
    write(rig, 4, 9);
    rig.fast.media.setPresence(Presence.GONE);
    assertThatThrownBy(() -> read(rig, 4)).isInstanceOf(DeviceUnavailableException.class);
    rig.fast.crash(line -> false); // it lost power; we did not
    rig.fast.open();
    rig.target.childReturned(Slot.FAST, rig.fast.device);
    assertThatThrownBy(() -> read(rig, 4))
        .as("neither 9, which is gone, nor 8, which was replaced")
        .isInstanceOf(PoisonedRangeException.class);
    rig.deliver();
    assertThat(failures()).anyMatch(failure -> failure.severity() == Severity.LOST);
  }

  @Test
  void shouldRefuseAnOlderStateOfItsFastDevice() throws IOException {
    WriteCacheRig rig = bare();
    write(rig, 4, 8);
    rig.target.persist();
    rig.target.writeBack();
    rig.fast.media.setPresence(Presence.GONE);
    assertThat(read(rig, 4)).containsOnly(8);
    WriteCacheRig other =
        new WriteCacheRig(Kind.BARE, Kind.BARE, 8, 16, WriteCacheRig.ON_REQUEST, 1);
    other.target.close();
    other.fast.reopened();
    other.fast.open();
    assertThatThrownBy(() -> rig.target.childReturned(Slot.FAST, other.fast.device))
        .isInstanceOfSatisfying(
            DeviceUnavailableException.class,
            e -> assertThat(e.state()).isEqualTo(DeviceState.FOREIGN));
    assertThat(read(rig, 4)).containsOnly(8);
  }

  @Test
  void shouldRefuseTheFastDeviceOfAnotherCache() throws IOException {
    WriteCacheRig rig = bare();
    rig.target.close();
    rig.fast.reopened();
    rig.origin.reopened();
    rig.fast.open();
    rig.origin.open();
    assertThatThrownBy(
            () ->
                WriteCachedTarget.open(
                    "cache",
                    new UUID(9, 9),
                    rig.fast.device,
                    rig.origin.device,
                    rig.originBytes,
                    rig.options,
                    rig.notices))
        .isInstanceOf(DeviceUnavailableException.class)
        .hasMessageContaining("belongs to the cache");
    rig.start();
  }

  @Test
  void shouldServeNothingWithoutAFastDeviceThatNobodyHasSeen() throws IOException {
    WriteCacheRig rig = bare();
    write(rig, 4, 8);
    rig.target.persist();
    rig.fast.crash(line -> false);
    rig.origin.crash(line -> false);
    rig.origin.open();
    WriteCachedTarget target =
        WriteCachedTarget.open(
            "cache",
            WriteCacheRig.CACHE,
            null,
            rig.origin.device,
            rig.originBytes,
            rig.options,
            rig.notices);
    assertThat(target.state()).isEqualTo(DeviceState.OFFLINE);
    assertThat(target.unavailable()).containsExactly(new ByteRange(0, rig.originBytes));
    rig.target = target;
    assertThatThrownBy(() -> read(rig, 4)).isInstanceOf(DeviceUnavailableException.class);
    rig.fast.open();
    target.childReturned(Slot.FAST, rig.fast.device);
    assertThat(target.state()).isEqualTo(DeviceState.ONLINE);
    assertThat(read(rig, 4)).containsOnly(8);
  }

  @Test
  void shouldServeWhatIsCachedWithoutTheOriginAndTakeWritesWhileThereIsRoom() throws IOException {
    WriteCacheRig rig = bare();
    write(rig, 3, 7);
    rig.target.writeBack();
    rig.origin.media.setPresence(Presence.GONE);
    assertThat(read(rig, 3)).containsOnly(7);
    assertThatThrownBy(() -> read(rig, 9))
        .isInstanceOfSatisfying(
            DeviceUnavailableException.class, e -> assertThat(e.range()).isEqualTo(page(9)));
    assertThat(rig.target.state()).isEqualTo(DeviceState.PARTIAL);
    for (int page = 4; page < 4 + rig.core().index.blocks() - 1; page++) {
      write(rig, page, page);
    }
    rig.target.persist();
    assertThatThrownBy(() -> write(rig, 15, 1))
        .isInstanceOf(DeviceUnavailableException.class)
        .hasMessageContaining("origin");
    assertThat(read(rig, 3)).containsOnly(7);
    assertThat(rig.target.unavailable())
        .containsExactly(new ByteRange(0, 3L * PAGE), new ByteRange(11L * PAGE, 16L * PAGE));

    rig.origin.reopened();
    rig.origin.open();
    rig.target.childReturned(Slot.ORIGIN, rig.origin.device);
    write(rig, 15, 1);
    rig.target.writeBack();
    assertThat(onOrigin(rig, 5)).containsOnly(5);
    assertThat(rig.target.state()).isEqualTo(DeviceState.ONLINE);
  }

  @Test
  void shouldNameTheDomainsOfTheOriginAndTheLargerGranule() throws IOException {
    WriteCacheRig rig =
        new WriteCacheRig(Kind.BARE, Kind.PROTECTED, 8, 15, WriteCacheRig.ON_REQUEST, 1);
    assertThat(rig.target.info().failureDomains())
        .isEqualTo(rig.origin.device.info().failureDomains());
    assertThat(rig.target.failureDomain(9L * PAGE))
        .isEqualTo(rig.origin.device.failureDomain(9L * PAGE));
    assertThat(rig.target.info().granuleBytes()).isEqualTo(Units.PAGE_BYTES);
    assertThat(rig.target.info().verified()).isFalse();
  }

  @Test
  void shouldGiveTheOriginsWindowOnceItIsWrittenBack() throws IOException {
    WriteCacheRig rig = bare();
    write(rig, 3, 7);
    MemorySegment window = rig.target.window(page(3)).orElseThrow();
    assertThat(window.toArray(ValueLayout.JAVA_BYTE)).containsOnly(7);
  }
}

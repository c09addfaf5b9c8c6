package io.bezoar.target;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.DeviceNotice;
import io.bezoar.dax.DeviceState;
import io.bezoar.dax.DeviceUnavailableException;
import io.bezoar.dax.Holder;
import io.bezoar.dax.PoisonEntry;
import io.bezoar.dax.PoisonedRangeException;
import io.bezoar.dax.RecoveryRead;
import io.bezoar.dax.Severity;
import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import io.bezoar.media.Cause;
import io.bezoar.media.FaultKind;
import io.bezoar.media.FaultSpec;
import io.bezoar.media.Presence;
import io.bezoar.media.SimMedia;
import io.bezoar.target.LegStatus.State;
import io.bezoar.target.MirrorLegException.Reason;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Legs that lose bytes, go, come back, are replaced, or contradict each other. */
class MirrorLegsTest {
  private static final int PAGE = MirrorRig.PAGE;
  private static final MirrorRig.Kind BARE = MirrorRig.Kind.BARE;
  private static final int PAGES = 96;

  private static byte[] filled(int length, int value) {
    byte[] bytes = new byte[length];
    Arrays.fill(bytes, (byte) value);
    return bytes;
  }

  private static ByteRange page(int index) {
    return ByteRange.ofLength((long) index * PAGE, PAGE);
  }

  private static MirrorRig two(MirrorRig.Kind kind) throws IOException {
    return two(kind, kind);
  }

  private static MirrorRig two(MirrorRig.Kind first, MirrorRig.Kind second) throws IOException {
    MirrorRig rig = MirrorRig.create(List.of(first, second), PAGES, 7);
    byte[] content = new byte[PAGES * PAGE];
    new SplittableRandom(3).nextBytes(content);
    rig.write(0, content);
    rig.target().persist();
    return rig;
  }

  private static byte[] content() {
    byte[] content = new byte[PAGES * PAGE];
    new SplittableRandom(3).nextBytes(content);
    return content;
  }

  // Strikes.

  @ParameterizedTest
  @EnumSource(MirrorRig.Kind.class)
  void shouldHealStrikesOnBothLegsAtDifferentPlaces(MirrorRig.Kind kind) throws IOException {
    MirrorRig rig = two(kind);
    rig.record();
    rig.lose(0, page(3));
    rig.lose(1, page(20));
    rig.lose(0, page(41));
    rig.lose(1, page(42));
    assertThat(rig.read(0, PAGES * PAGE)).isEqualTo(content());
    rig.target().compare(new ByteRange(0, (long) PAGES * PAGE));
    rig.deliver();
    assertThat(rig.failures())
        .isNotEmpty()
        .allMatch(failure -> failure.severity() == Severity.HEALED);
    assertThat(ByteRanges.of(rig.failures().stream().flatMap(f -> f.ranges().stream()).toList()))
        .isEqualTo(ByteRanges.of(page(3), page(20), page(41), page(42)));
    rig.assertLegsEqual("healed");
  }

  @Test
  void shouldNameTheMediaThatWasStruck() throws IOException {
    MirrorRig rig = two(BARE);
    rig.record();
    ByteRange line = ByteRange.ofLength(5L * PAGE + 128, 64);
    rig.strike(0, line);
    rig.read(5L * PAGE, PAGE);
    rig.deliver();
    assertThat(rig.failures()).hasSize(1);
    DeviceNotice.Failure told = rig.failures().getFirst();
    assertThat(told.severity()).isEqualTo(Severity.HEALED);
    assertThat(told.ranges()).containsExactly(line);
    assertThat(told.lowest()).isEqualTo("media0");
    assertThat(told.media()).containsExactly(rig.parts.get(0).below(line));
  }

  @Test
  void shouldLoseExactlyWhatBothLegsLost() throws IOException {
    MirrorRig rig = two(BARE);
    rig.record();
    rig.strike(0, ByteRange.ofLength(8L * PAGE, 512));
    rig.strike(1, ByteRange.ofLength(8L * PAGE + 256, 512));
    ByteRange lost = ByteRange.ofLength(8L * PAGE + 256, 256);
    assertThatThrownBy(() -> rig.read(8L * PAGE, PAGE))
        .isInstanceOfSatisfying(
            PoisonedRangeException.class,
            e -> {
              assertThat(e.goodPrefixBytes()).isEqualTo(256);
              assertThat(e.range()).isEqualTo(lost);
            });
    assertThat(rig.target().poison(page(8))).extracting(PoisonEntry::range).containsExactly(lost);
    byte[] after = rig.read(lost.end(), PAGE);
    assertThat(after)
        .isEqualTo(Arrays.copyOfRange(content(), (int) lost.end(), (int) lost.end() + PAGE));
    rig.deliver();
    assertThat(rig.failures())
        .filteredOn(failure -> failure.severity() == Severity.LOST)
        .singleElement()
        .satisfies(failure -> assertThat(failure.ranges()).containsExactly(lost));
    assertThatThrownBy(() -> rig.write(8L * PAGE, new byte[PAGE]))
        .isInstanceOf(PoisonedRangeException.class);
    assertThat(rig.target().recoveryWrite(8L * PAGE, segment(filled(PAGE, 9))).complete()).isTrue();
    assertThat(rig.read(8L * PAGE, PAGE)).containsOnly(9);
    rig.assertLegsEqual("overwritten");
  }

  @Test
  void shouldLeaveLegsEqualWhenAWriteIsRefusedThatMetFaultsItself() throws IOException {
    MirrorRig rig = two(BARE);
    long at = 8L * PAGE;
    rig.strike(0, ByteRange.ofLength(at + 256, 64));
    rig.strike(1, ByteRange.ofLength(at + 1024, 64));
    ByteRange lost = ByteRange.ofLength(at + 2048, 64);
    rig.strike(0, lost);
    rig.strike(1, lost);
    assertThatThrownBy(() -> rig.write(at, filled(PAGE, 1)))
        .isInstanceOfSatisfying(
            PoisonedRangeException.class, e -> assertThat(e.range()).isEqualTo(lost));
    rig.resync();
    rig.target().compare(page(8));
    assertThat(rig.target().poison(page(8))).extracting(PoisonEntry::range).containsExactly(lost);
    for (ByteRange good : ByteRanges.of(page(8)).minus(lost).asList()) {
      int length = (int) good.length();
      assertThat(MirrorRig.read(rig.parts.get(0).device(), good.start(), length))
          .isEqualTo(MirrorRig.read(rig.parts.get(1).device(), good.start(), length));
    }
  }

  /** A protected leg has a page or has not: what replaces part of one does not bring it back. */
  @Test
  void shouldHaveBothLegsHoldWhatReplacedPartOfALostPage() throws IOException {
    MirrorRig rig = two(MirrorRig.Kind.PROTECTED, BARE);
    ByteRange lost = ByteRange.ofLength(8L * PAGE + 512, 512);
    rig.lose(0, lost);
    rig.lose(1, lost);
    assertThat(rig.target().recoveryWrite(lost.start(), segment(filled(512, 9))).complete())
        .isTrue();
    byte[] whole = Arrays.copyOfRange(content(), 8 * PAGE, 9 * PAGE);
    Arrays.fill(whole, 512, 1024, (byte) 9);
    assertThat(rig.target().counters().degradedBytes()).isZero();
    rig.target().letGone(1, "pulled");
    assertThat(rig.read(8L * PAGE, PAGE)).isEqualTo(whole);
  }

  /**
   * The leg that is behind takes what the one in sync refuses. It must not keep it: reads have been
   * answered from the other.
   */
  @ParameterizedTest
  @EnumSource(MirrorRig.Kind.class)
  void shouldTakeARefusedWriteBackFromALegThatIsBehind(MirrorRig.Kind kind) throws IOException {
    MirrorRig rig = two(kind);
    MirrorRig.Part part = rig.parts.get(1);
    // It misses nothing, so that nothing would be copied to it.
    rig.target().takeOffline(1).close();
    part.media = part.media.reopen();
    rig.target().legReturned(1, rig.openLeg(part));
    assertThat(rig.status(1).state()).isEqualTo(State.RESYNCING);
    rig.lose(0, page(9));
    // Known before it is written to, so that the leg in sync stores nothing.
    assertThatThrownBy(() -> rig.read(9L * PAGE, PAGE)).isInstanceOf(PoisonedRangeException.class);
    assertThatThrownBy(() -> rig.write(7L * PAGE, filled(2 * PAGE + 100, 1)))
        .isInstanceOf(PoisonedRangeException.class);
    byte[] before = rig.read(7L * PAGE, 2 * PAGE);
    assertThat(before).isEqualTo(Arrays.copyOfRange(content(), 7 * PAGE, 9 * PAGE));

    rig.resync();
    assertThat(rig.status(1).state()).isEqualTo(State.IN_SYNC);
    assertThat(rig.read(7L * PAGE, 2 * PAGE)).isEqualTo(before);
    rig.target().letGone(0, "pulled");
    assertThat(rig.read(7L * PAGE, 2 * PAGE)).isEqualTo(before);
    assertThat(rig.target().poison(page(9))).extracting(PoisonEntry::range).contains(page(9));
  }

  @Test
  void shouldServeWhatCannotBeClearedFromTheOtherLegAndSayDegraded() throws IOException {
    MirrorRig rig = two(BARE);
    rig.record();
    ByteRange stuck = ByteRange.ofLength(2L * PAGE, 512);
    rig.lose(0, stuck, true);
    for (int i = 0; i < 3; i++) {
      assertThat(rig.read(2L * PAGE, PAGE))
          .isEqualTo(Arrays.copyOfRange(content(), 2 * PAGE, 3 * PAGE));
      rig.deliver();
    }
    assertThat(rig.failures())
        .singleElement()
        .satisfies(told -> assertThat(told.severity()).isEqualTo(Severity.DEGRADED));
    rig.write(2L * PAGE, filled(PAGE, 4));
    assertThat(rig.read(2L * PAGE, PAGE)).containsOnly(4);
    assertThat(rig.target().poison(page(2))).isEmpty();
    assertThat(rig.target().counters().degradedBytes()).isEqualTo(512);
    // With the other leg gone, it is lost, and only it; and that is told.
    rig.parts.get(1).media.setPresence(Presence.GONE);
    rig.write(50L * PAGE, filled(PAGE, 1));
    assertThatThrownBy(() -> rig.read(2L * PAGE, PAGE)).isInstanceOf(PoisonedRangeException.class);
    rig.deliver();
    assertThat(rig.failures().getLast().severity()).isEqualTo(Severity.LOST);
    assertThat(rig.failures().getLast().ranges()).containsExactly(stuck);
  }

  @ParameterizedTest
  @EnumSource(MirrorRig.Kind.class)
  void shouldRestoreItsOwnNotes(MirrorRig.Kind kind) throws IOException {
    MirrorRig rig = two(kind);
    rig.record();
    for (ByteRange note : MirrorLayout.of(rig.dataBytes).notes()) {
      ByteRange some = ByteRange.ofLength(note.start(), PAGE);
      rig.lose(0, some);
      assertThatThrownBy(() -> MirrorRig.read(rig.parts.get(0).device(), some.start(), PAGE))
          .isInstanceOf(PoisonedRangeException.class);
      rig.deliver();
      MirrorRig.read(rig.parts.get(0).device(), some.start(), PAGE);
    }
    assertThat(rig.failures())
        .isNotEmpty()
        .allMatch(told -> told.severity() == Severity.HEALED && told.ranges().isEmpty());
    rig.write(0, filled(PAGE, 1));
    rig.close();
    rig.open();
    assertThat(rig.tasks).isEmpty();
    assertThat(rig.read(0, PAGE)).containsOnly(1);
    rig.assertLegsEqual("reopened");
  }

  // Loss and return.

  @Test
  void shouldGoOnWithoutALegAndCopyOnlyWhatItMissed() throws IOException {
    MirrorRig rig = two(BARE);
    rig.record();
    rig.parts.get(1).media.setPresence(Presence.GONE);
    rig.write(10L * PAGE, filled(PAGE, 1));
    rig.target().persist();
    assertThat(rig.status(1).state()).isEqualTo(State.FAILED);
    assertThat(rig.target().state()).isEqualTo(DeviceState.ONLINE);
    rig.deliver();
    assertThat(rig.changes())
        .singleElement()
        .satisfies(
            change -> {
              assertThat(change.state()).isEqualTo(DeviceState.ONLINE);
              assertThat(change.unavailable()).isEmpty();
              assertThat(change.detail()).contains("leg 1 (media1)").contains("1 of 2 legs left");
            });
    rig.write(60L * PAGE, filled(2 * PAGE, 2));
    assertThat(rig.read(10L * PAGE, PAGE)).containsOnly(1);

    MirrorRig.Part part = rig.parts.get(1);
    part.media = part.media.reopen();
    long[] written = {0};
    part.media.onStep(
        (step, range) -> {
          if (step == SimMedia.Step.WRITE
              && range.start() < part.region.start() + rig.dataBytes
              && range.start() >= part.region.start()) {
            written[0] += range.length();
          }
        });
    rig.target().legReturned(1, rig.openLeg(part));
    assertThat(rig.status(1).state()).isEqualTo(State.RESYNCING);
    rig.resync();
    rig.assertLegsEqual("returned");
    // Some regions more than were written: those marked ahead, and those not cleared yet.
    assertThat(written[0]).isBetween(3L * PAGE, rig.dataBytes);
  }

  @Test
  void shouldCopyExactlyTheMissedRegionsAfterAnAnnouncedRemoval() throws Exception {
    MirrorRig rig = two(BARE);
    rig.record();
    DaxDevice gone = rig.target().takeOffline(1);
    gone.close();
    rig.write(10L * PAGE, filled(PAGE, 1));
    rig.write(60L * PAGE, filled(2 * PAGE, 2));
    MirrorRig.Part part = rig.parts.get(1);
    part.media = part.media.reopen();
    long[] written = {0};
    part.media.onStep(
        (step, range) -> {
          if (step == SimMedia.Step.WRITE
              && range.start() < part.region.start() + rig.dataBytes
              && range.start() >= part.region.start()) {
            written[0] += range.length();
          }
        });
    rig.target().legReturned(1, rig.openLeg(part));
    rig.resync();
    rig.target().awaitResync();
    assertThat(written[0]).isEqualTo(3L * PAGE);
    rig.assertLegsEqual("returned");
    rig.deliver();
    assertThat(rig.changes().getLast().detail()).contains("in sync; 2 of 2 legs left");
  }

  /** Bits that a crash left on one leg only say nothing once that leg has gone. */
  @Test
  void shouldKnowWhatALegMissesThatTookTheOnlyBitWithIt() throws IOException {
    MirrorRig rig = two(BARE);
    rig.close();
    rig.open();
    long words = rig.parts.get(1).below(MirrorLayout.of(rig.dataBytes).notes().get(1)).start();
    rig.parts
        .get(1)
        .media
        .onStep(
            (step, range) -> {
              if (step == SimMedia.Step.WRITE && range.contains(words)) {
                throw new IllegalStateException("the power goes off");
              }
            });
    assertThatThrownBy(() -> rig.write(10L * PAGE, filled(PAGE, 1)))
        .hasMessage("the power goes off");
    rig.crash(media -> media.crash(line -> true));
    rig.open();
    rig.target().letGone(0, "pulled");
    rig.write(10L * PAGE, filled(PAGE, 2));
    rig.target().persist();
    rig.crash(media -> media.crash(line -> true));
    rig.open();
    assertThat(rig.status(0).state()).isEqualTo(State.RESYNCING);
    rig.resync();
    rig.assertLegsEqual("brought up to date");
  }

  /** Torn in the second copy first, then in the first, while nothing is written in between. */
  @Test
  void shouldKeepASuperblockWhateverCopyEachCrashTears() throws IOException {
    MirrorRig rig = two(BARE);
    rig.close();
    MirrorLayout layout = MirrorLayout.of(rig.dataBytes);
    for (int copy : new int[] {1, 0, 1, 1, 0, 0}) {
      rig.open();
      MirrorRig.Part part = rig.parts.get(1);
      long torn = part.below(ByteRange.ofLength(layout.superblockAt(copy), PAGE)).start();
      boolean[] written = {false};
      part.media.onStep(
          (step, range) -> {
            if (written[0]) {
              throw new IllegalStateException("the power goes off");
            }
            written[0] = step == SimMedia.Step.WRITE && range.contains(torn);
          });
      assertWriteIsCutOff(rig);
      // The first line of that page arrived, and no other.
      rig.crash(media -> media.crash(line -> line % PAGE == 0));
    }
    assertNothingWritten(rig);
  }

  private static void assertWriteIsCutOff(MirrorRig rig) {
    assertThatThrownBy(() -> rig.write(10L * PAGE, filled(PAGE, 1)))
        .hasMessage("the power goes off");
  }

  private static void assertNothingWritten(MirrorRig rig) throws IOException {
    rig.open();
    rig.resync();
    rig.assertLegsEqual("after the last crash");
    assertThat(rig.read(0, PAGES * PAGE)).isEqualTo(content());
  }

  @Test
  void shouldTakeNoLegForAnOldCopyThatCrashesKeptFromTheLatestTables() throws IOException {
    MirrorRig rig = two(BARE);
    rig.close();
    for (int crash = 0; crash < 3; crash++) {
      rig.open();
      assertThat(rig.status(1).state()).as("after %d crashes", crash).isEqualTo(State.IN_SYNC);
      rig.parts
          .get(1)
          .media
          .onStep(
              (step, _) -> {
                if (step == SimMedia.Step.WRITE) {
                  throw new IllegalStateException("the power goes off");
                }
              });
      assertWriteIsCutOff(rig);
      rig.crash(media -> media.crash(line -> true));
    }
    assertNothingWritten(rig);
  }

  @Test
  void shouldBringUpAMirrorWhoseLegsAreAllGone() throws IOException {
    MirrorRig rig = two(BARE);
    rig.close();
    rig.openOnly();
    assertThat(rig.target().state()).isEqualTo(DeviceState.OFFLINE);
    assertThatThrownBy(() -> rig.read(0, 1)).isInstanceOf(DeviceUnavailableException.class);
    rig.target().legReturned(1, rig.openLeg(rig.parts.get(1)));
    assertThat(rig.target().state()).isEqualTo(DeviceState.ONLINE);
    assertThat(rig.read(0, PAGES * PAGE)).isEqualTo(content());
    rig.write(0, filled(PAGE, 3));
    rig.target().legReturned(0, rig.openLeg(rig.parts.get(0)));
    rig.resync();
    rig.assertLegsEqual("both back");
    assertThat(rig.read(0, PAGE)).containsOnly(3);
  }

  @Test
  void shouldDropALegWhosePersistFailsBeforeItAcknowledges() throws IOException {
    MirrorRig rig = two(BARE);
    rig.write(0, filled(PAGE, 1));
    rig.parts.get(0).media.failNextPersist();
    rig.target().persist();
    assertThat(rig.status(0).state()).isEqualTo(State.FAILED);
    assertThat(rig.read(0, PAGE)).containsOnly(1);
    rig.crash(media -> media.crash(_ -> false));
    rig.open();
    // Found after the crash: one that was left behind, and what it missed.
    assertThat(rig.status(0).state()).isEqualTo(State.RESYNCING);
    rig.resync();
    assertThat(rig.read(0, PAGE)).containsOnly(1);
    rig.assertLegsEqual("persist failed");
  }

  @Test
  void shouldRefuseLegsThatBothWentOnAloneUntilToldWhichIsRight() throws IOException {
    for (int right = 0; right < 2; right++) {
      MirrorRig rig = two(BARE);
      rig.close();
      for (int slot = 0; slot < 2; slot++) {
        rig.openOnly(slot);
        rig.write((10L + 20L * slot) * PAGE, filled(PAGE, 1 + slot));
        rig.close();
      }
      assertNothingWritten(
          rig,
          () ->
              assertThatThrownBy(rig::open)
                  .isInstanceOf(MirrorConflictException.class)
                  .hasMessageContaining("media0")
                  .hasMessageContaining("event 5")
                  .hasMessageContaining("1970-01-01"));
      rig.reopenMedia();
      rig.prefer = right;
      rig.open();
      rig.resync();
      rig.assertLegsEqual("leg " + right + " preferred");
      byte[] expected = content();
      Arrays.fill(expected, (10 + 20 * right) * PAGE, (11 + 20 * right) * PAGE, (byte) (1 + right));
      assertThat(rig.read(0, PAGES * PAGE)).isEqualTo(expected);
    }
  }

  @Test
  void shouldTakeAnAncestorForOneThatIsBehindAndNotForAConflict() throws IOException {
    MirrorRig rig = MirrorRig.create(List.of(BARE, BARE, BARE), PAGES, 7);
    goAndMissAPage(rig, 0, 1);
    rig.target().letGone(2, "pulled").orElseThrow().close();
    rig.write(2L * PAGE, filled(PAGE, 2));
    rig.target().persist();
    // Leg 2 says that leg 0 is out, and leg 0 learns from leg 1 that leg 2 is.
    rig.parts.get(0).media = rig.parts.get(0).media.reopen();
    rig.target().legReturned(0, rig.openLeg(rig.parts.get(0)));
    rig.resync();
    rig.close();
    rig.open();
    rig.resync();
    rig.assertLegsEqual("all were one line");
    assertThat(rig.read(2L * PAGE, PAGE)).containsOnly(2);
  }

  private static void goAndMissAPage(MirrorRig rig, int slot, int page) throws IOException {
    rig.target().takeOffline(slot).close();
    rig.write((long) page * PAGE, filled(PAGE, 1));
    rig.target().persist();
  }

  @Test
  void shouldCloseWellThoughALegThatWasLeftBehindCannot() throws IOException {
    MirrorRig rig = two(BARE);
    rig.write(0, filled(PAGE, 1));
    rig.parts.get(0).media.setPresence(Presence.GONE);
    rig.write(PAGE, filled(PAGE, 2));
    assertThat(rig.status(0).state()).isEqualTo(State.FAILED);
    rig.target().close();
    rig.parts.get(0).media.setPresence(Presence.PRESENT);
    rig.reopenMedia();
    rig.open();
    rig.resync();
    rig.assertLegsEqual("closed without leg 0");
    assertThat(rig.read(PAGE, PAGE)).containsOnly(2);
  }

  @Test
  void shouldRefuseStrangersAndOldMembersWithNothingWritten() throws IOException {
    MirrorRig rig = two(BARE);
    MirrorRig.Part blank = rig.addPart(BARE, 99);
    assertRefused(rig, 0, blank, Reason.SLOT_TAKEN, true);
    DaxDevice former = rig.target().detach(1);
    former.close();
    MirrorRig.Part old = rig.parts.get(1);
    old.media = old.media.reopen();
    assertRefused(rig, 1, old, Reason.STALE, false);
    old.media = old.media.reopen();
    assertRefused(rig, 2, old, Reason.FOREIGN, false);
    blank.media = blank.media.reopen();
    assertRefused(rig, 1, blank, Reason.FOREIGN, false);
    blank.media = blank.media.reopen();
    rig.target().attach(1, rig.openLeg(blank));
    rig.resync();
    assertThat(MirrorRig.read(blank.device(), 0, PAGES * PAGE)).isEqualTo(content());
    assertThat(rig.status(1).state()).isEqualTo(State.IN_SYNC);
  }

  private interface Action {
    void run() throws IOException;
  }

  private static void assertNothingWritten(MirrorRig rig, Action action) throws IOException {
    for (MirrorRig.Part part : rig.parts) {
      part.media.onStep(
          (step, range) -> {
            if (step != SimMedia.Step.PERSIST) {
              throw new AssertionError("written to: " + range);
            }
          });
    }
    action.run();
    rig.parts.forEach(part -> part.media.onStep(null));
  }

  private static void assertRefused(
      MirrorRig rig, int slot, MirrorRig.Part part, Reason reason, boolean attach)
      throws IOException {
    DaxDevice device = rig.openLeg(part);
    part.media.onStep(
        (step, range) -> {
          throw new AssertionError("written to: " + range);
        });
    assertThatThrownBy(
            () -> {
              if (attach) {
                rig.target().attach(slot, device);
              } else {
                rig.target().legReturned(slot, device);
              }
            })
        .isInstanceOfSatisfying(
            MirrorLegException.class, e -> assertThat(e.reason()).isEqualTo(reason));
    part.media.onStep(null);
    device.close();
  }

  @Test
  void shouldCopyEverythingToAnOldCopyOfALeg() throws IOException {
    MirrorRig rig = two(BARE);
    rig.close();
    // What leg 1 was: a crash that keeps everything is a copy.
    MirrorRig.Part part = rig.parts.get(1);
    SimMedia copy = part.media.crash(_ -> true);
    part.media = copy;
    rig.open();
    rig.target().takeOffline(1).close();
    rig.write(0, filled(PAGE, 1));
    part.media = part.media.reopen();
    rig.target().legReturned(1, rig.openLeg(part));
    rig.resync();
    rig.assertLegsEqual("returned");
  }

  @Test
  void shouldRefuseAnOldCopyOfTheLastLeg() throws IOException {
    MirrorRig rig = two(BARE);
    rig.close();
    MirrorRig.Part part = rig.parts.get(1);
    // What leg 1 was: a crash that keeps everything is a copy.
    SimMedia copy = part.media.crash(_ -> true);
    part.media = part.media.crash(_ -> true);
    rig.open();
    rig.write(0, filled(PAGE, 1));
    rig.target().persist();
    rig.target().letGone(0, "pulled").orElseThrow().close();
    rig.target().letGone(1, "pulled").orElseThrow().close();
    SimMedia newest = part.media;
    part.media = copy;
    assertThatThrownBy(() -> rig.target().legReturned(1, rig.openLeg(part)))
        .isInstanceOfSatisfying(
            MirrorLegException.class, e -> assertThat(e.reason()).isEqualTo(Reason.BEHIND));
    assertThat(rig.target().state()).isEqualTo(DeviceState.OFFLINE);
    part.media = newest.reopen();
    rig.target().legReturned(1, rig.openLeg(part));
    assertThat(rig.read(0, PAGE)).containsOnly(1);
  }

  // Attach and detach.

  @Test
  void shouldTurnOneDeviceIntoAMirrorAndBack() throws IOException {
    MirrorRig rig = MirrorRig.create(List.of(BARE), PAGES, 7);
    rig.write(0, content());
    rig.record();
    MirrorRig.Part second = rig.addPart(BARE, 55);
    rig.target().attach(1, rig.openLeg(second));
    rig.write(7L * PAGE, filled(PAGE, 7));
    assertThat(rig.status(1).behindBytes()).isEqualTo(rig.dataBytes);
    rig.resync();
    rig.assertLegsEqual("attached");
    rig.target().detach(0).close();
    byte[] expected = content();
    Arrays.fill(expected, 7 * PAGE, 8 * PAGE, (byte) 7);
    assertThat(rig.read(0, PAGES * PAGE)).isEqualTo(expected);
    assertThatThrownBy(() -> rig.target().detach(1))
        .isInstanceOfSatisfying(
            MirrorLegException.class, e -> assertThat(e.reason()).isEqualTo(Reason.LAST_COPY));
  }

  @Test
  void shouldLeaveADeviceAloneThatCouldNotBeAttached() throws IOException {
    MirrorRig rig = MirrorRig.create(List.of(BARE), PAGES, 7);
    MirrorRig.Part second = rig.addPart(BARE, 55);
    DaxDevice device = rig.openLeg(second);
    // Once it says of itself that it is being filled, the other fails to say so.
    second.media.onStep(
        (step, _) -> {
          if (step == SimMedia.Step.PERSIST) {
            rig.parts.getFirst().media.failNextPersist();
          }
        });
    assertThatThrownBy(() -> rig.target().attach(1, device)).isInstanceOf(IOException.class);
    second.media.onStep(null);
    // It may stand in a table that reached the media.
    assertThat(rig.status(1).state()).isEqualTo(State.MISSING);
    device.claim(NOBODY);
    assertThat(device.state()).isEqualTo(DeviceState.ONLINE);
    device.close();
    rig.close();
  }

  /** What a new leg has got, and durably, is not copied once more after a restart. */
  @Test
  void shouldGoOnWhereACrashStoppedTheFillingOfALeg() throws IOException {
    MirrorRig rig = two(BARE);
    MirrorRig.Part third = rig.addPart(BARE, 55);
    rig.target().attach(2, rig.openLeg(third));
    long last = third.region.start() + rig.dataBytes - PAGE;
    third.media.onStep(
        (step, range) -> {
          if (step == SimMedia.Step.WRITE && range.start() == last) {
            third.media.onStep((_, _) -> {});
            persistTwice(rig);
            throw new IllegalStateException("the power is gone");
          }
        });
    assertThatThrownBy(rig::resync).hasMessage("the power is gone");
    rig.crash(media -> media.crash(line -> true));
    rig.open();
    assertThat(rig.status(2).state()).isEqualTo(State.RESYNCING);
    assertThat(rig.status(2).behindBytes()).isBetween((long) PAGE, rig.dataBytes / 2);
    rig.resync();
    rig.assertLegsEqual("filled");
  }

  private static void persistTwice(MirrorRig rig) {
    try {
      rig.target().persist();
      rig.target().persist();
    } catch (IOException cannot) {
      throw new AssertionError(cannot);
    }
  }

  @Test
  void shouldNotLetALegGoWhoseBytesAreNowhereElse() throws IOException {
    MirrorRig rig = two(BARE);
    rig.lose(0, page(4), true);
    rig.read(4L * PAGE, PAGE);
    assertThatThrownBy(() -> rig.target().detach(1))
        .isInstanceOfSatisfying(
            MirrorLegException.class, e -> assertThat(e.reason()).isEqualTo(Reason.BYTES_ONLY_HERE))
        .hasMessageContaining("0x4000");
    assertThatThrownBy(() -> rig.target().takeOffline(1)).isInstanceOf(MirrorLegException.class);
    rig.target().detach(0).close();
    assertThat(rig.read(0, PAGES * PAGE)).isEqualTo(content());
  }

  @Test
  void shouldForgetAMissingMember() throws IOException {
    MirrorRig rig = two(BARE);
    rig.close();
    rig.openOnly(0);
    assertThat(rig.status(1).state()).isEqualTo(State.MISSING);
    assertThatThrownBy(() -> rig.target().detach(1)).isInstanceOf(MirrorLegException.class);
    assertThat(rig.target().legs()).hasSize(2);
    assertThat(rig.target().detachMissing(1)).isEmpty();
    assertThat(rig.target().legs()).hasSize(1);
    rig.close();
    rig.open();
    assertThat(rig.status(1).state()).isEqualTo(State.FAILED);
    assertThat(rig.status(1).detail()).contains("no longer is");
  }

  @ParameterizedTest
  @EnumSource(MirrorRig.Kind.class)
  void shouldNeverMakeGoodBytesOfLostOnesOnANewLeg(MirrorRig.Kind kind) throws IOException {
    MirrorRig rig = MirrorRig.create(List.of(BARE), PAGES, 7);
    rig.write(0, content());
    ByteRange lost = ByteRange.ofLength(9L * PAGE + 64, 128);
    rig.strike(0, lost);
    MirrorRig.Part second = rig.addPart(kind, 55);
    rig.target().attach(1, rig.openLeg(second));
    rig.resync();
    assertThat(rig.status(1).state()).isEqualTo(State.IN_SYNC);
    assertThat(rig.target().poison(new ByteRange(0, rig.dataBytes)))
        .extracting(PoisonEntry::range)
        .containsExactly(lost);
    assertThatThrownBy(() -> rig.read(9L * PAGE, PAGE)).isInstanceOf(PoisonedRangeException.class);
    assertThat(rig.read(lost.end(), 100))
        .isEqualTo(Arrays.copyOfRange(content(), (int) lost.end(), (int) lost.end() + 100));
    assertThatThrownBy(() -> MirrorRig.read(second.device(), lost.start(), 1))
        .isInstanceOf(PoisonedRangeException.class);
  }

  // Conflicts.

  @Test
  void shouldReportAConflictOfBareLegsAndLetItBeResolved() throws IOException {
    for (int right = 0; right < 2; right++) {
      MirrorRig rig = two(BARE);
      rig.record();
      rig.inject(1, FaultSpec.of(FaultKind.FLIP, rig.parts.get(1).below(page(30)), 3));
      ScrubStep step = rig.target().compare(new ByteRange(0, rig.dataBytes));
      assertThat(step.found()).containsExactly(page(30));
      assertThat(step.lost()).isEqualTo(1);
      rig.deliver();
      assertThat(rig.failures())
          .singleElement()
          .satisfies(
              told -> {
                assertThat(told.severity()).isEqualTo(Severity.LOST);
                assertThat(told.cause()).isEqualTo(Cause.CONFLICT);
                assertThat(told.ranges()).containsExactly(page(30));
              });
      assertThatThrownBy(() -> rig.read(30L * PAGE, 1))
          .isInstanceOfSatisfying(
              PoisonedRangeException.class,
              e -> assertThat(e.poisonCause()).isEqualTo(Cause.CONFLICT));
      RecoveryRead salvaged = rig.target().recoveryRead(30L * PAGE, Arena.ofAuto().allocate(PAGE));
      assertThat(salvaged.runs()).containsExactly(new RecoveryRead.Unverified(page(30)));
      rig.crash(media -> media.crash(_ -> false));
      rig.open();
      rig.resync();
      assertThatThrownBy(() -> rig.read(30L * PAGE, 1)).isInstanceOf(PoisonedRangeException.class);
      byte[] expected = right == 0 ? content() : null;
      rig.target().resolve(page(30), right);
      byte[] settled = rig.read(0, PAGES * PAGE);
      assertThat(Arrays.equals(settled, content())).isEqualTo(expected != null);
      rig.assertLegsEqual("resolved");
      assertThat(rig.target().poison(new ByteRange(0, rig.dataBytes))).isEmpty();
    }
  }

  @Test
  void shouldHealTheMinorityOfThree() throws IOException {
    MirrorRig rig = MirrorRig.create(List.of(BARE, BARE, BARE), PAGES, 7);
    rig.write(0, content());
    rig.target().persist();
    rig.record();
    rig.inject(2, FaultSpec.of(FaultKind.FLIP, rig.parts.get(2).below(page(30)), 3));
    rig.inject(0, FaultSpec.of(FaultKind.FLIP, rig.parts.get(0).below(page(31)), 3));
    ScrubStep step = rig.target().compare(new ByteRange(0, rig.dataBytes));
    assertThat(step.repaired()).isEqualTo(2);
    assertThat(rig.read(0, PAGES * PAGE)).isEqualTo(content());
    rig.deliver();
    assertThat(rig.failures()).allMatch(told -> told.severity() == Severity.HEALED);
    rig.assertLegsEqual("voted");
  }

  @Test
  void shouldBelieveAVerifiedLeg() throws IOException {
    MirrorRig rig = MirrorRig.create(List.of(BARE, MirrorRig.Kind.PROTECTED), PAGES, 7);
    rig.write(0, content());
    rig.target().persist();
    rig.inject(0, FaultSpec.of(FaultKind.FLIP, rig.parts.get(0).below(page(30)), 3));
    ScrubStep step = rig.target().compare(new ByteRange(0, rig.dataBytes));
    assertThat(step.repaired()).isEqualTo(1);
    assertThat(rig.read(0, PAGES * PAGE)).isEqualTo(content());
    rig.assertLegsEqual("verified leg believed");
  }

  @Test
  void shouldTellOfVerifiedLegsThatContradictAndTouchNeither() throws IOException {
    MirrorRig rig = two(MirrorRig.Kind.PROTECTED);
    rig.close();
    // Behind the mirror's back, as a leg does that was restored from an old copy.
    DaxDevice leg = rig.openLeg(rig.parts.get(1));
    MirrorRig.write(leg, 30L * PAGE, filled(PAGE, 1));
    leg.close();
    rig.reopenMedia();
    rig.open();
    rig.record();
    byte[] before = rig.read(0, PAGES * PAGE);
    for (int i = 0; i < 2; i++) {
      ScrubStep step = rig.target().compare(new ByteRange(0, rig.dataBytes));
      assertThat(step.found()).containsExactly(page(30));
      assertThat(step.degraded()).isEqualTo(1);
      assertThat(step.lost() + step.repaired()).isZero();
    }
    rig.deliver();
    assertThat(rig.failures())
        .singleElement()
        .satisfies(
            told -> {
              assertThat(told.severity()).isEqualTo(Severity.DEGRADED);
              assertThat(told.cause()).isEqualTo(Cause.CONFLICT);
              assertThat(told.ranges()).containsExactly(page(30));
            });
    assertThat(rig.read(0, PAGES * PAGE)).isEqualTo(before);
    rig.write(30L * PAGE, filled(PAGE, 2));
    assertThat(rig.target().compare(page(30)).found()).isEmpty();
  }

  @Test
  void shouldKeepADroppedLegThatIsHandedInAgainWhileItIsStillGone() throws IOException {
    MirrorRig rig = MirrorRig.create(List.of(BARE, BARE), PAGES, 7);
    DaxDevice leg = rig.parts.get(1).device();
    rig.parts.get(1).media.setPresence(Presence.GONE);
    rig.write(0, filled(PAGE, 1));
    assertThat(rig.status(1).state()).isEqualTo(State.FAILED);
    assertThatThrownBy(() -> rig.target().legReturned(1, leg)).isInstanceOf(IOException.class);
    assertThat(rig.status(1).state()).isEqualTo(State.FAILED);
    rig.close();
    assertThat(leg.state()).isEqualTo(DeviceState.OFFLINE);
  }

  /** Stands for a leg made of several devices, of which one can be away. */
  private static final class Coming implements InvocationHandler {
    private final DaxDevice inner;
    private boolean away;
    private Holder holder = NOBODY;

    Coming(DaxDevice inner) {
      this.inner = inner;
    }

    DaxDevice device() {
      return (DaxDevice)
          Proxy.newProxyInstance(
              DaxDevice.class.getClassLoader(), new Class<?>[] {DaxDevice.class}, this);
    }

    void goes(DeviceState state) {
      away = state != DeviceState.ONLINE;
      holder.onNotice(new DeviceNotice.StateChange(1, Instant.EPOCH, state, List.of(), "test"));
    }

    @Override
    public Object invoke(Object proxy, Method method, Object[] args) throws Throwable {
      switch (method.getName()) {
        case "claim" -> holder = (Holder) args[0];
        case "state" -> {
          return away ? DeviceState.PARTIAL : inner.state();
        }
        case "read", "write", "persist", "recoveryRead", "recoveryWrite" -> {
          if (away) {
            throw new DeviceUnavailableException("coming", DeviceState.PARTIAL, "away", null);
          }
        }
        default -> {}
      }
      try {
        return method.invoke(inner, args);
      } catch (InvocationTargetException thrown) {
        throw thrown.getTargetException();
      }
    }
  }

  private static final Holder NOBODY =
      new Holder() {
        @Override
        public String holderName() {
          return "nobody";
        }

        @Override
        public void onNotice(DeviceNotice notice) {}
      };

  @Test
  void shouldTakeBackALegThatSaysItIsWellAgain() throws IOException {
    MirrorRig rig = MirrorRig.formatted(List.of(BARE, BARE), PAGES, 7);
    Coming coming = new Coming(rig.openLeg(rig.parts.get(1)));
    DaxDevice device = coming.device();
    rig.openWith(Map.of(0, rig.openLeg(rig.parts.get(0)), 1, device));
    rig.write(0, content());
    coming.goes(DeviceState.PARTIAL);
    assertThat(rig.status(1).state()).isEqualTo(State.FAILED);
    rig.write(3L * PAGE, filled(PAGE, 3));
    rig.target().persist();
    coming.goes(DeviceState.ONLINE);
    assertThat(rig.status(1).state()).isEqualTo(State.RESYNCING);
    rig.resync();
    rig.assertLegsEqual("well again");
    coming.away = true;
    rig.write(4L * PAGE, filled(PAGE, 4));
    coming.away = false;
    rig.target().legReturned(1, device);
    rig.resync();
    rig.assertLegsEqual("handed in again, itself");
    rig.close();
  }

  private static MemorySegment segment(byte[] bytes) {
    return Arena.ofAuto().allocate(bytes.length).copyFrom(MemorySegment.ofArray(bytes));
  }
}

package io.bezoar.target;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.DeviceState;
import io.bezoar.dax.DeviceUnavailableException;
import io.bezoar.dax.LeafDevice;
import io.bezoar.dax.NoticeDispatcher;
import io.bezoar.dax.RecoveryRead;
import io.bezoar.media.ByteRange;
import io.bezoar.media.FaultKind;
import io.bezoar.media.FaultSpec;
import io.bezoar.media.Presence;
import io.bezoar.media.SimMedia;
import io.bezoar.target.LegStatus.State;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Legs made of two devices each, of which one can be away: one leg may have what the other has not,
 * and what neither has is not lost.
 */
class MirrorPartialLegsTest {
  private static final int PAGE = MirrorRig.PAGE;
  private static final int PAGES = 96;

  /** Pages on the first device of a leg; the notes are on the other. */
  private static final int FRONT = 40;

  private static final long LIST_BYTES = 8L * PAGE;
  private static final InstantSource CLOCK = InstantSource.fixed(Instant.EPOCH);

  private final List<List<SimMedia>> media = new ArrayList<>();
  private final List<LinearTarget> legs = new ArrayList<>();
  private final List<NoticeDispatcher> dispatchers = new ArrayList<>();
  private final List<Runnable> tasks = new ArrayList<>();
  private final byte[] content = new byte[PAGES * PAGE];
  private MirroredTarget mirror;

  @BeforeEach
  void create() throws IOException {
    long pages = MirrorLayout.of(content.length).legBytes() / PAGE;
    for (int slot = 0; slot < 2; slot++) {
      media.add(List.of(fresh(slot, 0, FRONT), fresh(slot, 1, pages - FRONT)));
      List<LinearTarget.Piece> pieces = new ArrayList<>();
      for (SimMedia each : media.get(slot)) {
        ByteRange region = new ByteRange(LIST_BYTES, each.sizeBytes() - LIST_BYTES);
        pieces.add(new LinearTarget.Piece(leaf(each), region));
      }
      legs.add(LinearTarget.open("linear" + slot, pieces, dispatcher()));
    }
    MirroredTarget.format(MirrorRig.MIRROR, content.length, List.copyOf(legs));
    mirror =
        MirroredTarget.open(
            "mirror",
            MirrorRig.MIRROR,
            content.length,
            Map.of(0, legs.get(0), 1, legs.get(1)),
            MirrorOptions.of(CLOCK, tasks::add),
            dispatcher());
    new SplittableRandom(3).nextBytes(content);
    MirrorRig.write(mirror, 0, content);
    mirror.persist();
  }

  private static SimMedia fresh(int slot, int index, long pages) throws IOException {
    SimMedia made =
        SimMedia.create("media" + slot + index, pages * PAGE + 2 * LIST_BYTES, 10L * slot + index);
    LeafDevice.format(made, MirrorRig.listRegion(made));
    return made;
  }

  private DaxDevice leaf(SimMedia on) throws IOException {
    return LeafDevice.open(on, MirrorRig.listRegion(on), CLOCK, dispatcher());
  }

  private NoticeDispatcher dispatcher() {
    dispatchers.add(new NoticeDispatcher("test", CLOCK, _ -> {}));
    return dispatchers.getLast();
  }

  /** A leg's device goes, and the leg has noticed. */
  private void goes(int slot, int index) {
    media.get(slot).get(index).setPresence(Presence.GONE);
    long at = index == 0 ? 0 : content.length;
    assertThatThrownBy(() -> MirrorRig.read(legs.get(slot), at, PAGE))
        .isInstanceOf(DeviceUnavailableException.class);
    assertThat(legs.get(slot).state()).isEqualTo(DeviceState.PARTIAL);
  }

  private void deliver() {
    List.copyOf(dispatchers).forEach(NoticeDispatcher::drain);
  }

  private void runTasks() {
    while (!tasks.isEmpty()) {
      tasks.removeFirst().run();
    }
  }

  private static ByteRange page(int index) {
    return ByteRange.ofLength((long) index * PAGE, PAGE);
  }

  @Test
  void shouldServeWhatOneLegOrTheOtherHas() throws IOException {
    goes(0, 0);
    goes(1, 1);
    for (int round = 0; round < 2; round++) {
      assertThat(MirrorRig.read(mirror, 0, content.length)).isEqualTo(content);
      MemorySegment dst = Arena.ofAuto().allocate(content.length);
      assertThat(mirror.recoveryRead(0, dst).runs())
          .containsExactly(new RecoveryRead.Unverified(new ByteRange(0, content.length)));
      assertThat(dst.toArray(ValueLayout.JAVA_BYTE)).isEqualTo(content);
      assertThat(mirror.window(page(0))).isEmpty();
    }
    assertThat(mirror.state()).isEqualTo(DeviceState.PARTIAL);
    assertThat(mirror.unavailable()).isEmpty();
    assertThat(mirror.compare(new ByteRange(0, content.length)).found()).isEmpty();
    // To take it, one of them would have to be left behind, and with it what only that one has.
    assertThatThrownBy(() -> MirrorRig.write(mirror, 0, new byte[PAGE]))
        .isInstanceOf(DeviceUnavailableException.class)
        .hasMessageStartingWith("mirror: ");
    assertThat(mirror.legs()).allMatch(leg -> leg.state() == State.IN_SYNC);
  }

  @Test
  void shouldNotCallLostWhatALegHasThatIsNotAllThere() throws IOException {
    media
        .get(1)
        .getFirst()
        .injector()
        .inject(FaultSpec.of(FaultKind.POISON, page(5).shift(LIST_BYTES), 1));
    goes(0, 0);
    goes(1, 1);
    assertThatThrownBy(() -> MirrorRig.read(mirror, 0, 8 * PAGE))
        .isInstanceOfSatisfying(
            DeviceUnavailableException.class,
            e -> {
              assertThat(e.getFile()).isEqualTo("mirror");
              assertThat(e.range()).isEqualTo(page(5));
            });
    assertThat(mirror.recoveryRead(0, Arena.ofAuto().allocate(8L * PAGE)).runs())
        .containsExactly(
            new RecoveryRead.Unverified(new ByteRange(0, 5L * PAGE)),
            new RecoveryRead.Absent(page(5)),
            new RecoveryRead.Unverified(new ByteRange(6L * PAGE, 8L * PAGE)));
    assertThat(mirror.poison(new ByteRange(0, content.length))).isEmpty();
  }

  @Test
  void shouldSayInItsOwnTermsWhatItsLastLegCannotDo() throws IOException {
    mirror.takeOffline(1);
    goes(0, 1);
    assertThat(MirrorRig.read(mirror, 0, FRONT * PAGE))
        .isEqualTo(Arrays.copyOf(content, FRONT * PAGE));
    assertThatThrownBy(() -> MirrorRig.read(mirror, 90L * PAGE, PAGE))
        .isInstanceOfSatisfying(
            DeviceUnavailableException.class,
            e -> {
              assertThat(e.getFile()).isEqualTo("mirror");
              assertThat(e.range()).isEqualTo(page(90));
            });
    // Its content is there; its notes are not.
    assertThatThrownBy(() -> MirrorRig.write(mirror, 0, new byte[PAGE]))
        .isInstanceOfSatisfying(
            DeviceUnavailableException.class,
            e -> {
              assertThat(e.getMessage())
                  .startsWith("mirror: nothing can be written")
                  .contains("notes", "leg 0 (linear0)", "media01", "bring it back");
              assertThat(e.range()).isNull();
              assertThat(e.state()).isEqualTo(DeviceState.PARTIAL);
            });
    assertThat(MirrorRig.read(mirror, 0, PAGE)).isEqualTo(Arrays.copyOf(content, PAGE));
  }

  /** To be away is not to be lost: who copies it as lost, loses it. */
  @Test
  void shouldWaitWithWhatIsCopiedFromALegThatIsNotAllThere() throws IOException {
    mirror.takeOffline(1);
    new SplittableRandom(4).nextBytes(content);
    MirrorRig.write(mirror, 0, content);
    mirror.persist();
    mirror.legReturned(1, legs.get(1));
    goes(0, 0);
    deliver();
    runTasks();
    assertThat(mirror.legs().get(1).state()).isEqualTo(State.RESYNCING);
    assertThat(legs.get(1).poison(new ByteRange(0, content.length))).isEmpty();

    media.get(0).getFirst().setPresence(Presence.PRESENT);
    legs.get(0).childReturned(0, leaf(media.get(0).getFirst().reopen()));
    deliver();
    runTasks();
    assertThat(mirror.legs()).allMatch(leg -> leg.state() == State.IN_SYNC);
    mirror.letGone(0, "pulled");
    assertThat(MirrorRig.read(mirror, 0, content.length)).isEqualTo(content);
  }
}

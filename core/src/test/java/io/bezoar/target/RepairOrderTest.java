package io.bezoar.target;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bezoar.dax.DeviceNotice;
import io.bezoar.dax.PoisonedRangeException;
import io.bezoar.dax.Severity;
import io.bezoar.media.ByteRange;
import io.bezoar.media.FaultKind;
import io.bezoar.media.FaultSpec;
import io.bezoar.media.SimMedia;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The orders of repair and of loss: a power cut, and a second strike on the page under repair,
 * before every single step.
 */
class RepairOrderTest {
  private static final int PAGE = Rig.PAGE;
  private static final int STRUCK = 9;
  private static final long ROW = 2;

  /** Four columns of seven rows, every page filled with its number. */
  private static Rig filled(long seed) throws IOException {
    Rig rig = Rig.create(4, 7, WritePath.WriteMode.DIRECT, seed);
    for (int page = 0; page < rig.geometry.dataPages(); page++) {
      rig.write((long) page * PAGE, content(page));
    }
    rig.target.persist();
    return rig;
  }

  private static byte[] content(int page) {
    byte[] bytes = new byte[PAGE];
    new SplittableRandom(page).nextBytes(bytes);
    return bytes;
  }

  private static void assertAllReadable(Rig rig, String when) throws IOException {
    for (int page = 0; page < rig.geometry.dataPages(); page++) {
      assertThat(rig.read((long) page * PAGE, PAGE))
          .as("page %s, %s", page, when)
          .isEqualTo(content(page));
    }
  }

  private static void strike(Rig rig, FaultKind kind, int page, long seed) throws IOException {
    rig.strike(kind, rig.geometry.childOffsetOfPage(page), PAGE, seed);
  }

  /** Steps that {@code work} takes on fresh media. */
  private static long stepsOf(Preparation preparation, Work work) throws IOException {
    Rig rig = filled(1);
    preparation.strike(rig);
    long before = rig.media.stepCount();
    work.run(rig);
    return rig.media.stepCount() - before;
  }

  private interface Preparation {
    void strike(Rig rig) throws IOException;
  }

  private interface Work {
    void run(Rig rig) throws IOException;
  }

  @ParameterizedTest
  @EnumSource(FaultKind.class)
  void shouldSurviveAPowerCutBeforeAnyStepOfARepair(FaultKind kind) throws IOException {
    Work read = rig -> rig.read((long) STRUCK * PAGE, PAGE);
    long steps = stepsOf(rig -> strike(rig, kind, STRUCK, 1), read);
    assertThat(steps).as("steps of a repair").isGreaterThan(2);
    for (long cut = 1; cut <= steps; cut++) {
      for (int seed = 0; seed < 6; seed++) {
        Rig rig = filled(1);
        strike(rig, kind, STRUCK, 1);
        cutDuring(rig, read, cut);
        rig.reopenOn(survivors(rig, seed));
        assertAllReadable(rig, kind + " cut before step " + cut + " seed " + seed);
        rig.scrubAll();
        rig.assertScrubsClean();
      }
    }
  }

  /** What a repair has stored is good, even if the power went before it was off the list. */
  @ParameterizedTest
  @EnumSource(FaultKind.class)
  void shouldTakeAnotherStrikeInTheRowOnceTheRepairIsStored(FaultKind kind) throws IOException {
    Work read = rig -> rig.read((long) STRUCK * PAGE, PAGE);
    long steps = stepsOf(rig -> strike(rig, FaultKind.FLIP, STRUCK, 1), read);
    int stored = 0;
    for (long cut = 1; cut <= steps; cut++) {
      for (int seed = 0; seed < 6; seed++) {
        Rig rig = filled(1);
        strike(rig, FaultKind.FLIP, STRUCK, 1);
        cutDuring(rig, read, cut);
        rig.reopenOn(survivors(rig, seed));
        if (holdsItsBytes(rig, STRUCK)) {
          stored++;
        } else {
          rig.scrubAll();
        }
        strike(rig, kind, sibling(rig), 1);
        String when = kind + ", cut before step " + cut + " seed " + seed;
        assertAllReadable(rig, when);
        rig.scrubAll();
        rig.assertScrubsClean();
      }
    }
    assertThat(stored).isPositive();
  }

  /** A scrub leaves nothing on the list that can be taken off it. */
  @ParameterizedTest
  @EnumSource(FaultKind.class)
  void shouldFinishByAScrubWhatAPowerCutLeftOfARepair(FaultKind kind) throws IOException {
    Work read = rig -> rig.read((long) STRUCK * PAGE, PAGE);
    long steps = stepsOf(rig -> strike(rig, kind, STRUCK, 1), read);
    for (long cut = 1; cut <= steps; cut++) {
      for (int seed = 0; seed < 6; seed++) {
        Rig rig = filled(1);
        strike(rig, kind, STRUCK, 1);
        cutDuring(rig, read, cut);
        rig.reopenOn(survivors(rig, seed));
        rig.scrubAll();
        long healed = rig.target.counters().repairedBytes();
        assertAllReadable(rig, kind + " cut before step " + cut + " seed " + seed);
        assertThat(rig.target.counters().repairedBytes()).isEqualTo(healed);
      }
    }
  }

  private static boolean holdsItsBytes(Rig rig, int page) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment now = arena.allocate(PAGE);
      rig.media.read(rig.geometry.childOffsetOfPage(page), now);
      return Arrays.equals(now.toArray(ValueLayout.JAVA_BYTE), content(page));
    } catch (IOException unreadable) {
      return false;
    }
  }

  /** Another page of the row. */
  private static int sibling(Rig rig) {
    return (int) rig.geometry.pageAt(rig.geometry.rowOf(STRUCK), 0);
  }

  @ParameterizedTest
  @EnumSource(FaultKind.class)
  void shouldSurviveASecondStrikeBeforeAnyStepOfARepair(FaultKind second) throws IOException {
    Work read = rig -> rig.read((long) STRUCK * PAGE, PAGE);
    long steps = stepsOf(rig -> strike(rig, FaultKind.POISON, STRUCK, 1), read);
    for (long at = 1; at <= steps; at++) {
      Rig rig = filled(1);
      strike(rig, FaultKind.POISON, STRUCK, 1);
      strikeBeforeStep(rig, second, at);
      String when = second + " before step " + at;
      assertThat(rig.read((long) STRUCK * PAGE, PAGE)).as(when).isEqualTo(content(STRUCK));
      assertAllReadable(rig, when);
      rig.scrubAll();
      rig.assertScrubsClean();
      assertAllReadable(rig, when + ", scrubbed");
    }
  }

  private static void strikeBeforeStep(Rig rig, FaultKind kind, long at) {
    SimMedia media = rig.media;
    ByteRange page = ByteRange.ofLength(rig.geometry.childOffsetOfPage(STRUCK), PAGE);
    long[] seen = {0};
    media.onStep(
        (step, range) -> {
          if (++seen[0] == at) {
            media.injector().inject(FaultSpec.of(kind, page, 77));
          }
        });
  }

  @ParameterizedTest
  @EnumSource(FaultKind.class)
  void shouldLoseNoMoreThanTwoPagesWhenThePowerIsCutWhileALossIsDeclared(FaultKind kind)
      throws IOException {
    Preparation twice =
        rig -> {
          strike(rig, FaultKind.POISON, (int) rig.geometry.pageAt(ROW, 0), 1);
          strike(rig, kind, (int) rig.geometry.pageAt(ROW, 2), 1);
        };
    Work read =
        rig -> {
          long offset = rig.geometry.pageAt(ROW, 0) * PAGE;
          assertThatThrownBy(() -> rig.read(offset, PAGE))
              .isInstanceOf(PoisonedRangeException.class);
        };
    long steps = stepsOf(twice, read);
    assertThat(steps).as("steps of a loss").isGreaterThan(3);
    for (long cut = 1; cut <= steps; cut++) {
      Rig rig = filled(1);
      twice.strike(rig);
      cutDuring(rig, rigToRead -> rigToRead.read(rig.geometry.pageAt(ROW, 0) * PAGE, PAGE), cut);
      rig.reopenOn(survivors(rig, (int) cut));
      rig.record();
      Set<Integer> unreadable = new TreeSet<>();
      for (int page = 0; page < rig.geometry.dataPages(); page++) {
        try {
          assertThat(rig.read((long) page * PAGE, PAGE)).isEqualTo(content(page));
        } catch (PoisonedRangeException lost) {
          unreadable.add(page);
        }
      }
      assertThat(unreadable)
          .as("%s cut before step %s", kind, cut)
          .containsExactly((int) rig.geometry.pageAt(ROW, 0), (int) rig.geometry.pageAt(ROW, 2));
      // The third page of the row keeps its redundancy.
      strike(rig, FaultKind.POISON, (int) rig.geometry.pageAt(ROW, 1), 5);
      int third = (int) rig.geometry.pageAt(ROW, 1);
      assertThat(rig.read((long) third * PAGE, PAGE)).isEqualTo(content(third));
      rig.deliver();
      assertThat(rig.failures)
          .filteredOn(told -> told.severity() == Severity.HEALED)
          .flatExtracting(DeviceNotice.Failure::ranges)
          .contains(ByteRange.ofLength((long) third * PAGE, PAGE));
    }
  }

  private static void cutDuring(Rig rig, Work work, long step) {
    rig.media.cutPowerBeforeStep(rig.media.stepCount() + step);
    assertThatThrownBy(() -> work.run(rig)).isInstanceOf(SimMedia.PowerCutException.class);
  }

  private static SimMedia survivors(Rig rig, int seed) {
    return switch (seed) {
      case 0 -> rig.media.crash(line -> false);
      case 1 -> rig.media.crash(line -> true);
      default -> rig.media.crash(new SplittableRandom(seed));
    };
  }
}

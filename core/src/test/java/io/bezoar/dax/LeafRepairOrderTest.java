package io.bezoar.dax;

import static io.bezoar.media.Units.LINE_BYTES;
import static io.bezoar.media.Units.PAGE_BYTES;
import static org.assertj.core.api.Assertions.assertThat;

import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import io.bezoar.media.Cause;
import io.bezoar.media.FaultKind;
import io.bezoar.media.FaultSpec;
import io.bezoar.media.PersistFailedException;
import io.bezoar.media.SimMedia;
import io.bezoar.media.SimMedia.PowerCutException;
import io.bezoar.media.SimMedia.Step;
import io.bezoar.media.SimMedia.WriteFault;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.LongPredicate;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Rule 3: whatever happens between any two steps of a recovery write, every line of the device is
 * afterwards either refused, or holds what it should. Exhaustive over the steps.
 */
class LeafRepairOrderTest {
  private static final long SIZE = 16L * PAGE_BYTES;
  private static final PoisonRegion REGION =
      new PoisonRegion(
          ByteRange.ofLength(0, 2L * PAGE_BYTES),
          ByteRange.ofLength(SIZE - 2L * PAGE_BYTES, 2L * PAGE_BYTES));
  private static final ByteRange DATA = new ByteRange(2L * PAGE_BYTES, SIZE - 2L * PAGE_BYTES);
  private static final int UNIT = 512;
  private static final byte OLD = 5;
  private static final byte NEW = 7;

  /** What is bad and what is written over it. */
  record Scenario(String name, List<ByteRange> struck, List<ByteRange> patches) {
    ByteRanges units() {
      return ByteRanges.of(struck).union(ByteRanges.of(patches)).alignOutward(UNIT);
    }

    @Override
    public String toString() {
      return name;
    }
  }

  private static final Scenario ONE_LINE =
      new Scenario("one line", List.of(lines(9216, 1)), List.of(lines(9216, 1)));

  static List<Scenario> scenarios() {
    return List.of(
        ONE_LINE,
        new Scenario("whole page", List.of(lines(12288, 64)), List.of(lines(12288, 64))),
        new Scenario("beside another loss", List.of(lines(8192, 3)), List.of(lines(8256, 1))),
        new Scenario("any alignment", List.of(lines(9216, 1)), List.of(new ByteRange(9192, 11192))),
        new Scenario(
            "scattered",
            List.of(lines(8192, 1), lines(20480, 8), lines(41472, 2)),
            List.of(lines(8192, 1), lines(20480, 8), lines(40960, 64))));
  }

  private SimMedia media = SimMedia.create("unused", SIZE, 0);
  private LeafDevice device = unused();
  private Scenario scenario = ONE_LINE;
  private String context = "";
  private long firstStepOfRepair;

  private static ByteRange lines(long offset, int count) {
    return ByteRange.ofLength(offset, (long) count * LINE_BYTES);
  }

  @ParameterizedTest
  @MethodSource("scenarios")
  void shouldStayPoisonedOrRepairedOverACrashBeforeAnyStep(Scenario given) throws IOException {
    long steps = countSteps(given);
    for (long step = 1; step <= steps + 1; step++) {
      SplittableRandom random = new SplittableRandom(step);
      List<LongPredicate> survivals =
          List.of(
              line -> false,
              line -> true,
              line -> random.nextBoolean(),
              line -> random.nextBoolean(),
              line -> random.nextInt(8) == 0);
      for (int i = 0; i < survivals.size(); i++) {
        prepare(given, "crash before step " + step + " of " + steps + ", survival " + i);
        media.cutPowerBeforeStep(media.stepCount() + step);
        boolean done = step > steps;
        try {
          RecoveryWrite result = device.recoveryWrite(patches());
          assertThat(done).as(context).isTrue();
          assertThat(result.complete()).as(context).isTrue();
        } catch (PowerCutException cut) {
          assertThat(done).as(context).isFalse();
        }
        media = media.crash(survivals.get(i));
        device = open();
        checkEveryLine(ByteRanges.EMPTY);
        if (done) {
          assertThat(device.recoveryWrite(patches()).complete()).isTrue();
          assertThat(contentOf(ByteRanges.of(scenario.patches))).containsOnly(NEW);
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("scenarios")
  void shouldNotDeliverWhatIsStruckBetweenAnyTwoSteps(Scenario given) throws IOException {
    long steps = countSteps(given);
    for (FaultKind kind : List.of(FaultKind.POISON, FaultKind.EIO)) {
      for (long step = 1; step <= steps; step++) {
        for (ByteRange unit : given.units().asList()) {
          for (long at = unit.start(); at < unit.end(); at += strideOf(unit)) {
            ByteRange line = ByteRange.ofLength(at, LINE_BYTES);
            prepare(given, kind + " at " + line + " before step " + step);
            strikeBefore(step, () -> media.injector().inject(FaultSpec.of(kind, line, 1)));
            RecoveryWrite result = device.recoveryWrite(patches());
            checkEveryLine(ByteRanges.of(result.notCleared()));
            checkEveryLineAfterReboot(ByteRanges.of(result.notCleared()));
          }
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("scenarios")
  void shouldKeepWhatIsReportedBetweenAnyTwoSteps(Scenario given) throws IOException {
    long steps = countSteps(given);
    for (long step = 1; step <= steps; step++) {
      for (ByteRange unit : given.units().asList()) {
        for (long at = unit.start(); at < unit.end(); at += strideOf(unit)) {
          ByteRange line = ByteRange.ofLength(at, LINE_BYTES);
          prepare(given, "report of " + line + " before step " + step);
          boolean beforeRepair = step < firstStepOfRepair;
          strikeBefore(step, () -> device.report(line, Cause.PLATFORM, Confidence.EXACT));
          device.recoveryWrite(patches());
          if (!beforeRepair) {
            assertThat(isRefused(line)).as(context).isTrue();
          }
          device.persist();
          checkEveryLineAfterReboot(beforeRepair ? ByteRanges.EMPTY : ByteRanges.of(line));
          if (!beforeRepair) {
            assertThat(isRefused(line)).as(context).isTrue();
          }
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("scenarios")
  void shouldNotTrustAnythingAfterAPersistFailed(Scenario given) throws IOException {
    long steps = countSteps(given);
    for (long step = 1; step <= steps; step++) {
      prepare(given, "persist fails at or after step " + step);
      strikeBefore(step, media::failNextPersist);
      boolean failed = false;
      try {
        device.recoveryWrite(patches());
      } catch (PersistFailedException expected) {
        failed = true;
      }
      assertThat(failed).as(context).isTrue();
      assertThat(device.state()).as(context).isEqualTo(DeviceState.READ_ONLY);
      checkEveryLine(ByteRanges.EMPTY);
      checkEveryLineAfterReboot(ByteRanges.EMPTY);
    }
  }

  @ParameterizedTest
  @MethodSource("scenarios")
  void shouldNoticeThatAStoreDidNotArrive(Scenario given) throws IOException {
    for (WriteFault fault : WriteFault.values()) {
      for (ByteRange unit : given.units().asList()) {
        prepare(given, fault + " of what is stored at " + unit);
        media.onStep(
            (step, range) -> {
              if (step == Step.REINITIALISE && range.overlaps(unit)) {
                media.armNextWrite(unit, fault);
                media.onStep(null);
              }
            });
        RecoveryWrite result = device.recoveryWrite(patches());
        media.dropCache();
        checkEveryLine(ByteRanges.of(result.notCleared()));
        checkEveryLineAfterReboot(ByteRanges.of(result.notCleared()));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("scenarios")
  void shouldNoticeAFlipBehindTheStore(Scenario given) throws IOException {
    long steps = countSteps(given);
    for (ByteRange unit : given.units().asList()) {
      ByteRange line = ByteRange.ofLength(unit.start(), LINE_BYTES);
      prepare(given, "flip in " + line);
      strikeBefore(steps, () -> media.injector().inject(FaultSpec.of(FaultKind.FLIP, line, 1)));
      RecoveryWrite result = device.recoveryWrite(patches());
      boolean reinitialised = ByteRanges.of(given.struck).alignOutward(UNIT).contains(line);
      if (reinitialised) {
        checkEveryLine(ByteRanges.of(result.notCleared()));
      }
    }
  }

  // The device of a scenario.

  private void prepare(Scenario given, String what) throws IOException {
    scenario = given;
    context = given + ": " + what;
    media = SimMedia.create("repair", SIZE, UNIT, 1);
    LeafDevice.format(media, REGION);
    device = open();
    device.write(DATA.start(), filled(DATA.length(), OLD));
    device.persist();
    for (ByteRange range : given.struck) {
      media.injector().inject(FaultSpec.of(FaultKind.POISON, range, 1));
      assertThat(device.recoveryRead(range.start(), filled(range.length(), 0)).holes()).hasSize(1);
    }
  }

  private long countSteps(Scenario given) throws IOException {
    prepare(given, "counting steps");
    long before = media.stepCount();
    firstStepOfRepair = 0;
    media.onStep(
        (step, range) -> {
          if (firstStepOfRepair == 0 && range.overlaps(REGION.first())) {
            firstStepOfRepair = media.stepCount() - before;
          }
        });
    assertThat(device.recoveryWrite(patches()).complete()).isTrue();
    checkEveryLine(ByteRanges.EMPTY);
    assertThat(contentOf(ByteRanges.of(given.patches))).containsOnly(NEW);
    return media.stepCount() - before;
  }

  private List<RecoveryPatch> patches() {
    return scenario.patches.stream()
        .map(range -> new RecoveryPatch(range.start(), filled(range.length(), NEW)))
        .toList();
  }

  private interface Strike {
    void now() throws IOException;
  }

  private void strikeBefore(long step, Strike strike) {
    long target = media.stepCount() + step;
    media.onStep(
        (kind, range) -> {
          if (media.stepCount() == target) {
            strike.now();
          }
        });
  }

  private LeafDevice open() throws IOException {
    return LeafDevice.open(
        media,
        REGION,
        () -> Instant.EPOCH,
        new NoticeDispatcher("repair", () -> Instant.EPOCH, task -> {}));
  }

  private LeafDevice unused() {
    try {
      LeafDevice.format(media, REGION);
      return open();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  // What must hold.

  private void checkEveryLineAfterReboot(ByteRanges doubtful) throws IOException {
    media.onStep(null);
    media = media.crash(new SplittableRandom(1));
    device = open();
    checkEveryLine(doubtful);
  }

  /**
   * Each line is refused, or holds what it should. Refused may be only what was struck and what
   * shares a clear unit with it.
   *
   * @param notStored bytes of which the recovery write said that they are not stored
   */
  private void checkEveryLine(ByteRanges notStored) throws IOException {
    ByteRanges struck = ByteRanges.of(scenario.struck);
    ByteRanges patched = ByteRanges.of(scenario.patches);
    MemorySegment found = filled(DATA.length(), 0);
    RecoveryRead read = device.recoveryRead(DATA.start(), found);
    for (RecoveryRead.Run run : read.runs()) {
      ByteRanges bytes = ByteRanges.of(run.range());
      if (run instanceof RecoveryRead.Hole) {
        assertThat(bytes.minus(scenario.units()).isEmpty())
            .as("%s: %s refused", context, run)
            .isTrue();
      } else {
        assertThat(bytes.intersect(struck).minus(patched).isEmpty())
            .as("%s: lost bytes of %s delivered", context, run)
            .isTrue();
        assertThat(bytes.intersect(struck).intersect(notStored).isEmpty())
            .as("%s: %s delivered, but not stored", context, run)
            .isTrue();
        checkContent(run.range(), struck, patched, found);
      }
    }
  }

  private void checkContent(
      ByteRange run, ByteRanges struck, ByteRanges patched, MemorySegment found) {
    for (long at = run.start(); at < run.end(); at++) {
      byte value = found.get(ValueLayout.JAVA_BYTE, at - DATA.start());
      if (value != OLD || struck.overlaps(ByteRange.ofLength(at, 1))) {
        boolean isNew = value == NEW && patched.overlaps(ByteRange.ofLength(at, 1));
        assertThat(isNew).as("%s: byte %d is %d", context, at, value).isTrue();
      }
    }
  }

  private boolean isRefused(ByteRange line) throws IOException {
    try {
      device.read(line.start(), filled(line.length(), 0));
      return false;
    } catch (PoisonedRangeException refused) {
      return true;
    }
  }

  private byte[] contentOf(ByteRanges ranges) throws IOException {
    List<byte[]> parts = new ArrayList<>();
    for (ByteRange range : ranges.asList()) {
      MemorySegment dst = filled(range.length(), 0);
      device.read(range.start(), dst);
      parts.add(dst.toArray(ValueLayout.JAVA_BYTE));
    }
    byte[] all = new byte[(int) ranges.totalBytes()];
    int at = 0;
    for (byte[] part : parts) {
      System.arraycopy(part, 0, all, at, part.length);
      at += part.length;
    }
    return all;
  }

  /** Some lines of a long run are enough; every line of a single unit is struck. */
  private static long strideOf(ByteRange unit) {
    return unit.length() > UNIT ? 7L * LINE_BYTES : LINE_BYTES;
  }

  private static MemorySegment filled(long length, int value) {
    return Arena.ofAuto().allocate(length).fill((byte) value);
  }
}

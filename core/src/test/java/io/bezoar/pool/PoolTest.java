package io.bezoar.pool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.DeviceState;
import io.bezoar.dax.PoisonedRangeException;
import io.bezoar.dax.Role;
import io.bezoar.dax.Severity;
import io.bezoar.health.Event;
import io.bezoar.health.EventQuery;
import io.bezoar.health.ScrubProgress;
import io.bezoar.health.ScrubRequest;
import io.bezoar.media.Allocation;
import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import io.bezoar.media.FaultKind;
import io.bezoar.media.FaultSpec;
import io.bezoar.media.SimMedia;
import io.bezoar.media.Units;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A pool on a simulation: its life, its history, its drills. */
class PoolTest {
  private static final int PAGE = Units.PAGE_BYTES;
  private static final long SIZE = 4L << 20;
  private static final String PATH = "test.pool";

  private SimDisks disks = new SimDisks();
  private Pool pool;

  @BeforeEach
  void setUp() throws IOException {
    make(Redundancy.ofColumns(8), PoolLabel.Drill.ALLOWED);
    open(PoolOptions.Intent.WORK);
  }

  private void make(Redundancy redundancy, PoolLabel.Drill drill) throws IOException {
    disks = new SimDisks();
    PoolSpec spec = new PoolSpec(SIZE, redundancy, Allocation.SPARSE, drill);
    Pool.create(
        new StackDraft.Device(Path.of(PATH), -1, null),
        spec,
        PoolOptions.of(PoolOptions.Intent.WORK),
        disks);
  }

  private void open(PoolOptions.Intent intent) throws IOException {
    pool = Pool.open(Path.of(PATH), PoolOptions.of(intent), disks);
  }

  private void reopen(PoolOptions.Intent intent) throws IOException {
    pool.close();
    open(intent);
  }

  private SimMedia media() {
    return disks.at(PATH);
  }

  @AfterEach
  void tearDown() throws IOException {
    pool.close();
  }

  private List<Event.Step> steps() {
    return pool.events().query(EventQuery.ALL).events().stream()
        .filter(Event.Lifecycle.class::isInstance)
        .map(event -> ((Event.Lifecycle) event).step())
        .toList();
  }

  private List<Event.Failure> failures() throws IOException {
    pool.settle();
    return pool.events().query(EventQuery.ALL).events().stream()
        .filter(Event.Failure.class::isInstance)
        .map(Event.Failure.class::cast)
        .toList();
  }

  private byte[] fill() throws IOException {
    byte[] model = new byte[(int) pool.volume().sizeBytes()];
    new SplittableRandom(3).nextBytes(model);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment bytes = arena.allocate(model.length);
      MemorySegment.copy(model, 0, bytes, ValueLayout.JAVA_BYTE, 0, model.length);
      pool.volume().write(0, bytes);
      pool.volume().persist();
    }
    return model;
  }

  private static byte[] read(DaxDevice volume, long offset, int length) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment bytes = arena.allocate(length);
      volume.read(offset, bytes);
      return bytes.toArray(ValueLayout.JAVA_BYTE);
    }
  }

  private void scrub() throws InterruptedException {
    pool.scrubber().start(new ScrubRequest(ScrubRequest.Start.FROM_START, 0, null));
    ScrubProgress progress = pool.scrubber().progress();
    while (progress.state().active()) {
      progress = pool.scrubber().awaitChange(progress, Long.MAX_VALUE);
    }
    assertThat(progress.state()).as(progress.detail()).isEqualTo(ScrubProgress.State.FINISHED);
  }

  private StrikePlan strike(StrikeOrder order) throws IOException {
    StrikePlan plan = pool.planStrikes(order);
    for (Strike strike : plan.strikes()) {
      pool.strike(strike);
    }
    return plan;
  }

  private static StrikeOrder order(int count, long seed, StrikeOrder.Rows rows) {
    return new StrikeOrder(Arrays.asList(FaultKind.values()), null, PAGE, count, seed, rows);
  }

  @Test
  void shouldTellItsLife() throws IOException {
    assertThat(steps()).containsExactly(Event.Step.CREATED, Event.Step.OPENED);
    reopen(PoolOptions.Intent.LOOK);
    assertThat(steps()).containsExactly(Event.Step.CREATED, Event.Step.OPENED, Event.Step.CLOSED);
    reopen(PoolOptions.Intent.LOOK);
    assertThat(steps()).hasSize(3);
  }

  @Test
  void shouldTellThatItsLastUserDied() throws IOException {
    byte[] model = fill();
    disks.crash(new SplittableRandom(8));
    open(PoolOptions.Intent.LOOK);
    assertThat(steps()).endsWith(Event.Step.CRASH_RECOVERED);
    assertThat(read(pool.volume(), 0, model.length)).isEqualTo(model);
    reopen(PoolOptions.Intent.LOOK);
    assertThat(steps().stream().filter(Event.Step.CRASH_RECOVERED::equals)).hasSize(1);
  }

  @Test
  void shouldOpenFromEitherLabelAndHealTheOther() throws IOException {
    for (ByteRange copy :
        List.of(pool.label().layout().firstLabel(), pool.label().layout().secondLabel())) {
      for (FaultKind kind : List.of(FaultKind.POISON, FaultKind.FLIP)) {
        pool.close();
        disks
            .reopened(PATH)
            .injector()
            .inject(FaultSpec.of(kind, ByteRange.ofLength(copy.start(), 64), 5));
        open(PoolOptions.Intent.WORK);
        assertThat(steps()).contains(Event.Step.LABEL_HEALED);
        reopen(PoolOptions.Intent.WORK);
        assertThat(LabelStore.read(media()).wrong()).isEmpty();
      }
    }
  }

  @Test
  void shouldHaveAWholeLabelAfterACrashAtEveryStepOfOpeningAndClosing() throws IOException {
    pool.close();
    for (long step = 1; step < 60; step++) {
      SimMedia media = disks.reopened(PATH);
      media.cutPowerBeforeStep(media.stepCount() + step);
      boolean cut = false;
      try {
        open(PoolOptions.Intent.WORK);
        pool.close();
      } catch (SimMedia.PowerCutException | IOException e) {
        cut = true;
      }
      if (cut) {
        disks.crash(new SplittableRandom(step));
      }
      LabelStore.Found found = LabelStore.read(disks.reopened(PATH));
      assertThat(found.label().layout().sizeBytes()).isEqualTo(SIZE);
      open(PoolOptions.Intent.WORK);
      pool.close();
      if (!cut) {
        assertThat(step).isGreaterThan(4);
        break;
      }
    }
    open(PoolOptions.Intent.WORK);
  }

  @Test
  void shouldRepairEveryStrikeInItsOwnRowAndNameIt() throws Exception {
    byte[] model = fill();
    StrikePlan plan = strike(order(40, 11, StrikeOrder.Rows.DISTINCT));
    assertThat(plan.strikes()).hasSize(40);
    scrub();
    assertThat(read(pool.volume(), 0, model.length)).isEqualTo(model);
    List<Event.Failure> failures = failures();
    assertThat(failures).allMatch(failure -> failure.outcome() == Severity.HEALED);
    for (Strike strike : plan.strikes()) {
      assertThat(failures)
          .as(strike.toString())
          .anyMatch(
              failure -> {
                ByteRange struck = failure.media();
                return struck != null && struck.overlaps(strike.media());
              });
    }
    assertThat(pool.status().condition()).isEqualTo(PoolStatus.Condition.HEALTHY);
    assertThat(pool.unhealthy(new ByteRange(0, pool.volume().sizeBytes())))
        .isNotEmpty()
        .allMatch(run -> run.state() == RangeState.State.REPAIRED);
    assertThat(pool.bad()).isEmpty();
  }

  @Test
  void shouldLoseExactlyWhatThePlanSays() throws Exception {
    byte[] model = fill();
    StrikePlan plan = strike(order(60, 12, StrikeOrder.Rows.ANY));
    assertThat(plan.mustBeLost()).isNotEmpty();
    scrub();
    ByteRanges mustBeLost = ByteRanges.of(plan.mustBeLost());
    List<ByteRange> lost = new ArrayList<>();
    for (int at = 0; at < model.length; at += PAGE) {
      try {
        assertThat(read(pool.volume(), at, PAGE))
            .isEqualTo(Arrays.copyOfRange(model, at, at + PAGE));
      } catch (PoisonedRangeException e) {
        lost.add(ByteRange.ofLength(at, PAGE));
      }
    }
    assertThat(ByteRanges.of(lost)).isEqualTo(mustBeLost);
    assertThat(pool.status().condition()).isEqualTo(PoolStatus.Condition.DAMAGED);
    List<ByteRange> told =
        failures().stream()
            .filter(failure -> failure.outcome() == Severity.LOST)
            .map(Event.Failure::volume)
            .filter(java.util.Objects::nonNull)
            .toList();
    assertThat(ByteRanges.of(told)).isEqualTo(mustBeLost);
    acceptLossOf(mustBeLost);
  }

  private void acceptLossOf(ByteRanges mustBeLost) throws IOException {
    LossAccepted accepted = pool.acceptLoss(Fill.PATTERN, null);
    assertThat(ByteRanges.of(accepted.filled())).isEqualTo(mustBeLost);
    assertThat(accepted.notCleared()).isEmpty();
    assertThat(read(pool.volume(), mustBeLost.asList().getFirst().start(), 8))
        .isEqualTo("LOSTLOST".getBytes(java.nio.charset.StandardCharsets.US_ASCII));
    assertThat(pool.status().condition()).isEqualTo(PoolStatus.Condition.HEALTHY);
    assertThat(pool.events().query(EventQuery.ALL).events())
        .anyMatch(
            event ->
                event instanceof Event.Replaced replaced
                    && replaced.how() == Event.Replacement.FILLED);
    assertThat(pool.acceptLoss(Fill.ZERO, null).filled()).isEmpty();
  }

  @Test
  void shouldTellWhenAClientOverwritesLostBytes() throws Exception {
    fill();
    StrikePlan plan = strike(order(60, 12, StrikeOrder.Rows.ANY));
    scrub();
    ByteRange lost = ByteRange.ofLength(plan.mustBeLost().getFirst().start(), PAGE);
    try (Arena arena = Arena.ofConfined()) {
      pool.volume().recoveryWrite(lost.start(), arena.allocate(PAGE));
    }
    assertThat(pool.events().query(EventQuery.ALL).events())
        .anyMatch(
            event ->
                event instanceof Event.Replaced replaced
                    && replaced.how() == Event.Replacement.OVERWRITTEN
                    && replaced.volume().equals(lost));
  }

  @Test
  void shouldHealItsOwnMetadataWhenScrubbing() throws Exception {
    PoolLayout layout = pool.label().layout();
    for (ByteRange range :
        List.of(
            layout.firstLabel(),
            layout.secondLabel(),
            layout.events(),
            layout.firstList(),
            layout.secondList())) {
      media()
          .injector()
          .inject(FaultSpec.of(FaultKind.POISON, ByteRange.ofLength(range.end() - 64, 64), 1));
    }
    scrub();
    assertThat(failures())
        .extracting(Event.Failure::role)
        .contains(Role.LABEL, Role.EVENTS, Role.POISON_LIST);
    assertThat(media().probe(new ByteRange(0, SIZE))).isEmpty();
    assertThat(pool.scrubber().progress().totals().foundRanges()).isPositive();
  }

  @Test
  void shouldFindNothingWrongWithAHealthyPool() throws Exception {
    for (int opened = 0; opened < 3; opened++) {
      fill();
      scrub();
      assertThat(pool.scrubber().progress().totals().foundRanges()).isZero();
      assertThat(failures()).isEmpty();
      reopen(PoolOptions.Intent.WORK);
    }
  }

  @Test
  void shouldSayThatAPersistFailedUntilItIsReopened() throws Exception {
    byte[] model = fill();
    media().failNextPersist();
    assertThatThrownBy(() -> pool.volume().recoveryWrite(0, Arena.ofAuto().allocate(PAGE)))
        .isInstanceOf(IOException.class);
    pool.hear();
    assertThat(pool.status().state()).isEqualTo(DeviceState.READ_ONLY);
    assertThat(pool.status().condition()).isEqualTo(PoolStatus.Condition.DEGRADED);
    assertThat(pool.events().query(EventQuery.ALL).events())
        .anyMatch(
            event ->
                event instanceof Event.StateChange change
                    && change.state() == DeviceState.READ_ONLY);
    assertThat(read(pool.volume(), PAGE, PAGE))
        .isEqualTo(Arrays.copyOfRange(model, PAGE, 2 * PAGE));
    assertThatThrownBy(pool::close).isInstanceOf(IOException.class);
    disks.crash(new SplittableRandom(4));
    open(PoolOptions.Intent.WORK);
    assertThat(steps()).contains(Event.Step.CRASH_RECOVERED);
    scrub();
    assertThat(read(pool.volume(), PAGE, model.length - PAGE))
        .isEqualTo(Arrays.copyOfRange(model, PAGE, model.length));
  }

  @Test
  void shouldRememberWhereAScrubWas() throws Exception {
    scrub();
    assertThat(pool.status().scrubbed().finishedAt()).isNotNull();
    reopen(PoolOptions.Intent.LOOK);
    assertThat(pool.status().scrubbed().finishedAt()).isNotNull();
    assertThat(pool.status().scrubbed().finished().checkedBytes()).isPositive();
  }

  @Test
  void shouldWorkWithoutProtectionToo() throws Exception {
    pool.close();
    make(Redundancy.NONE, PoolLabel.Drill.ALLOWED);
    open(PoolOptions.Intent.WORK);
    byte[] model = fill();
    scrub();
    StrikePlan plan = strike(order(12, 4, StrikeOrder.Rows.DISTINCT));
    assertThat(plan.mustBeLost()).hasSizeBetween(1, 4);
    assertThat(plan.undetectable()).isNotEmpty();
    scrub();
    assertThat(pool.status().condition()).isEqualTo(PoolStatus.Condition.DAMAGED);
    assertThat(ByteRanges.of(plan.mustBeLost()).totalBytes())
        .isEqualTo(pool.status().counters().lostBytes());
    assertThat(failures()).allMatch(failure -> failure.outcome() == Severity.LOST).isNotEmpty();
    ByteRange lost = plan.mustBeLost().getFirst();
    assertThatThrownBy(() -> read(pool.volume(), lost.start(), PAGE))
        .isInstanceOf(PoisonedRangeException.class);
    pool.acceptLoss(Fill.ZERO, null);
    assertThat(read(pool.volume(), lost.start(), PAGE)).containsOnly(0);
    assertThat(model).hasSize((int) pool.volume().sizeBytes());
  }

  @Test
  void shouldRefuseDrillsOnAPoolThatWasNotMadeForThem() throws Exception {
    pool.close();
    make(Redundancy.ofColumns(8), PoolLabel.Drill.FORBIDDEN);
    open(PoolOptions.Intent.WORK);
    assertThatThrownBy(() -> pool.planStrikes(order(1, 1, StrikeOrder.Rows.DISTINCT)))
        .isInstanceOf(DrillForbiddenException.class);
    assertThatThrownBy(
            () ->
                pool.strike(
                    new Strike(FaultKind.FLIP, 0, ByteRange.ofLength(1 << 20, 64), null, 1)))
        .isInstanceOf(DrillForbiddenException.class);
  }
}

package io.bezoar.dax;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bezoar.dax.DeviceNotice.Failure;
import io.bezoar.dax.DeviceNotice.StateChange;
import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import io.bezoar.media.Cause;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.junit.jupiter.api.Test;

class NoticeDispatcherTest {
  private static final ByteRange PAGE = new ByteRange(4096, 8192);

  private final Deque<Runnable> tasks = new ArrayDeque<>();
  private final NoticeDispatcher dispatcher =
      new NoticeDispatcher("dev", () -> Instant.EPOCH, tasks::add);
  private final Recorder holder = new Recorder("holder");

  @Test
  void shouldMergeAStormIntoOneNoticeAndWakeUpOnce() throws Exception {
    dispatcher.claim(holder, List::of);
    for (long page = 0; page < 16_384; page++) {
      lost(ByteRange.ofLength(page * 4096, 4096));
    }
    assertThat(tasks).hasSize(1);
    runTasks();
    assertThat(holder.ranges()).containsExactly(List.of(new ByteRange(0, 64L << 20)));
    assertThat(holder.notices.getFirst().sequence()).isEqualTo(1);
  }

  @Test
  void shouldStayBoundedAndCoverEverythingInAStormOfScatteredErrors() throws Exception {
    dispatcher.claim(holder, List::of);
    SplittableRandom random = new SplittableRandom(1);
    List<ByteRange> all = new ArrayList<>();
    for (int i = 0; i < 200_000; i++) {
      ByteRange range = ByteRange.ofLength(random.nextLong(1L << 40) * 64, 64);
      all.add(range);
      lost(range);
    }
    runTasks();
    List<ByteRange> told = holder.ranges().getFirst();
    assertThat(holder.notices).hasSize(1);
    assertThat(told).hasSizeLessThanOrEqualTo(BoundedRanges.MAX_RANGES);
    assertThat(ByteRanges.of(all).minus(ByteRanges.of(told)).isEmpty()).isTrue();
  }

  @Test
  void shouldRestAfterEachDeliverySoThatAStormGathers() throws Exception {
    Deque<Runnable> later = new ArrayDeque<>();
    NoticeDispatcher paced =
        new NoticeDispatcher("dev", () -> Instant.EPOCH, tasks::add, later::add);
    List<DeviceNotice> told = new ArrayList<>();
    Holder holder =
        new Holder() {
          @Override
          public String holderName() {
            return "storm watcher";
          }

          @Override
          public void onNotice(DeviceNotice notice) {
            told.add(notice);
          }
        };
    try (Claim claim = paced.claim(holder, List::of)) {
      assertThat(claim.sequence()).isZero();
      raiseAt(paced, 0);
      tasks.remove().run();
      assertThat(told).hasSize(1);
      for (int i = 1; i <= 1000; i++) {
        raiseAt(paced, i);
      }
      assertThat(tasks).as("wake-ups while it rests").isEmpty();
      later.remove().run();
      assertThat(told).hasSize(2);
      raiseAt(paced, 2000);
      paced.drain();
      assertThat(told).as("a drain does not wait for the end of a rest").hasSize(3);
      later.remove().run();
      assertThat(later).as("quiet again").isEmpty();
      raiseAt(paced, 3000);
      assertThat(tasks).hasSize(1);
    }
  }

  private static void raiseAt(NoticeDispatcher dispatcher, long page) {
    ByteRange range = ByteRange.ofLength(page * 8192, 4096);
    dispatcher.raise(Severity.LOST, Cause.TRAP, Role.DATA, range, "dev", range);
  }

  @Test
  void shouldKeepKindsApartAndInOrderOfTheirFirst() throws Exception {
    dispatcher.claim(holder, List::of);
    lost(PAGE);
    dispatcher.raise(Severity.HEALED, Cause.CHECKSUM, Role.PARITY, null, "dev", PAGE);
    dispatcher.stateChanged(DeviceState.OFFLINE, List.of(PAGE), "gone");
    lost(PAGE.shift(4096));
    runTasks();
    assertThat(holder.notices)
        .containsExactly(
            failure(1, Severity.LOST, Cause.TRAP, Role.DATA, new ByteRange(4096, 12288)),
            new Failure(
                2,
                Instant.EPOCH,
                Severity.HEALED,
                Cause.CHECKSUM,
                Role.PARITY,
                List.of(),
                "dev",
                List.of(PAGE)),
            new StateChange(3, Instant.EPOCH, DeviceState.OFFLINE, List.of(PAGE), "gone"));
  }

  @Test
  void shouldGiveALateHolderTheListAndThenOnlyGreaterNumbers() throws Exception {
    Recorder observer = new Recorder("observer");
    dispatcher.subscribeAll(observer);
    lost(PAGE);
    Claim claim = dispatcher.claim(holder, NoticeDispatcherTest::listWithPage);
    assertThat(claim.poisonAtClaim()).isEqualTo(listWithPage());
    assertThat(claim.sequence()).isEqualTo(1);
    lost(PAGE.shift(4096));
    runTasks();
    assertThat(observer.sequences()).containsExactly(1L, 2L);
    assertThat(holder.sequences()).containsExactly(2L);
    assertThat(holder.ranges()).containsExactly(List.of(PAGE.shift(4096)));
  }

  @Test
  void shouldHaveOneHolderAtATime() throws Exception {
    Claim claim = dispatcher.claim(holder, List::of);
    Recorder other = new Recorder("other");
    assertThatThrownBy(() -> dispatcher.claim(other, List::of))
        .isInstanceOf(DeviceClaimedException.class)
        .hasMessageContaining("holder");
    claim.close();
    claim.close();
    lost(PAGE);
    dispatcher.claim(other, List::of);
    dispatcher.drain();
    assertThat(holder.notices).isEmpty();
    assertThat(other.notices).isEmpty();
  }

  @Test
  void shouldForgetAClaimWhoseListFailed() throws Exception {
    assertThatThrownBy(
            () ->
                dispatcher.claim(
                    holder,
                    () -> {
                      throw new IllegalStateException("no list");
                    }))
        .isInstanceOf(IllegalStateException.class);
    dispatcher.claim(holder, List::of).close();
  }

  @Test
  void shouldTellTheHolderFirstAndObserversOfTheirRangeOnly() throws Exception {
    List<String> order = new ArrayList<>();
    AutoCloseable near = dispatcher.subscribe(PAGE, new Recorder("near", order));
    dispatcher.subscribe(PAGE.shift(4096), new Recorder("far", order));
    dispatcher.claim(new Recorder("holder", order), List::of);
    lost(new ByteRange(8191, 8192));
    runTasks();
    near.close();
    lost(PAGE);
    dispatcher.stateChanged(DeviceState.OFFLINE, List.of(PAGE), "gone");
    runTasks();
    assertThat(order).containsExactly("holder 1", "near 1", "holder 2", "holder 3", "far 3");
  }

  @Test
  void shouldGoOnWhenAListenerThrowsOrCallsBack() throws Exception {
    Logger logger = Logger.getLogger(NoticeDispatcher.class.getName());
    logger.setLevel(Level.OFF);
    dispatcher.claim(
        new Recorder("holder") {
          @Override
          public void onNotice(DeviceNotice notice) {
            super.onNotice(notice);
            dispatcher.drain();
            if (notices.size() == 1) {
              lost(PAGE);
            }
            throw new IllegalStateException("thrown on purpose by a test");
          }
        },
        List::of);
    Recorder observer = new Recorder("observer");
    dispatcher.subscribeAll(observer);
    lost(PAGE);
    dispatcher.drain();
    logger.setLevel(null);
    assertThat(observer.sequences()).containsExactly(1L, 2L);
  }

  @Test
  void shouldDeliverInOrderAndNothingAfterCloseUnderConcurrency() throws Exception {
    try (ExecutorService pool = Executors.newFixedThreadPool(4)) {
      NoticeDispatcher concurrent = new NoticeDispatcher("dev", () -> Instant.EPOCH, pool);
      Recorder observer = new Recorder("observer");
      concurrent.subscribeAll(observer);
      CountDownLatch done = new CountDownLatch(4);
      for (int thread = 0; thread < 4; thread++) {
        long base = thread * (1L << 30);
        pool.execute(
            () -> {
              for (int i = 0; i < 2_000; i++) {
                ByteRange range = ByteRange.ofLength(base + i * 128L, 64);
                concurrent.raise(Severity.LOST, Cause.TRAP, Role.DATA, range, "dev", range);
              }
              done.countDown();
            });
      }
      for (int i = 0; i < 200; i++) {
        Recorder brief = new Recorder("brief");
        Claim claim = concurrent.claim(brief, List::of);
        concurrent.drain();
        claim.close();
        int told = brief.notices.size();
        assertThat(brief.firstSequence()).isGreaterThan(claim.sequence());
        concurrent.drain();
        assertThat(brief.notices).hasSize(told);
      }
      done.await();
      concurrent.drain();
      assertThat(observer.sequences()).isSorted().doesNotHaveDuplicates();
      assertThat(observer.sequences().getLast()).isEqualTo(concurrent.lastSequence());
      assertThat(ByteRanges.of(observer.ranges().stream().flatMap(List::stream).toList()).count())
          .isLessThanOrEqualTo(8_000);
    }
  }

  private void lost(ByteRange range) {
    dispatcher.raise(Severity.LOST, Cause.TRAP, Role.DATA, range, "dev", range);
  }

  private void runTasks() {
    while (!tasks.isEmpty()) {
      tasks.poll().run();
    }
  }

  private static Failure failure(
      long sequence, Severity severity, Cause cause, Role role, ByteRange range) {
    return new Failure(
        sequence, Instant.EPOCH, severity, cause, role, List.of(range), "dev", List.of(range));
  }

  private static List<PoisonEntry> listWithPage() {
    return List.of(new PoisonEntry(PAGE, Cause.TRAP, Confidence.EXACT, 0, 0, 1, 1));
  }

  private static class Recorder implements Holder {
    final List<DeviceNotice> notices = new ArrayList<>();
    private final String name;
    private final List<String> order;

    Recorder(String name) {
      this(name, new ArrayList<>());
    }

    Recorder(String name, List<String> order) {
      this.name = name;
      this.order = order;
    }

    @Override
    public String holderName() {
      return name;
    }

    @Override
    public void onNotice(DeviceNotice notice) {
      notices.add(notice);
      order.add(name + " " + notice.sequence());
    }

    List<Long> sequences() {
      return notices.stream().map(DeviceNotice::sequence).toList();
    }

    long firstSequence() {
      return notices.isEmpty() ? Long.MAX_VALUE : notices.getFirst().sequence();
    }

    List<List<ByteRange>> ranges() {
      return notices.stream().map(notice -> ((Failure) notice).ranges()).toList();
    }
  }
}

package io.bezoar.health;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bezoar.dax.LeafDevice;
import io.bezoar.dax.NoticeDispatcher;
import io.bezoar.dax.PoisonRegion;
import io.bezoar.dax.Role;
import io.bezoar.dax.Severity;
import io.bezoar.media.ByteRange;
import io.bezoar.media.Cause;
import io.bezoar.media.FaultKind;
import io.bezoar.media.FaultSpec;
import io.bezoar.media.SimMedia;
import io.bezoar.media.Units;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class EventLogTest {
  private static final int PAGE = Units.PAGE_BYTES;
  private static final ByteRange RING = ByteRange.ofLength(4L * PAGE, 4L * PAGE);
  private static final PoisonRegion LISTS =
      new PoisonRegion(ByteRange.ofLength(0, 2L * PAGE), ByteRange.ofLength(12L * PAGE, 2L * PAGE));
  private static final int CAPACITY = 4 * PAGE / EventLayout.RECORD_BYTES;
  private static final long SALT = 42;

  private SimMedia media = SimMedia.create("events", 16L * PAGE, 9);
  private LeafDevice leaf;
  private EventLog log;
  private long nowMillis = 1_000_000;

  @BeforeEach
  void setUp() throws IOException {
    LeafDevice.format(media, LISTS);
    open(0);
  }

  private void open(long atLeast) throws IOException {
    leaf =
        LeafDevice.open(
            media, LISTS, this::now, new NoticeDispatcher("leaf", this::now, task -> {}));
    log = EventLog.open(leaf, RING, SALT, atLeast, this::now);
  }

  private Instant now() {
    return Instant.ofEpochMilli(nowMillis);
  }

  private void reopen() throws IOException {
    leaf.close();
    media = media.reopen();
    open(0);
  }

  private Event append(String detail) {
    return log.append(
        (sequence, at) -> new Event.Lifecycle(sequence, at, Event.Step.DRILL, detail));
  }

  private void appendMany(long count) {
    for (int i = 0; i < count; i++) {
      append("number " + i);
    }
  }

  @Test
  void shouldTellWhatHappenedAfterReopening() throws IOException {
    List<Event> told = List.of(append("a"), append("b"), append("c"));
    assertThat(told).extracting(Event::sequence).containsExactly(1L, 2L, 3L);
    log.close();
    reopen();
    assertThat(log.query(EventQuery.ALL)).isEqualTo(new EventHistory(told, 0));
    assertThat(append("d").sequence()).isEqualTo(4);
  }

  @Test
  void shouldOverwriteTheOldestAndCountThemAsMissed() throws IOException {
    appendMany(CAPACITY + 10);
    log.close();
    reopen();
    EventHistory history = log.query(EventQuery.ALL);
    assertThat(history.missed()).isEqualTo(10);
    assertThat(history.events()).hasSize(CAPACITY);
    assertThat(history.events().getFirst().sequence()).isEqualTo(11);
    assertThat(log.query(new EventQuery(5, Instant.EPOCH, Set.of())).missed()).isEqualTo(5);
    assertThat(log.query(new EventQuery(20, Instant.EPOCH, Set.of())).missed()).isZero();
  }

  @Test
  void shouldFilterByTimeNumberAndOutcome() {
    append("early");
    nowMillis += 5000;
    ByteRange range = new ByteRange(0, 64);
    log.append(
        (sequence, at) ->
            new Event.Failure(sequence, at, Severity.LOST, Cause.TRAP, Role.DATA, 0, range, range));
    Event late = append("late");
    assertThat(log.query(new EventQuery(0, now(), Set.of())).events()).hasSize(2);
    assertThat(log.query(new EventQuery(2, Instant.EPOCH, Set.of())).events())
        .containsExactly(late);
    assertThat(log.query(new EventQuery(0, Instant.EPOCH, Set.of(Severity.LOST))).events())
        .singleElement()
        .isInstanceOf(Event.Failure.class);
    assertThat(log.query(new EventQuery(0, Instant.EPOCH, Set.of(Severity.HEALED))).events())
        .isEmpty();
  }

  @Test
  void shouldBeDurableAfterFlushAndAfterAnyOtherPersist() throws IOException {
    append("flushed");
    log.flush();
    append("persisted by somebody else");
    leaf.persist();
    append("not yet");
    media = media.crash(line -> false);
    open(0);
    assertThat(log.query(EventQuery.ALL).events())
        .extracting(event -> ((Event.Lifecycle) event).detail())
        .containsExactly("flushed", "persisted by somebody else");
  }

  @Test
  void shouldNeverMisreadWhatACrashLeft() throws IOException {
    for (long seed = 1; seed <= 40; seed++) {
      media = SimMedia.create("events", 16L * PAGE, seed);
      LeafDevice.format(media, LISTS);
      open(0);
      SplittableRandom random = new SplittableRandom(seed);
      long durable = random.nextInt(2 * CAPACITY);
      appendMany(durable);
      log.flush();
      int torn = random.nextInt(40);
      appendMany(torn);
      media = media.crash(new SplittableRandom(seed));
      open(durable);
      EventHistory history = log.query(EventQuery.ALL);
      String replay = "seed " + seed;
      assertThat(history.events()).as(replay).allMatch(event -> event.sequence() <= durable + torn);
      assertThat(history.events().size() + history.missed())
          .as(replay)
          .isEqualTo(log.lastSequence());
      assertThat(log.lastSequence()).as(replay).isBetween(durable, durable + torn);
      long overwritten = Math.max(0, durable + torn - CAPACITY);
      for (long sequence = overwritten + 1; sequence <= durable; sequence++) {
        long wanted = sequence;
        assertThat(history.events()).as(replay).anyMatch(event -> event.sequence() == wanted);
      }
      assertThat(append("next").sequence()).as(replay).isGreaterThan(durable);
    }
  }

  @Test
  void shouldCountDamagedRecordsAsMissedAndHealTheirPages() throws IOException {
    appendMany(CAPACITY);
    log.close();
    leaf.close();
    media = media.reopen();
    media
        .injector()
        .inject(FaultSpec.of(FaultKind.POISON, ByteRange.ofLength(RING.start(), 128), 1));
    media
        .injector()
        .inject(FaultSpec.of(FaultKind.FLIP, ByteRange.ofLength(RING.start() + 2L * PAGE, 64), 2));
    open(0);
    EventHistory history = log.query(EventQuery.ALL);
    assertThat(history.missed()).isEqualTo(2);
    assertThat(history.events()).hasSize(CAPACITY - 2);
    log.flush();
    assertThat(leaf.poison(RING)).isEmpty();
    assertThat(media.probe(RING)).isEmpty();
    reopen();
    assertThat(log.query(EventQuery.ALL)).isEqualTo(history);
  }

  @Test
  void shouldRewriteARingThatWentBadWhileOpen() throws IOException {
    appendMany(CAPACITY);
    log.flush();
    assertThat(log.verify(leaf)).isEmpty();
    ByteRange bad = ByteRange.ofLength(RING.start() + PAGE, 64);
    media.injector().inject(FaultSpec.of(FaultKind.POISON, bad, 3));
    media
        .injector()
        .inject(FaultSpec.of(FaultKind.FLIP, ByteRange.ofLength(RING.start() + 3L * PAGE, 64), 4));
    assertThat(log.verify(leaf))
        .containsExactly(
            ByteRange.ofLength(RING.start() + PAGE, PAGE),
            ByteRange.ofLength(RING.start() + 3L * PAGE, PAGE));
    assertThat(log.verify(leaf)).isEmpty();
    log.close();
    reopen();
    assertThat(log.query(EventQuery.ALL).events()).hasSize(CAPACITY);
  }

  @Test
  void shouldAppendOverPoison() throws IOException {
    media
        .injector()
        .inject(FaultSpec.of(FaultKind.POISON, ByteRange.ofLength(RING.start(), PAGE), 3));
    append("over poison");
    log.flush();
    reopen();
    assertThat(log.query(EventQuery.ALL).events()).hasSize(1);
  }

  @Test
  void shouldKeepInMemoryWhatCannotBeStoredAndSaySo() throws IOException {
    media.failNextPersist();
    append("x");
    assertThatThrownBy(log::flush).isInstanceOf(IOException.class);
    assertThat(log.trouble()).isPresent();
    append("y");
    assertThat(log.query(EventQuery.ALL).events()).hasSize(2);
  }

  @Test
  void shouldNotUseANumberTwiceWhenTheNewestAreGone() throws IOException {
    appendMany(3);
    media = media.crash(line -> false);
    open(7);
    assertThat(append("z").sequence()).isEqualTo(8);
    assertThat(log.query(EventQuery.ALL).missed()).isEqualTo(7);
  }

  @Test
  void shouldFollowWithoutAGapAndCountWhatASlowListenerMissed() throws Exception {
    append("before");
    EventLog.Followed followed = log.follow(EventQuery.ALL, 3);
    try (EventSubscription subscription = followed.subscription()) {
      assertThat(followed.history().events()).hasSize(1);
      appendMany(5);
      assertThat(subscription.takeMissed()).isEqualTo(2);
      assertThat(subscription.poll(Duration.ZERO).orElseThrow().sequence()).isEqualTo(4);
      assertThat(subscription.poll(Duration.ZERO)).isPresent();
      assertThat(subscription.poll(Duration.ZERO)).isPresent();
      assertThat(subscription.poll(Duration.ZERO)).isEmpty();
      assertThat(subscription.takeMissed()).isZero();
      log.close();
      assertThat(subscription.isClosed()).isTrue();
      assertThat(subscription.poll(Duration.ofDays(1))).isEmpty();
    }
  }
}

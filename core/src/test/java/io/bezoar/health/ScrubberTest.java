package io.bezoar.health;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bezoar.dax.LeafDevice;
import io.bezoar.dax.NoticeDispatcher;
import io.bezoar.dax.PoisonRegion;
import io.bezoar.health.ScrubProgress.State;
import io.bezoar.media.ByteRange;
import io.bezoar.media.SimMedia;
import io.bezoar.media.Units;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class ScrubberTest {
  private static final int PAGE = Units.PAGE_BYTES;
  private static final long ROW_BYTES = 1 << 20;

  private final FakeSource source = new FakeSource();
  private final MemoryLedger ledger = new MemoryLedger();
  private final FakeClock clock = new FakeClock();
  private final Executor inCaller = Runnable::run;
  private EventLog events;
  private boolean busy;

  @BeforeEach
  void setUp() throws IOException {
    SimMedia media = SimMedia.create("scrub", 32L * PAGE, 1);
    PoisonRegion lists =
        new PoisonRegion(
            ByteRange.ofLength(0, 2L * PAGE), ByteRange.ofLength(30L * PAGE, 2L * PAGE));
    LeafDevice.format(media, lists);
    LeafDevice leaf =
        LeafDevice.open(
            media,
            lists,
            () -> Instant.EPOCH,
            new NoticeDispatcher("leaf", () -> Instant.EPOCH, task -> {}));
    events =
        EventLog.open(leaf, ByteRange.ofLength(4L * PAGE, 8L * PAGE), 1, 0, () -> Instant.EPOCH);
  }

  private Scrubber scrubber() {
    return new Scrubber(
        source, ledger, events, () -> Instant.ofEpochMilli(77), clock, () -> busy, inCaller);
  }

  private List<Event.Phase> phases() {
    return events.query(EventQuery.ALL).events().stream()
        .map(event -> ((Event.Scrub) event).phase())
        .toList();
  }

  @Test
  void shouldCheckEveryRowOnceAndThenTheRest() {
    Scrubber scrubber = scrubber();
    scrubber.start(ScrubRequest.DEFAULT);
    assertThat(source.checked).isEqualTo(rows(0, 100));
    assertThat(source.coverage).isEqualTo(ScrubSource.Coverage.EVERYTHING);
    assertThat(source.ended).isTrue();
    ScrubProgress progress = scrubber.progress();
    assertThat(progress.state()).isEqualTo(State.FINISHED);
    assertThat(progress.doneBytes()).isEqualTo(progress.totalBytes()).isEqualTo(100 * ROW_BYTES);
    assertThat(progress.totals()).isEqualTo(new ScrubTotals(100 * ROW_BYTES + 1, 7, 7, 0, 0));
    assertThat(ledger.record.finishedAt()).isEqualTo(Instant.ofEpochMilli(77));
    assertThat(ledger.record.finished()).isEqualTo(progress.totals());
    assertThat(ledger.record.nextRow()).isZero();
    assertThat(phases()).containsExactly(Event.Phase.STARTED, Event.Phase.FINISHED);
  }

  @Test
  void shouldGoOnWhereItWasStopped() {
    Scrubber first = scrubber();
    source.onChunk = row -> stopAt(first, row, 48);
    first.start(ScrubRequest.DEFAULT);
    assertThat(first.progress().state()).isEqualTo(State.STOPPED);
    assertThat(ledger.record.nextRow()).isEqualTo(64);
    assertThat(ledger.record.finishedAt()).isNull();
    source.onChunk = null;
    Scrubber second = scrubber();
    second.start(ScrubRequest.DEFAULT);
    assertThat(source.checked).isEqualTo(rows(0, 100));
    assertThat(source.coverage).isEqualTo(ScrubSource.Coverage.REST);
    assertThat(second.progress().state()).isEqualTo(State.FINISHED);
    assertThat(second.progress().totals().checkedBytes()).isEqualTo(100 * ROW_BYTES + 1);
    assertThat(phases())
        .containsExactly(
            Event.Phase.STARTED, Event.Phase.STOPPED, Event.Phase.RESUMED, Event.Phase.FINISHED);
  }

  @Test
  void shouldBeginAgainWhenAsked() {
    ledger.record = new ScrubRecord(64, ScrubTotals.NONE, null, ScrubTotals.NONE);
    scrubber().start(new ScrubRequest(ScrubRequest.Start.FROM_START, 0, null));
    assertThat(source.checked).isEqualTo(rows(0, 100));
  }

  @Test
  void shouldCheckOnlyTheRowsOfARange() {
    ledger.record = new ScrubRecord(64, ScrubTotals.NONE, null, ScrubTotals.NONE);
    ScrubRecord before = ledger.record;
    scrubber().start(new ScrubRequest(ScrubRequest.Start.CONTINUE, 0, new ByteRange(10, 20)));
    assertThat(source.checked).isEqualTo(rows(10, 20));
    assertThat(source.coverage).isEqualTo(ScrubSource.Coverage.PART);
    assertThat(ledger.record).isEqualTo(before);
  }

  @Test
  void shouldKeepTheRateByWaiting() {
    scrubber().start(new ScrubRequest(ScrubRequest.Start.FROM_START, 10 * ROW_BYTES, null));
    assertThat(clock.nanos).isBetween(8_000_000_000L, 10_000_000_000L);
  }

  @Test
  void shouldGiveWayToUsersOfTheVolume() {
    source.chunkNanos = 1_000_000;
    scrubber().start(ScrubRequest.DEFAULT);
    long alone = clock.nanos;
    busy = true;
    scrubber().start(ScrubRequest.DEFAULT);
    assertThat(clock.nanos - alone).isGreaterThanOrEqualTo(4 * alone);
  }

  @Test
  void shouldPauseAndGoOn() throws Exception {
    List<Runnable> tasks = new ArrayList<>();
    Scrubber scrubber =
        new Scrubber(source, ledger, events, () -> Instant.EPOCH, clock, () -> busy, tasks::add);
    assertThat(scrubber.pause()).isFalse();
    scrubber.start(ScrubRequest.DEFAULT);
    assertThatThrownBy(() -> scrubber.start(ScrubRequest.DEFAULT))
        .isInstanceOf(ScrubActiveException.class);
    assertThat(scrubber.resume()).isFalse();
    assertThat(scrubber.pause()).isTrue();
    Thread worker = Thread.ofPlatform().start(tasks.getFirst());
    ScrubProgress progress = scrubber.progress();
    while (progress.state() != State.PAUSED) {
      progress = scrubber.awaitChange(progress, Long.MAX_VALUE);
    }
    assertThat(source.checked).isEmpty();
    assertThat(scrubber.resume()).isTrue();
    worker.join();
    assertThat(scrubber.progress().state()).isEqualTo(State.FINISHED);
    assertThat(source.checked).isEqualTo(rows(0, 100));
    assertThat(phases())
        .containsExactly(
            Event.Phase.STARTED, Event.Phase.PAUSED, Event.Phase.RESUMED, Event.Phase.FINISHED);
  }

  @Test
  void shouldSayWhyItFailed() {
    source.onChunk =
        row -> {
          if (row == 32) {
            throw new IOException("gone");
          }
        };
    Scrubber scrubber = scrubber();
    scrubber.start(ScrubRequest.DEFAULT);
    assertThat(scrubber.progress().state()).isEqualTo(State.FAILED);
    assertThat(scrubber.progress().detail()).isEqualTo("gone");
    assertThat(phases()).containsExactly(Event.Phase.STARTED, Event.Phase.FAILED);
  }

  private static void stopAt(Scrubber scrubber, long row, long at) {
    if (row == at) {
      scrubber.stop();
    }
  }

  private static List<Long> rows(long from, long to) {
    List<Long> rows = new ArrayList<>();
    for (long row = from; row < to; row++) {
      rows.add(row);
    }
    return rows;
  }

  private interface OnChunk {
    void at(long row) throws IOException;
  }

  /** 100 rows of 1 MiB; every 16th has something to repair. */
  private final class FakeSource implements ScrubSource {
    final List<Long> checked = new ArrayList<>();
    @Nullable OnChunk onChunk;
    @Nullable Coverage coverage;
    boolean ended;
    long chunkNanos;

    @Override
    public long rowCount() {
      return 100;
    }

    @Override
    public long rowBytes() {
      return ROW_BYTES;
    }

    @Override
    public List<Rows> rowsOf(ByteRange volume) {
      return List.of(new Rows(volume.start(), volume.end()));
    }

    @Override
    public void begin(Coverage wanted) {
      coverage = wanted;
    }

    @Override
    public ScrubTotals check(Rows rows) throws IOException {
      assertThat(rows.count()).isBetween(1L, (long) Scrubber.CHUNK_ROWS);
      OnChunk hook = onChunk;
      if (hook != null) {
        hook.at(rows.first());
      }
      for (long row = rows.first(); row < rows.end(); row++) {
        checked.add(row);
      }
      clock.nanos += chunkNanos;
      return new ScrubTotals(rows.count() * ROW_BYTES, 1, 1, 0, 0);
    }

    @Override
    public ScrubTotals end() {
      ended = true;
      return new ScrubTotals(1, 0, 0, 0, 0);
    }
  }

  private static final class MemoryLedger implements ScrubLedger {
    ScrubRecord record = ScrubRecord.NEVER;

    @Override
    public ScrubRecord load() {
      return record;
    }

    @Override
    public void save(ScrubRecord newRecord) {
      record = newRecord;
    }
  }

  private static final class FakeClock implements Scrubber.Clock {
    long nanos;

    @Override
    public long nanos() {
      return nanos;
    }

    @Override
    public void sleep(long duration) {
      nanos += duration;
    }
  }
}

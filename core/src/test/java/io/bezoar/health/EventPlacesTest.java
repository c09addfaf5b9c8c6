package io.bezoar.health;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bezoar.dax.LeafDevice;
import io.bezoar.dax.NoticeDispatcher;
import io.bezoar.dax.PoisonRegion;
import io.bezoar.media.ByteRange;
import io.bezoar.media.FaultKind;
import io.bezoar.media.FaultSpec;
import io.bezoar.media.Presence;
import io.bezoar.media.SimMedia;
import io.bezoar.media.Units;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** One log in several places. */
class EventPlacesTest {
  private static final int PAGE = Units.PAGE_BYTES;
  private static final InstantSource CLOCK = () -> Instant.ofEpochMilli(1_000_000);
  private static final PoisonRegion LISTS =
      new PoisonRegion(ByteRange.ofLength(0, 2L * PAGE), ByteRange.ofLength(12L * PAGE, 2L * PAGE));
  private static final int PER_PAGE = PAGE / EventLayout.RECORD_BYTES;

  private final List<Disk> disks = new ArrayList<>();
  private EventLog log;

  /** A device with a ring of some pages. */
  private static final class Disk {
    private final ByteRange ring;
    private SimMedia media;
    private LeafDevice leaf;

    Disk(int number, int pages, long seed) throws IOException {
      this.ring = ByteRange.ofLength(4L * PAGE, (long) pages * PAGE);
      this.media = SimMedia.create("disk " + number, 16L * PAGE, seed);
      LeafDevice.format(media, LISTS);
      open();
    }

    void open() throws IOException {
      leaf = LeafDevice.open(media, LISTS, CLOCK, new NoticeDispatcher("leaf", CLOCK, task -> {}));
    }

    void reopen() throws IOException {
      leaf.close();
      media = media.reopen();
      open();
    }

    EventLog.Place place() {
      return new EventLog.Place(leaf, ring);
    }

    byte[] bytes() throws IOException {
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment bytes = arena.allocate(ring.length());
        leaf.recoveryRead(ring.start(), bytes);
        return bytes.toArray(ValueLayout.JAVA_BYTE);
      }
    }
  }

  @BeforeEach
  void setUp() throws IOException {
    make(1, 2, 2, 2);
    log = opened(0, 1, 2);
  }

  private void make(long seed, int... pages) throws IOException {
    disks.clear();
    for (int number = 0; number < pages.length; number++) {
      disks.add(new Disk(number, pages[number], seed + number));
    }
    log = opened(0, 1, 2);
  }

  private void open(int... numbers) throws IOException {
    log = opened(numbers);
  }

  private EventLog opened(int... numbers) throws IOException {
    List<EventLog.Place> places =
        IntStream.of(numbers)
            .filter(number -> number < disks.size())
            .mapToObj(number -> disks.get(number).place())
            .toList();
    return EventLog.open(places, 42, 0, CLOCK);
  }

  private Disk disk(int number) {
    return disks.get(number);
  }

  private void append(long count) {
    for (long i = 0; i < count; i++) {
      log.append(
          (sequence, at) ->
              new Event.Lifecycle(sequence, at, Event.Step.DRILL, "number " + sequence));
    }
  }

  private List<Long> told() {
    return log.query(EventQuery.ALL).events().stream().map(Event::sequence).toList();
  }

  private static List<Long> numbers(long first, long last) {
    return LongStream.rangeClosed(first, last).boxed().toList();
  }

  @Test
  void shouldHoldTheSameInEveryPlace() throws IOException {
    append(2 * PER_PAGE + 9);
    log.close();
    assertThat(disk(1).bytes()).isEqualTo(disk(0).bytes());
    assertThat(disk(2).bytes()).isEqualTo(disk(0).bytes());
    for (int number = 0; number < 3; number++) {
      disk(number).reopen();
      open(number);
      assertThat(told()).isEqualTo(numbers(10, 2 * PER_PAGE + 9));
    }
  }

  @Test
  void shouldGoOnWithoutAPlaceThatIsLostAndBringItUpWhenItReturns() throws IOException {
    append(5);
    log.flush();
    disk(1).media.setPresence(Presence.GONE);
    append(5);
    log.flush();
    assertThat(log.trouble()).isEmpty();
    assertThat(log.troubles())
        .singleElement()
        .extracting(EventLog.Trouble::device)
        .isEqualTo(disk(1).leaf);
    log.removePlace(disk(1).leaf);
    assertThat(log.troubles()).isEmpty();
    append(1);
    disk(1).media = disk(1).media.reopen();
    disk(1).open();
    log.addPlace(disk(1).place());
    append(1);
    log.flush();
    assertThat(log.troubles()).isEmpty();
    assertThat(disk(1).bytes()).isEqualTo(disk(0).bytes());
    disk(1).reopen();
    open(1);
    assertThat(told()).isEqualTo(numbers(1, 12));
  }

  @Test
  void shouldSayThatNothingIsDurableOnlyWhenNoPlaceHasIt() throws IOException {
    append(1);
    disk(0).media.failNextPersist();
    disk(2).media.failNextPersist();
    log.flush();
    assertThat(log.trouble()).isEmpty();
    assertThat(log.troubles())
        .extracting(EventLog.Trouble::device)
        .containsExactly(disk(0).leaf, disk(2).leaf);
    append(1);
    disk(1).media.failNextPersist();
    assertThatThrownBy(() -> log.flush()).isInstanceOf(IOException.class);
    assertThat(log.trouble()).isPresent();
    assertThat(log.troubles()).hasSize(3);
    assertThat(told()).isEqualTo(numbers(1, 2));
    disks.forEach(disk -> log.removePlace(disk.leaf));
    assertThat(log.trouble()).isPresent();
    assertThatThrownBy(() -> log.flush()).hasMessageContaining("no device is there");
  }

  @Test
  void shouldTakeEachRecordFromThePlaceThatHasIt() throws IOException {
    append(2 * PER_PAGE);
    log.close();
    for (int number = 0; number < 3; number++) {
      disk(number).reopen();
      // Each place loses other records: one is unreadable, two are wrong.
      long at = disk(number).ring.start() + 128L * (10L + number);
      FaultKind kind = number == 0 ? FaultKind.POISON : FaultKind.FLIP;
      disk(number).media.injector().inject(FaultSpec.of(kind, ByteRange.ofLength(at, 128), 3));
    }
    open(0, 1, 2);
    assertThat(told()).isEqualTo(numbers(1, 2 * PER_PAGE));
    log.flush();
    assertThat(disk(1).bytes()).isEqualTo(disk(0).bytes());
    assertThat(disk(2).bytes()).isEqualTo(disk(0).bytes());
    assertThat(disk(0).leaf.poison(disk(0).ring)).isEmpty();
    for (Disk disk : disks) {
      assertThat(log.verify(disk.leaf)).isEmpty();
    }
  }

  @Test
  void shouldStoreEverywhereElseWhenOnePlaceCannotBeCleared() throws IOException {
    ByteRange firstPage = ByteRange.ofLength(disk(1).ring.start(), PAGE);
    disk(1).media.injector().inject(new FaultSpec(FaultKind.POISON, firstPage, true, 5));
    append(PER_PAGE + 3);
    log.flush();
    assertThat(log.trouble()).isEmpty();
    assertThat(log.troubles()).hasSize(1);
    assertThat(disk(2).bytes()).isEqualTo(disk(0).bytes());
    // The page that takes no bytes keeps no other from being stored.
    disk(1).reopen();
    open(1);
    assertThat(told()).isEqualTo(numbers(PER_PAGE + 1, PER_PAGE + 3));
  }

  @Test
  void shouldReadWithoutAPlaceThatCannotBeRead() throws IOException {
    append(3);
    log.close();
    disks.forEach(this::reopenQuietly);
    disk(0).media.setPresence(Presence.GONE);
    open(0, 1, 2);
    assertThat(told()).isEqualTo(numbers(1, 3));
    assertThat(log.troubles()).extracting(EventLog.Trouble::device).containsExactly(disk(0).leaf);
    disk(1).media.setPresence(Presence.GONE);
    disk(2).media.setPresence(Presence.GONE);
    assertThatThrownBy(() -> open(0, 1, 2)).isInstanceOf(IOException.class);
  }

  private void reopenQuietly(Disk disk) {
    try {
      disk.reopen();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void shouldKeepTheHistoryWhenTheSmallestPlaceComesAndGoes() throws IOException {
    make(5, 4, 6);
    append(4 * PER_PAGE + 20);
    assertThat(log.capacity()).isEqualTo(4 * PER_PAGE);
    log.close();
    // The smallest place is missing: more room, and nothing that was there is lost by it.
    disk(1).reopen();
    open(1);
    assertThat(log.capacity()).isEqualTo(6 * PER_PAGE);
    assertThat(told()).isEqualTo(numbers(21, 4 * PER_PAGE + 20));
    append(PER_PAGE);
    assertThat(told()).isEqualTo(numbers(21, 5 * PER_PAGE + 20));
    // It is back, and the ring is small again.
    disk(0).reopen();
    log.addPlace(disk(0).place());
    assertThat(log.capacity()).isEqualTo(4 * PER_PAGE);
    assertThat(told()).isEqualTo(numbers(PER_PAGE + 21, 5 * PER_PAGE + 20));
    append(1);
    log.close();
    for (Disk disk : disks) {
      disk.reopen();
      open(disks.indexOf(disk));
      assertThat(told()).isEqualTo(numbers(PER_PAGE + 22, 5 * PER_PAGE + 21));
    }
  }

  @Test
  void shouldLoseNothingDurableInACrashBetweenThePlaces() throws IOException {
    for (long seed = 1; seed <= 60; seed++) {
      SplittableRandom random = new SplittableRandom(seed);
      String replay = "seed " + seed;
      make(10 * seed, 2 + random.nextInt(2), 2 + random.nextInt(2));
      int capacity = log.capacity();
      long durable = random.nextInt(2 * capacity);
      append(durable);
      log.flush();
      // Then power goes while one place is behind the other.
      long torn = random.nextInt(20);
      append(torn);
      if (random.nextBoolean()) {
        disk(random.nextInt(2)).leaf.persist();
      }
      for (Disk disk : disks) {
        disk.media = disk.media.crash(random.split());
        disk.open();
      }
      open(0, 1);
      List<Long> told = told();
      assertThat(told).as(replay).allMatch(number -> number <= durable + torn);
      assertThat(told)
          .as(replay)
          .containsAll(numbers(Math.max(1, durable + torn - capacity + 1), durable));
      append(1);
      log.flush();
      for (Disk disk : disks) {
        assertThat(log.verify(disk.leaf)).as(replay).isEmpty();
      }
    }
  }

  /** Cuts the power before every step of making the ring smaller. */
  @Test
  void shouldAlwaysHaveOneWholePlaceWhileTheRingIsMadeSmaller() throws IOException {
    boolean ended = false;
    long step = 0;
    while (!ended) {
      step++;
      make(100 * step, 4, 3);
      log.close();
      open(0);
      append(4 * PER_PAGE + 7);
      log.flush();
      cutPowerBefore(step);
      try {
        log.addPlace(disk(1).place());
        log.flush();
        ended = true;
      } catch (PowerCut expected) {
        assertThat(step).isLessThan(1000);
      }
      for (Disk disk : disks) {
        disk.media = disk.media.crash(new SplittableRandom(step));
        disk.open();
      }
      open(0, 1);
      assertThat(told())
          .as("cut before step %d, ended: %s", step, ended)
          .containsAll(numbers(PER_PAGE + 8, 4 * PER_PAGE + 7));
    }
    assertThat(step).isGreaterThan(5);
  }

  /** One power supply for all media. */
  private void cutPowerBefore(long step) {
    AtomicLong left = new AtomicLong(step);
    disks.forEach(
        disk ->
            disk.media.onStep(
                (kind, range) -> {
                  if (left.decrementAndGet() <= 0) {
                    throw new PowerCut();
                  }
                }));
  }

  private static final class PowerCut extends RuntimeException {
    private static final long serialVersionUID = 1L;
  }
}

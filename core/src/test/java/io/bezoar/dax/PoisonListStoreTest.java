package io.bezoar.dax;

import static io.bezoar.media.Units.LINE_BYTES;
import static io.bezoar.media.Units.PAGE_BYTES;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bezoar.dax.DeviceNotice.Failure;
import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import io.bezoar.media.Cause;
import io.bezoar.media.FaultKind;
import io.bezoar.media.FaultSpec;
import io.bezoar.media.MediaFaultException;
import io.bezoar.media.MediaOpenException;
import io.bezoar.media.SimMedia;
import io.bezoar.media.SimMedia.PowerCutException;
import io.bezoar.media.SimMedia.WriteFault;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class PoisonListStoreTest {
  private static final long SIZE = 256L * PAGE_BYTES;
  private static final int PAGES = 5;
  private static final PoisonRegion REGION =
      new PoisonRegion(
          ByteRange.ofLength(0, (long) PAGES * PAGE_BYTES),
          ByteRange.ofLength(SIZE - PAGES * PAGE_BYTES, (long) PAGES * PAGE_BYTES));
  private static final ByteRange ALL = new ByteRange(0, SIZE);

  private SimMedia media = SimMedia.create("list", SIZE, 1);
  private final List<Failure> notices = new ArrayList<>();
  private PoisonList list = new PoisonList(SIZE, REGION.entryPages());
  private NoticeDispatcher dispatcher = newDispatcher();
  private PoisonListStore store = new PoisonListStore(media, REGION, dispatcher, new Tally());

  @BeforeEach
  void format() throws IOException {
    PoisonListStore.format(media, REGION);
    load();
  }

  @Test
  void shouldBringBackEveryDetail() throws IOException {
    fill(list, 300, 9);
    assertThat(store.flush(list)).isTrue();
    assertThat(store.flush(list)).as("nothing changed").isFalse();
    List<PoisonEntry> before = list.entries(ALL);
    reboot(0);
    assertThat(list.entries(ALL)).isEqualTo(before);
    assertThat(list.report(new ByteRange(0, 64), Cause.TRAP, Confidence.EXACT, 1))
        .isGreaterThan(before.stream().mapToLong(PoisonEntry::sequence).max().orElseThrow());
    assertThat(notices).isEmpty();
  }

  @Test
  void shouldWriteOnlyThePagesThatChanged() throws IOException {
    fill(list, 300, 9);
    store.flush(list);
    long before = media.stepCount();
    list.report(new ByteRange(0, 64), Cause.TRAP, Confidence.EXACT, 1);
    store.flush(list);
    assertThat(media.stepCount() - before).as("page, header, persist; twice").isEqualTo(6);
    reboot(0);
    before = media.stepCount();
    list.report(new ByteRange(0, 64), Cause.TRAP, Confidence.EXACT, 1);
    store.flush(list);
    assertThat(media.stepCount() - before).as("as well after a reload").isEqualTo(6);
  }

  @Test
  void shouldComeBackWithAllThatWasFlushedFromACrashBeforeAnyStep() throws IOException {
    for (long seed = 0; seed < 12; seed++) {
      for (long step = 1; crashDuringFlush(seed, step, false); step++) {
        assertThat(notices).as("seed %d step %d", seed, step).isEmpty();
      }
    }
  }

  @Test
  void shouldSurviveOneMediaFaultOnTopOfACrash() throws IOException {
    for (long seed = 0; seed < 12; seed++) {
      long step = 1;
      while (crashDuringFlush(seed, step, true)) {
        step++;
      }
    }
  }

  /** Returns false when the flush had no step of this number. */
  private boolean crashDuringFlush(long seed, long step, boolean strike) throws IOException {
    SplittableRandom random = new SplittableRandom(seed * 1_000 + step);
    media = SimMedia.create("list", SIZE, seed);
    format();
    notices.clear();
    fill(list, 250, seed);
    store.flush(list);
    ByteRanges flushed = list.exact(ALL);
    fill(list, 40, seed + 1);
    list.forget(ByteRanges.of(new ByteRange(0, SIZE / 4)), Long.MAX_VALUE);
    ByteRanges kept = flushed.intersect(list.exact(ALL));
    ByteRanges ever = flushed.union(list.exact(ALL));
    media.cutPowerBeforeStep(media.stepCount() + step);
    boolean cut = false;
    try {
      store.flush(list);
    } catch (PowerCutException expected) {
      cut = true;
    }
    media = media.crash(random);
    if (strike) {
      ByteRange copy = random.nextBoolean() ? REGION.first() : REGION.second();
      long at = copy.start() + random.nextLong(copy.length() / 64) * 64;
      media.injector().inject(FaultSpec.of(FaultKind.POISON, ByteRange.ofLength(at, 64), seed));
    }
    load();
    String context = "seed " + seed + " step " + step;
    assertThat(kept.minus(known()).isEmpty()).as(context).isTrue();
    if (!strike) {
      assertThat(list.exact(ALL).minus(ever).isEmpty()).as(context).isTrue();
    }
    reboot(1);
    assertThat(kept.minus(known()).isEmpty()).as(context + ", second boot").isTrue();
    assertThat(notices).as("both copies are good again").isEmpty();
    return cut;
  }

  @Test
  void shouldRebuildADamagedCopyFromTheOther() throws IOException {
    fill(list, 300, 9);
    store.flush(list);
    List<PoisonEntry> before = list.entries(ALL);
    for (FaultKind kind : FaultKind.values()) {
      for (int page = 0; page < PAGES; page++) {
        for (ByteRange copy : List.of(REGION.first(), REGION.second())) {
          notices.clear();
          long at = copy.start() + (long) page * PAGE_BYTES;
          strike(kind, ByteRange.ofLength(at, PAGE_BYTES));
          reboot(0);
          assertThat(list.entries(ALL)).as("%s page %d", kind, page).isEqualTo(before);
          reboot(0);
          assertThat(notices)
              .as("%s page %d: rebuilt, told once", kind, page)
              .hasSizeLessThanOrEqualTo(1)
              .allMatch(n -> n.severity() == Severity.HEALED && n.role() == Role.POISON_LIST);
        }
      }
    }
  }

  @Test
  void shouldFindDamageOfEitherCopyInAScrub() throws IOException {
    fill(list, 300, 9);
    assertThat(store.scrub(list)).isEmpty();
    ByteRange struck = ByteRange.ofLength(REGION.second().start() + PAGE_BYTES, PAGE_BYTES);
    strike(FaultKind.FLIP, struck);
    strike(FaultKind.POISON, ByteRange.ofLength(0, 64));
    assertThat(store.scrub(list)).containsExactly(ByteRange.ofLength(0, PAGE_BYTES), struck);
    assertThat(store.scrub(list)).isEmpty();
    deliver();
    assertThat(notices).extracting(Failure::severity).containsOnly(Severity.HEALED);
  }

  @Test
  void shouldGoOnWithOneCopyWhenTheOtherCannotBeStored() throws IOException {
    ByteRange page = ByteRange.ofLength(REGION.first().start() + PAGE_BYTES, PAGE_BYTES);
    media.injector().inject(new FaultSpec(FaultKind.POISON, page, true, 1));
    for (int i = 0; i < 3; i++) {
      fill(list, 5, i);
      store.flush(list);
    }
    List<PoisonEntry> before = list.entries(ALL);
    deliver();
    assertThat(notices).hasSize(1);
    assertThat(notices.getFirst().severity()).isEqualTo(Severity.DEGRADED);
    reboot(0);
    assertThat(list.entries(ALL)).isEqualTo(before);
    media.injector().disarm(ALL);
    list.report(new ByteRange(0, 64), Cause.TRAP, Confidence.EXACT, 1);
    store.flush(list);
    assertThat(store.scrub(list)).as("stored as soon as it can be").isEmpty();
  }

  @Test
  void shouldFailWhenAPageCanBeStoredInNeitherCopy() throws IOException {
    for (ByteRange copy : List.of(REGION.first(), REGION.second())) {
      media.injector().inject(new FaultSpec(FaultKind.POISON, copy, true, 1));
    }
    fill(list, 5, 1);
    assertThatThrownBy(() -> store.flush(list)).isInstanceOf(MediaFaultException.class);
    assertThatThrownBy(() -> store.flush(list)).isInstanceOf(MediaFaultException.class);
    media.injector().disarm(ALL);
    store.flush(list);
    List<PoisonEntry> before = list.entries(ALL);
    reboot(0);
    assertThat(list.entries(ALL)).isEqualTo(before);
  }

  @Test
  void shouldSuspectEverythingWhenBothCopiesLostThePage() throws IOException {
    fill(list, 300, 9);
    store.flush(list);
    ByteRanges before = list.exact(ALL);
    strike(FaultKind.FLIP, ByteRange.ofLength(REGION.first().start() + PAGE_BYTES, PAGE_BYTES));
    strike(FaultKind.FLIP, ByteRange.ofLength(REGION.second().start() + PAGE_BYTES, PAGE_BYTES));
    reboot(0);
    assertThat(known()).isEqualTo(ByteRanges.of(ALL));
    assertThat(list.exact(ALL).isEmpty()).isFalse();
    assertThat(list.exact(ALL).minus(before).isEmpty()).isTrue();
    assertThat(notices)
        .anyMatch(n -> n.role() == Role.DATA && n.severity() == Severity.DEGRADED)
        .anyMatch(n -> n.role() == Role.POISON_LIST && n.severity() == Severity.LOST);
    reboot(0);
    assertThat(known()).isEqualTo(ByteRanges.of(ALL));
    assertThat(notices).isEmpty();
  }

  @Test
  void shouldJoinWhatTwoCopiesDamagedInDifferentPagesStillSay() throws IOException {
    fill(list, 300, 9);
    store.flush(list);
    ByteRanges before = list.exact(ALL);
    strike(FaultKind.FLIP, ByteRange.ofLength(REGION.first().start() + PAGE_BYTES, PAGE_BYTES));
    strike(FaultKind.POISON, ByteRange.ofLength(REGION.second().start() + 3L * PAGE_BYTES, 64));
    reboot(0);
    assertThat(list.exact(ALL)).isEqualTo(before);
    assertThat(known()).isEqualTo(before);
  }

  @Test
  void shouldSurviveALostWriteOfAnyPage() throws IOException {
    for (int page = 0; page < PAGES; page++) {
      media = SimMedia.create("list", SIZE, page);
      format();
      fill(list, 300, page);
      store.flush(list);
      fill(list, 20, page + 50);
      media.armNextWrite(
          ByteRange.ofLength((long) page * PAGE_BYTES, PAGE_BYTES), WriteFault.DROP_BEHIND_CACHE);
      store.flush(list);
      ByteRanges before = list.exact(ALL);
      reboot(0);
      assertThat(before.minus(known()).isEmpty()).as("page %d", page).isTrue();
    }
  }

  @Test
  void shouldRefuseAListOfANewerVersion() throws IOException {
    MemorySegment page = Arena.ofAuto().allocate(PAGE_BYTES);
    media.read(0, page);
    page.set(ValueLayout.JAVA_INT, 8, PoisonListLayout.VERSION + 1);
    CRC32C crc = new CRC32C();
    crc.update(page.asSlice(0, 56).asByteBuffer());
    crc.update(page.asSlice(60).asByteBuffer());
    page.set(ValueLayout.JAVA_INT, 56, (int) crc.getValue());
    media.write(0, page);
    assertThatThrownBy(this::load)
        .isInstanceOfSatisfying(
            MediaOpenException.class,
            e -> assertThat(e.openReason()).isEqualTo(MediaOpenException.Reason.NEWER_VERSION));
  }

  @Test
  void shouldKeepOnMediaWhatWasWidenedBecauseTheListIsFull() throws IOException {
    for (int i = 0; i < 2_000; i++) {
      list.report(
          ByteRange.ofLength(i * 2L * LINE_BYTES, LINE_BYTES), Cause.TRAP, Confidence.EXACT, 1);
      if (i % 100 == 0) {
        store.flush(list);
      }
    }
    store.flush(list);
    List<PoisonEntry> before = list.entries(ALL);
    assertThat(before).anyMatch(entry -> entry.confidence() == Confidence.SUSPECT);
    assertThat(known().totalBytes()).isGreaterThanOrEqualTo(2_000L * LINE_BYTES);
    reboot(0);
    assertThat(list.entries(ALL)).isEqualTo(before);
  }

  private void strike(FaultKind kind, ByteRange range) throws IOException {
    media.injector().inject(FaultSpec.of(kind, range, 3));
  }

  private void reboot(long seed) throws IOException {
    media = media.crash(new SplittableRandom(seed));
    notices.clear();
    load();
  }

  private void load() throws IOException {
    list = new PoisonList(SIZE, REGION.entryPages());
    dispatcher = newDispatcher();
    store = new PoisonListStore(media, REGION, dispatcher, new Tally());
    store.load(list, 5);
    deliver();
  }

  private NoticeDispatcher newDispatcher() {
    NoticeDispatcher made = new NoticeDispatcher("list", () -> Instant.EPOCH, task -> {});
    made.subscribeAll(
        new Holder() {
          @Override
          public String holderName() {
            return "test";
          }

          @Override
          public void onNotice(DeviceNotice notice) {
            notices.add((Failure) notice);
          }
        });
    return made;
  }

  private void deliver() {
    dispatcher.drain();
  }

  private ByteRanges known() {
    return ByteRanges.of(list.entries(ALL).stream().map(PoisonEntry::range).toList());
  }

  private static void fill(PoisonList list, int count, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    for (int i = 0; i < count; i++) {
      long line = random.nextLong(SIZE / LINE_BYTES);
      list.report(
          ByteRange.ofLength(line * LINE_BYTES, LINE_BYTES),
          Cause.ofCode(1 + random.nextInt(Cause.values().length)),
          Confidence.EXACT,
          1_000 + i);
    }
  }
}

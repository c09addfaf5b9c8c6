package io.bezoar.target;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bezoar.dax.Confidence;
import io.bezoar.dax.DeviceNotice;
import io.bezoar.dax.PoisonedRangeException;
import io.bezoar.dax.RecoveryPatch;
import io.bezoar.dax.RecoveryRead;
import io.bezoar.dax.Role;
import io.bezoar.dax.Severity;
import io.bezoar.media.ByteRange;
import io.bezoar.media.Cause;
import io.bezoar.media.FaultKind;
import io.bezoar.media.FaultSpec;
import io.bezoar.media.SimMedia;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class ProtectedTargetTest {
  private static final int PAGE = Rig.PAGE;
  private static final int COLUMNS = 6;
  private static final long ROWS = 40;

  private static Rig filled(WritePath.WriteMode mode) throws IOException {
    Rig rig = Rig.create(COLUMNS, ROWS, mode, 5, 64);
    for (int page = 0; page < rig.geometry.dataPages(); page++) {
      rig.write((long) page * PAGE, content(page));
    }
    rig.target.persist();
    rig.record();
    return rig;
  }

  private static byte[] content(int page) {
    byte[] bytes = new byte[PAGE];
    new SplittableRandom(page).nextBytes(bytes);
    return bytes;
  }

  private static void assertAllReadable(Rig rig) throws IOException {
    for (int page = 0; page < rig.geometry.dataPages(); page++) {
      assertThat(rig.read((long) page * PAGE, PAGE)).as("page %s", page).isEqualTo(content(page));
    }
  }

  @ParameterizedTest
  @EnumSource(FaultKind.class)
  void shouldHealEveryKindOfFaultOnReadAndTellOnce(FaultKind kind) throws IOException {
    Rig rig = filled(WritePath.WriteMode.DIRECT);
    int page = 77;
    ByteRange volume = ByteRange.ofLength((long) page * PAGE, PAGE);
    ByteRange media = rig.geometry.toChild(volume);
    rig.strike(kind, media.start(), PAGE, 9);
    assertThat(rig.read(volume.start(), PAGE)).isEqualTo(content(page));
    rig.deliver();
    assertThat(rig.failures).hasSize(1);
    DeviceNotice.Failure told = rig.failures.getFirst();
    assertThat(told.severity()).isEqualTo(Severity.HEALED);
    assertThat(told.role()).isEqualTo(Role.DATA);
    assertThat(told.ranges()).containsExactly(volume);
    assertThat(told.media()).containsExactly(media);
    assertThat(rawRead(rig, media)).isEqualTo(content(page));
    rig.assertScrubsClean();
    rig.deliver();
    assertThat(rig.failures).hasSize(1);
  }

  private static byte[] rawRead(Rig rig, ByteRange media) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment raw = arena.allocate(media.length());
      rig.media.readPastCache(media.start(), raw);
      return raw.toArray(java.lang.foreign.ValueLayout.JAVA_BYTE);
    }
  }

  @ParameterizedTest
  @EnumSource(FaultKind.class)
  void shouldFindAndHealEveryKindInParityByScrub(FaultKind kind) throws IOException {
    Rig rig = filled(WritePath.WriteMode.DIRECT);
    long offset = rig.geometry.parityOffset(17);
    rig.strike(kind, offset, PAGE, 9);
    ScrubStep scrubbed = rig.scrubAll();
    assertThat(scrubbed.found()).containsExactly(ByteRange.ofLength(offset, PAGE));
    assertThat(scrubbed.repaired()).isEqualTo(1);
    rig.deliver();
    assertThat(rig.failures)
        .singleElement()
        .satisfies(
            told -> {
              assertThat(told.role()).isEqualTo(Role.PARITY);
              assertThat(told.severity()).isEqualTo(Severity.HEALED);
              assertThat(told.ranges()).isEmpty();
            });
    rig.assertScrubsClean();
    assertAllReadable(rig);
  }

  @ParameterizedTest
  @EnumSource(
      value = FaultKind.class,
      names = {"POISON", "EIO"})
  void shouldRebuildAContiguousRunOfAColumnAnywhere(FaultKind kind) throws IOException {
    SplittableRandom random = new SplittableRandom(4);
    for (int i = 0; i < 6; i++) {
      Rig rig = filled(WritePath.WriteMode.DIRECT);
      ByteRange region = rig.geometry.region();
      long length = ROWS * PAGE;
      long start = region.start() + random.nextLong((region.length() - length) / PAGE) * PAGE;
      rig.strike(kind, start, length, i);
      assertAllReadable(rig);
      rig.scrubAll();
      rig.assertScrubsClean();
      rig.deliver();
      assertThat(rig.failures).allMatch(told -> told.severity() == Severity.HEALED);
    }
  }

  @Test
  void shouldLoseExactlyWhatTwoFaultsInOneRowTake() throws IOException {
    Rig rig = filled(WritePath.WriteMode.DIRECT);
    int first = (int) rig.geometry.pageAt(9, 1);
    int second = (int) rig.geometry.pageAt(9, 3);
    rig.strike(FaultKind.POISON, rig.geometry.childOffsetOfPage(first), PAGE, 1);
    rig.strike(FaultKind.FLIP, rig.geometry.childOffsetOfPage(second), PAGE, 1);
    for (int page = 0; page < rig.geometry.dataPages(); page++) {
      long offset = (long) page * PAGE;
      if (page == first || page == second) {
        assertThatThrownBy(() -> rig.read(offset, PAGE))
            .isInstanceOfSatisfying(
                PoisonedRangeException.class,
                e -> assertThat(e.range()).isEqualTo(ByteRange.ofLength(offset, PAGE)));
      } else {
        assertThat(rig.read(offset, PAGE)).isEqualTo(content(page));
      }
    }
    rig.deliver();
    assertThat(rig.failures.stream().filter(told -> told.severity() == Severity.LOST))
        .flatExtracting(DeviceNotice.Failure::ranges)
        .containsExactlyInAnyOrder(
            ByteRange.ofLength((long) first * PAGE, PAGE),
            ByteRange.ofLength((long) second * PAGE, PAGE));
    assertThat(rig.target.counters().lostBytes()).isEqualTo(2L * PAGE);
    rig.assertScrubsClean();
  }

  @Test
  void shouldBringOutOfLostPagesWhatCanBeRead() throws IOException {
    Rig rig = filled(WritePath.WriteMode.DIRECT);
    long trapped = rig.geometry.pageAt(9, 1) * PAGE;
    long flipped = rig.geometry.pageAt(9, 3) * PAGE;
    rig.strike(
        FaultKind.POISON, rig.geometry.toChild(ByteRange.ofLength(trapped, 64)).start(), 64, 1);
    rig.strike(
        FaultKind.FLIP, rig.geometry.toChild(ByteRange.ofLength(flipped, 64)).start(), 64, 1);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment page = arena.allocate(PAGE);
      assertThat(rig.target.recoveryRead(flipped, page).runs())
          .containsExactly(new RecoveryRead.Unverified(ByteRange.ofLength(flipped, PAGE)));
      byte[] found = page.toArray(java.lang.foreign.ValueLayout.JAVA_BYTE);
      byte[] was = content((int) rig.geometry.pageAt(9, 3));
      assertThat(Arrays.mismatch(found, was)).isBetween(0, 63);
      assertThat(Arrays.equals(found, 64, PAGE, was, 64, PAGE)).isTrue();
      assertThat(rig.target.recoveryRead(trapped, page).holes())
          .extracting(RecoveryRead.Hole::range)
          .containsExactly(ByteRange.ofLength(trapped, 64));
    }
  }

  @Test
  void shouldKeepTheChancesOfTheOthersWhenALostPageIsOverwritten() throws IOException {
    Rig rig = filled(WritePath.WriteMode.DIRECT);
    int first = (int) rig.geometry.pageAt(9, 1);
    int second = (int) rig.geometry.pageAt(9, 3);
    rig.strike(FaultKind.POISON, rig.geometry.childOffsetOfPage(first), PAGE, 1);
    rig.strike(FaultKind.POISON, rig.geometry.childOffsetOfPage(second), PAGE, 1);
    rig.scrubAll();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment bytes = arena.allocate(PAGE).fill((byte) 3);
      assertThat(
              rig.target
                  .recoveryWrite(List.of(new RecoveryPatch((long) first * PAGE, bytes)))
                  .cleared())
          .containsExactly(ByteRange.ofLength((long) first * PAGE, PAGE));
    }
    assertThat(rig.read((long) first * PAGE, PAGE)).containsOnly(3);
    assertThatThrownBy(() -> rig.read((long) second * PAGE, PAGE))
        .isInstanceOf(PoisonedRangeException.class);
    // One more fault in the row, in each of the others in turn: still rebuilt.
    for (int column : new int[] {0, 1, 2, 4}) {
      rig.strike(FaultKind.POISON, rig.geometry.childOffset(9, column), PAGE, column);
      int page = (int) rig.geometry.pageAt(9, column);
      byte[] found = rig.read((long) page * PAGE, PAGE);
      if (column == 1) {
        assertThat(found).containsOnly(3);
      } else {
        assertThat(found).isEqualTo(content(page));
      }
    }
  }

  @Test
  void shouldServeWhatCannotBeClearedAndSaySo() throws IOException {
    Rig rig = filled(WritePath.WriteMode.DIRECT);
    int page = 50;
    long offset = rig.geometry.childOffsetOfPage(page);
    rig.media
        .injector()
        .inject(new FaultSpec(FaultKind.POISON, ByteRange.ofLength(offset, PAGE), true, 1));
    for (int i = 0; i < 3; i++) {
      assertThat(rig.read((long) page * PAGE, PAGE)).isEqualTo(content(page));
    }
    rig.deliver();
    assertThat(rig.failures)
        .singleElement()
        .satisfies(told -> assertThat(told.severity()).isEqualTo(Severity.DEGRADED));
    assertThat(rig.target.counters().degradedBytes()).isEqualTo(PAGE);
    byte[] news = content(12345);
    rig.write((long) page * PAGE, news);
    rig.target.persist();
    assertThat(rig.read((long) page * PAGE, PAGE)).isEqualTo(news);
    rig.target.close();
    rig.reopenOn(rig.media.reopen());
    assertThat(rig.read((long) page * PAGE, PAGE)).isEqualTo(news);
  }

  @ParameterizedTest
  @EnumSource(WritePath.WriteMode.class)
  void shouldNoticeWritesThatNeverArrived(WritePath.WriteMode mode) throws IOException {
    Rig rig = filled(mode);
    int page = 33;
    long offset = rig.geometry.childOffsetOfPage(page);
    byte[] news = content(999);
    rig.media.armNextWrite(ByteRange.ofLength(offset, PAGE), SimMedia.WriteFault.DROP);
    rig.write((long) page * PAGE, news);
    rig.target.persist();
    assertThat(rig.read((long) page * PAGE, PAGE)).isEqualTo(news);
    rig.assertScrubsClean();
  }

  @Test
  void shouldFindByScrubWhatRottedUnderItsCachedCopy() throws IOException {
    Rig rig = filled(WritePath.WriteMode.DIRECT);
    int page = 33;
    long offset = rig.geometry.childOffsetOfPage(page);
    rig.media.armNextWrite(ByteRange.ofLength(offset, PAGE), SimMedia.WriteFault.DROP_BEHIND_CACHE);
    byte[] news = content(999);
    rig.write((long) page * PAGE, news);
    rig.target.persist();
    assertThat(rig.read((long) page * PAGE, PAGE)).isEqualTo(news);
    assertThat(rig.scrubAll().repaired()).isEqualTo(1);
    rig.media.dropCache();
    assertThat(rig.read((long) page * PAGE, PAGE)).isEqualTo(news);
    rig.assertScrubsClean();
  }

  /** A mirror below that cannot tell which copy is right withholds the page; one may be right. */
  @Test
  void shouldStoreAgainByScrubWhatTheChildWithholdsFromReads() throws IOException {
    Rig rig = filled(WritePath.WriteMode.DIRECT);
    for (long offset : new long[] {rig.geometry.childOffset(3, 1), rig.geometry.parityOffset(5)}) {
      rig.child.report(ByteRange.ofLength(offset, PAGE), Cause.CONFLICT, Confidence.EXACT);
    }
    assertThat(rig.scrubAll().repaired()).isEqualTo(2);
    assertThat(rig.child.poison(new ByteRange(0, rig.child.sizeBytes()))).isEmpty();
    for (long row : new long[] {3, 5}) {
      // So that each row stands a fault.
      rig.strike(FaultKind.EIO, rig.geometry.childOffset(row, 2), PAGE, 1);
      for (int column = 0; column < rig.geometry.dataColumns(); column++) {
        long page = rig.geometry.pageAt(row, column);
        assertThat(rig.read(page * PAGE, PAGE)).isEqualTo(content((int) page));
      }
    }
    rig.assertScrubsClean();
  }

  @Test
  void shouldNotBlessStaleDataAndParityThatAgreeAgainstTheChecksums() throws IOException {
    Rig rig = filled(WritePath.WriteMode.DIRECT);
    int page = 33;
    long data = rig.geometry.childOffsetOfPage(page);
    long parity = rig.geometry.parityOffset(rig.geometry.rowOf(page));
    rig.media.armNextWrite(ByteRange.ofLength(data, PAGE), SimMedia.WriteFault.DROP);
    rig.media.armNextWrite(ByteRange.ofLength(parity, PAGE), SimMedia.WriteFault.DROP);
    rig.write((long) page * PAGE, content(999));
    rig.target.persist();
    // Old data and old parity agree with each other, as after a dropped write-back.
    assertThatThrownBy(() -> rig.read((long) page * PAGE, PAGE))
        .isInstanceOf(PoisonedRangeException.class);
  }

  @Test
  void shouldRepairEachCopyOfTheChecksumTable() throws IOException {
    for (FaultKind kind : FaultKind.values()) {
      for (int copy = 0; copy < 2; copy++) {
        Rig rig = filled(WritePath.WriteMode.DIRECT);
        rig.target.close();
        SimMedia media = rig.media.reopen();
        media
            .injector()
            .inject(
                FaultSpec.of(
                    kind, ByteRange.ofLength(rig.geometry.checksumOffset(copy, 0), PAGE), copy));
        rig.reopenOn(media);
        rig.record();
        assertAllReadable(rig);
        rig.scrubAll();
        rig.deliver();
        assertThat(rig.failures)
            .as("%s in copy %s", kind, copy)
            .isNotEmpty()
            .allMatch(told -> told.severity() == Severity.HEALED && told.role() == Role.CHECKSUMS);
        rig.assertScrubsClean();
      }
    }
  }

  @Test
  void shouldStopHealingWhenTooMuchOfItHappens() {
    RepairBudget budget = new RepairBudget(3, () -> java.time.Instant.EPOCH);
    assertThat(List.of(budget.tryTake(), budget.tryTake(), budget.tryTake(), budget.tryTake()))
        .containsExactly(true, true, true, false);
  }

  @Test
  void shouldRefuseToOpenWhatIsNoTarget() throws IOException {
    Rig rig = filled(WritePath.WriteMode.DIRECT);
    rig.target.close();
    SimMedia media = rig.media.reopen();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment zeroes = arena.allocate(PAGE);
      for (int journal = 0; journal < 2; journal++) {
        media.write(rig.geometry.journalStart(journal), zeroes);
      }
    }
    assertThatThrownBy(() -> rig.reopenOn(media)).hasMessageContaining("not a protected target");
  }

  @Test
  void shouldFitFourPercentAtOneGibibyte() {
    Geometry geometry = Geometry.plan(new ByteRange(0, 1L << 30), 32);
    assertThat(geometry.volumeBytes()).isGreaterThan((long) (0.96 * (1L << 30)));
    for (long row : new long[] {0, 1, geometry.rows() - 1}) {
      for (int column = 0; column < 32; column++) {
        long offset = geometry.childOffset(row, column);
        assertThat(geometry.rowOfChild(offset)).isEqualTo(row);
        assertThat(geometry.columnOfChild(offset)).isEqualTo(column);
        assertThat(geometry.roleOf(offset)).isEqualTo(column == 31 ? Role.PARITY : Role.DATA);
      }
    }
  }

  @Test
  void shouldPlanEverySizeOrSayWhyNot() {
    for (int columns : new int[] {2, 3, 32, 256}) {
      for (long pages = 1; pages < 2000; pages += 7) {
        ByteRange region = ByteRange.ofLength(PAGE, pages * PAGE);
        try {
          Geometry geometry = Geometry.plan(region, columns);
          assertThat(geometry.rows()).isPositive();
        } catch (IllegalArgumentException tooSmall) {
          assertThat(tooSmall).hasMessageContaining("too small");
          assertThat(pages).isLessThan(30 + 2L * columns);
        }
      }
    }
  }

  @Test
  void shouldReadUnalignedAcrossColumns() throws IOException {
    Rig rig = filled(WritePath.WriteMode.DIRECT);
    byte[] all = new byte[(int) rig.geometry.volumeBytes()];
    for (int page = 0; page < rig.geometry.dataPages(); page++) {
      System.arraycopy(content(page), 0, all, page * PAGE, PAGE);
    }
    SplittableRandom random = new SplittableRandom(8);
    for (int i = 0; i < 200; i++) {
      int from = random.nextInt(all.length);
      int length = random.nextInt(Math.min(all.length - from, 50_000));
      assertThat(rig.read(from, length)).isEqualTo(Arrays.copyOfRange(all, from, from + length));
    }
  }
}

package io.bezoar.target;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bezoar.dax.DeviceState;
import io.bezoar.dax.DeviceUnavailableException;
import io.bezoar.dax.Severity;
import io.bezoar.media.ByteRange;
import io.bezoar.media.FaultKind;
import io.bezoar.media.FaultSpec;
import io.bezoar.media.MediaFullException;
import io.bezoar.media.SimMedia;
import java.io.IOException;
import java.util.SplittableRandom;
import java.util.function.LongPredicate;
import org.junit.jupiter.api.Test;

/**
 * What a child that fails in the middle leaves behind (a sparse file on a disk that is full, say):
 * whatever was begun is finished by the next open, and nothing that is done meanwhile spoils that.
 */
class HalfDoneWorkTest {
  private static final int PAGE = Rig.PAGE;
  private static final int COLUMNS = 6;
  private static final long ROWS = 40;

  private static Rig filled(WritePath.WriteMode mode, long journalPages) throws IOException {
    Rig rig = Rig.create(COLUMNS, ROWS, mode, 5, journalPages);
    for (int page = 0; page < rig.geometry.dataPages(); page++) {
      rig.write((long) page * PAGE, content(page));
    }
    rig.target.persist();
    rig.target.scrubJournals();
    return rig;
  }

  private static byte[] content(long seed) {
    byte[] bytes = new byte[PAGE];
    new SplittableRandom(seed).nextBytes(bytes);
    return bytes;
  }

  /** No room for writes to a place of the media. */
  private static void refuseWrites(Rig rig, LongPredicate at) {
    rig.media.onStep(
        (step, range) -> {
          if (step == SimMedia.Step.WRITE && at.test(range.start())) {
            throw new MediaFullException("sim", range.length());
          }
        });
  }

  private static void reopen(Rig rig) throws IOException {
    rig.media.onStep(null);
    rig.reopenOn(rig.media.crash(line -> true));
  }

  @Test
  void shouldKeepTheJournalWhenAWriteStoppedBetweenItsRecordAndItsPlace() throws IOException {
    Rig rig = filled(WritePath.WriteMode.DIRECT, 10);
    long row = 7;
    rig.write(0, content(1000));
    rig.write(PAGE, content(1001));
    long parity = rig.geometry.parityOffset(row);
    refuseWrites(rig, at -> at == parity);
    assertThatThrownBy(() -> rig.write(row * PAGE, content(1002)))
        .isInstanceOf(MediaFullException.class);
    rig.media.onStep(null);
    assertThat(rig.target.state()).isEqualTo(DeviceState.READ_ONLY);
    assertThatThrownBy(() -> rig.write(5 * PAGE, content(1003)))
        .isInstanceOf(DeviceUnavailableException.class);
    // To settle these takes the row lock, and would take a checkpoint: the journal is full.
    long struck = rig.geometry.pageAt(20, 2);
    rig.strike(FaultKind.EIO, rig.geometry.childOffsetOfPage(struck), PAGE, 1);
    assertThat(rig.read(struck * PAGE, PAGE)).isEqualTo(content(struck));
    assertThat(rig.read(row * PAGE, PAGE)).isIn(content(row), content(1002));
    reopen(rig);
    long sibling = rig.geometry.pageAt(row, 3);
    rig.strike(FaultKind.EIO, rig.geometry.childOffsetOfPage(sibling), PAGE, 1);
    assertThat(rig.read(sibling * PAGE, PAGE)).isEqualTo(content(sibling));
    assertThat(rig.read(row * PAGE, PAGE)).isEqualTo(content(1002));
    rig.scrubAll();
    rig.assertScrubsClean();
  }

  @Test
  void shouldWriteNothingMoreOnceRecordsOfABatchStandWithoutTheirPlace() throws IOException {
    Rig rig = filled(WritePath.WriteMode.STAGED, 64);
    long row = 7;
    long first = rig.geometry.pageAt(row, 1);
    long second = rig.geometry.pageAt(row, 2);
    rig.write(first * PAGE, content(1001));
    rig.write(second * PAGE, content(1002));
    long journal = rig.geometry.journalStart(0);
    refuseWrites(rig, at -> at == journal + 3L * PAGE);
    assertThatThrownBy(() -> rig.target.persist()).isInstanceOf(MediaFullException.class);
    rig.media.onStep(null);
    assertThat(rig.target.state()).isEqualTo(DeviceState.READ_ONLY);
    assertThatThrownBy(() -> rig.target.persist()).isInstanceOf(IOException.class);
    reopen(rig);
    assertThat(rig.read(first * PAGE, PAGE)).isEqualTo(content(1001));
    assertThat(rig.read(second * PAGE, PAGE)).isEqualTo(content(second));
    rig.assertScrubsClean();
  }

  @Test
  void shouldTryAJournalHeadAgainThatCouldNotBeWritten() throws IOException {
    Rig rig = filled(WritePath.WriteMode.DIRECT, 64);
    rig.write(0, content(1000));
    ByteRange head = ByteRange.ofLength(rig.geometry.journalStart(0), PAGE);
    refuseWrites(rig, head::contains);
    assertThatThrownBy(() -> rig.target.scrubCompleted()).isInstanceOf(MediaFullException.class);
    rig.media.onStep(null);
    rig.target.scrubCompleted();
    rig.write(PAGE, content(1001));
    rig.target.persist();
    rig.write(2 * PAGE, content(1002));
    // Nothing that was not persisted survives: the last page stands in the journal alone.
    rig.reopenOn(rig.media.crash(line -> false));
    assertThat(rig.read(PAGE, PAGE)).isEqualTo(content(1001));
    assertThat(rig.read(2 * PAGE, PAGE)).isEqualTo(content(1002));
    rig.assertScrubsClean();
  }

  @Test
  void shouldNotBringBackWrongParityThatWasHealedAfterARecordWasComputedFromIt()
      throws IOException {
    Rig rig = filled(WritePath.WriteMode.DIRECT, 64);
    long row = 7;
    rig.strike(FaultKind.FLIP, rig.geometry.parityOffset(row), PAGE, 3);
    rig.write(row * PAGE, content(1000));
    assertThat(rig.target.scrubRows(row, 1).repaired()).isEqualTo(1);
    assertThat(rig.target.scrubRows(row, 1).repaired()).isZero();
    reopen(rig);
    rig.assertScrubsClean();
  }

  @Test
  void shouldRebuildChecksumsOfWhichNoCopyCanBeReadFromDataAndParityThatAgree() throws IOException {
    Rig rig = filled(WritePath.WriteMode.DIRECT, 64);
    rig.target.close();
    SimMedia media = rig.media.reopen();
    for (int copy = 0; copy < 2; copy++) {
      ByteRange page = ByteRange.ofLength(rig.geometry.checksumOffset(copy, 0), PAGE);
      media.injector().inject(FaultSpec.of(FaultKind.EIO, page, copy));
    }
    rig.reopenOn(media);
    for (int page = 0; page < rig.geometry.dataPages(); page++) {
      assertThat(rig.read((long) page * PAGE, PAGE)).as("page %s", page).isEqualTo(content(page));
    }
    rig.scrubAll();
    rig.assertScrubsClean();
  }

  @Test
  void shouldClearTheJournalPageThatARecordBeginsOn() throws IOException {
    for (int journal = 0; journal < 2; journal++) {
      Rig rig = filled(WritePath.WriteMode.DIRECT, 64);
      rig.record();
      ByteRange page = ByteRange.ofLength(rig.geometry.journalStart(journal) + PAGE, PAGE);
      rig.strike(FaultKind.EIO, page.start(), PAGE, 1);
      rig.write(0, content(1000));
      rig.deliver();
      assertThat(rig.failures)
          .singleElement()
          .satisfies(
              told -> {
                assertThat(told.severity()).isEqualTo(Severity.HEALED);
                assertThat(told.media()).containsExactly(page);
              });
      rig.assertScrubsClean();
    }
  }
}

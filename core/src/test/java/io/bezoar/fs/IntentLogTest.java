package io.bezoar.fs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bezoar.dax.PoisonedRangeException;
import io.bezoar.media.ByteRange;
import io.bezoar.media.FaultKind;
import io.bezoar.media.FaultSpec;
import io.bezoar.media.PersistFailedException;
import io.bezoar.media.SimMedia;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.LongStream;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What an intent log takes, keeps and gives back, and what it says when it cannot. */
class IntentLogTest {
  private static final int PAGE = IntentRig.PAGE;

  private static IntentRecord record(long includedIn, long inode, int bytes) {
    return IntentRig.record(includedIn, inode, bytes);
  }

  private static void put(IntentLog log, IntentRecord... records) throws IOException {
    log.persist(log.append(List.of(records)));
  }

  private static void strike(IntentRig rig, FaultKind kind, long offset, int bytes)
      throws IOException {
    rig.media
        .injector()
        .inject(FaultSpec.of(kind, ByteRange.ofLength(rig.onMedia(offset), bytes), 9));
  }

  private static long page(int number) {
    return IntentRig.REGION.start() + (long) number * PAGE;
  }

  @ParameterizedTest
  @EnumSource(IntentRig.Below.class)
  void shouldGiveBackWhatWasAppendedInOrder(IntentRig.Below below) throws IOException {
    IntentRig rig = IntentRig.create(below, 1);
    IntentLog log = rig.started();
    byte[] data = new byte[5000];
    data[4999] = 7;
    put(log, IntentRig.record(9, 3, 1, data), record(9, 2, 0));
    put(log, record(10, 3, 64));
    assertThat(log.freeBytes()).isEqualTo(IntentRig.REGION.length() - 3 * 128 - 64 * 79 - 64);
    rig.openOn(rig.media.crash(_ -> false));
    List<IntentRig.Seen> seen = new ArrayList<>();
    IntentReplay replay = rig.replay(8, seen);
    assertThat(replay).isEqualTo(new IntentReplay(2, 0, 1, List.of()));
    assertThat(seen.getFirst().record().inodeGeneration()).isEqualTo(5);
    assertThat(seen.getFirst().record().offset()).isEqualTo(4096);
    assertThat(seen.getFirst().record().sizeAfter()).isEqualTo(9096);
    assertThat(seen.getFirst().record().modifiedNanos()).isEqualTo(77);
    assertThat(seen.getFirst().record().data().mismatch(MemorySegment.ofArray(data))).isEqualTo(-1);
    assertThat(seen.get(1).record().data().byteSize()).isZero();
    assertThat(seen.get(1).sequence()).isEqualTo(seen.getFirst().sequence() + 1);
  }

  @Test
  void shouldReplayOnlyWhatTheCommitLacksAndStandsOn() throws IOException {
    IntentRig rig = IntentRig.create(IntentRig.Below.LEAF, 1);
    put(
        rig.started(),
        IntentRig.record(5, 4, 1, new byte[10]),
        IntentRig.record(6, 4, 2, new byte[10]),
        IntentRig.record(7, 6, 3, new byte[10]));
    assertThat(rig.replay(3, new ArrayList<>())).isEqualTo(new IntentReplay(0, 0, 3, List.of()));
    assertThat(rig.inodes(4)).containsExactly(1L, 2L);
    assertThat(rig.inodes(5)).containsExactly(2L);
    assertThat(rig.inodes(6)).containsExactly(3L);
    assertThat(rig.replay(7, new ArrayList<>())).isEqualTo(new IntentReplay(0, 3, 0, List.of()));
  }

  @Test
  void shouldKnowNoRecordOfAnotherFilesystemOrRegion() throws IOException {
    IntentRig rig = IntentRig.create(IntentRig.Below.LEAF, 1);
    put(rig.started(), record(5, 1, 10));
    IntentLog other = IntentLog.open(rig.device, IntentRig.REGION, IntentRig.ID + 1);
    assertThat(IntentRig.replay(other, 4, new ArrayList<>()))
        .isEqualTo(new IntentReplay(0, 0, 0, List.of()));
  }

  @Test
  void shouldTakeNothingBeforeWhatItHoldsIsInACommit() throws IOException {
    IntentRig rig = IntentRig.create(IntentRig.Below.LEAF, 1);
    put(rig.started(), record(7, 1, 10));
    IntentLog log = rig.open();
    assertThatThrownBy(() -> log.append(List.of(record(9, 2, 10))))
        .isInstanceOf(IllegalStateException.class);
    log.durable(9);
    assertThatThrownBy(() -> log.append(List.of(record(9, 2, 10))))
        .isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> log.restart(6))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("commit 7");
    log.restart(7);
    assertThatThrownBy(() -> log.replay(7, (_, _) -> {})).isInstanceOf(IllegalStateException.class);
    put(log, record(9, 2, 10));
    assertThat(rig.inodes(8)).containsExactly(2L);
  }

  @Test
  void shouldRefuseWhatHasNoRoomAndWriteNothing() throws IOException {
    IntentRig rig = IntentRig.create(IntentRig.Below.LEAF, 1);
    IntentLog log = rig.started();
    put(log, record(5, 1, 40_000));
    long free = log.freeBytes();
    long steps = rig.media.stepCount();
    assertThatThrownBy(() -> log.append(List.of(record(5, 2, 10), record(5, 3, 40_000))))
        .isInstanceOf(IntentLogFullException.class);
    assertThat(rig.media.stepCount()).isEqualTo(steps);
    put(log, record(5, 4, (int) free - 128));
    assertThat(log.freeBytes()).isZero();
    assertThat(rig.inodes(4)).containsExactly(1L, 4L);
    assertThatThrownBy(() -> log.append(List.of(record(5, 5, 0))))
        .isInstanceOf(IntentLogFullException.class);
    log.durable(5);
    put(log, record(6, 6, 0));
    assertThat(rig.inodes(5)).containsExactly(6L);
  }

  @Test
  void shouldStartOverOnlyWhenEveryRecordIsInADurableCommit() throws IOException {
    IntentRig rig = IntentRig.create(IntentRig.Below.LEAF, 1);
    IntentLog log = rig.started();
    put(log, record(6, 1, 100));
    put(log, record(5, 2, 100));
    log.durable(5);
    put(log, record(7, 3, 100));
    assertThat(rig.inodes(5)).containsExactly(1L);
    log.durable(7);
    put(log, record(8, 4, 100));
    // The remains of the old lap are whole, behind the new one, and are no part of it.
    assertThat(rig.inodes(7)).containsExactly(4L);
    assertThat(rig.replay(5, new ArrayList<>())).isEqualTo(new IntentReplay(0, 0, 1, List.of()));
  }

  @Test
  void shouldNotContinueALapWithRecordsOfTheOneBefore() throws IOException {
    IntentRig rig = IntentRig.create(IntentRig.Below.LEAF, 1);
    IntentLog log = rig.started();
    // Records of the same size, so that old ones begin just where the new lap ends.
    for (int i = 0; i < 10; i++) {
      put(log, record(5, i, 4096 - 128));
    }
    log.durable(5);
    for (int i = 20; i < 23; i++) {
      put(log, IntentRig.record(6, 4, i, new byte[4096 - 128]));
    }
    assertThat(rig.inodes(4)).containsExactly(20L, 21L, 22L);
  }

  @Test
  void shouldReplayNothingOldWhenTheFirstPageOfANewLapIsTorn() throws IOException {
    for (int survivor = 0; survivor < 64; survivor++) {
      IntentRig rig = IntentRig.create(IntentRig.Below.LEAF, 1);
      IntentLog log = rig.started();
      for (int i = 0; i < 5; i++) {
        put(log, record(5, i, 3000));
      }
      log.durable(5);
      log.append(List.of(record(6, 20, 3000)));
      long line = rig.onMedia(IntentRig.REGION.start()) + survivor * 64L;
      rig.openOn(rig.media.crash(at -> at == line));
      assertThat(rig.inodes(5)).isEmpty();
    }
  }

  @Test
  void shouldGiveNumbersThatWereNeverSeenEvenAfterTornAppends() throws IOException {
    IntentRig rig = IntentRig.create(IntentRig.Below.LEAF, 1);
    IntentLog log = rig.started();
    put(log, record(5, 1, 3968));
    log.append(List.of(record(5, 2, 3968), record(5, 3, 3968), record(5, 4, 3968)));
    long second = rig.onMedia(page(1));
    rig.openOn(rig.media.crash(at -> at < second || at >= second + PAGE));
    assertThat(rig.inodes(4)).containsExactly(1L);
    log = rig.open();
    log.restart(5);
    put(log, record(6, 10, 3968), record(6, 11, 3968));
    // What survived of the torn append lies right behind.
    assertThat(rig.inodes(5)).containsExactly(10L, 11L);
  }

  /** Writes a record past the log. */
  private static int place(IntentRig rig, long address, IntentLayout.Frame frame, long inode)
      throws IOException {
    MemorySegment image = Arena.ofAuto().allocate(IntentLayout.bytes(100), 64);
    int crc = IntentLayout.encode(image, IntentRig.ID, address, frame, record(5, inode, 100));
    rig.device.write(address, image);
    return crc;
  }

  @Test
  void shouldEndTheLogAtARecordThatDoesNotFollowTheOneBefore() throws IOException {
    for (int wrong = 0; wrong < 2; wrong++) {
      IntentRig rig = IntentRig.create(IntentRig.Below.LEAF, 1);
      int crc = place(rig, page(0), new IntentLayout.Frame(7, 7, 0, 5, 0), 1);
      place(rig, page(0) + 256, new IntentLayout.Frame(7, 8, 0, 5, crc + wrong), 2);
      assertThat(rig.inodes(4)).hasSize(2 - wrong);
    }
  }

  @Test
  void shouldTakeTheNewestLapWhereverItBegan() throws IOException {
    IntentRig rig = IntentRig.create(IntentRig.Below.LEAF, 1);
    place(rig, page(0), new IntentLayout.Frame(7, 7, 0, 5, 0), 1);
    place(rig, page(2), new IntentLayout.Frame(9, 9, 0, 5, 0), 2);
    place(rig, page(4), new IntentLayout.Frame(8, 8, 0, 5, 0), 3);
    assertThat(rig.inodes(4)).containsExactly(2L);
    IntentLog log = rig.open();
    log.restart(5);
    assertThat(log.append(List.of(record(6, 4, 0)))).isEqualTo(10);
  }

  @Test
  void shouldLeaveZeroesBehindTheLastRecord() throws IOException {
    IntentRig rig = IntentRig.create(IntentRig.Below.LEAF, 1);
    IntentLog log = rig.started();
    put(log, record(5, 1, 10_000));
    log.durable(5);
    put(log, record(6, 2, 64));
    MemorySegment behind = Arena.ofAuto().allocate(PAGE - 192, 64);
    rig.device.read(page(0) + 192, behind);
    assertThat(behind.toArray(ValueLayout.JAVA_BYTE)).containsOnly(0);
  }

  @Test
  void shouldTakeNoDataForARecord() throws IOException {
    IntentRig rig = IntentRig.create(IntentRig.Below.LEAF, 1);
    // A record as it would stand at the line where it lies as data of another.
    long inner = IntentRig.REGION.start() + 128;
    byte[] forged = new byte[192];
    IntentLayout.Frame frame = new IntentLayout.Frame(1000, 1000, 0, 99, 0);
    IntentLayout.encode(
        MemorySegment.ofArray(forged), IntentRig.ID, inner, frame, record(99, 666, 64));
    put(rig.started(), IntentRig.record(5, 4, 1, forged));
    assertThat(rig.inodes(4)).containsExactly(1L);
    strike(rig, FaultKind.FLIP, IntentRig.REGION.start(), 8);
    assertThat(rig.inodes(98)).isEmpty();
  }

  @Test
  void shouldSayThatALaterVersionWroteIt() throws IOException {
    IntentRig rig = IntentRig.create(IntentRig.Below.LEAF, 1);
    MemorySegment image = Arena.ofAuto().allocate(256, 64);
    IntentLayout.Frame frame = new IntentLayout.Frame(1, 1, 0, 9, 0);
    IntentLayout.encode(image, IntentRig.ID, page(2), frame, record(9, 1, 100));
    image.set(ValueLayout.JAVA_BYTE, 12, (byte) 2);
    CRC32C crc = new CRC32C();
    crc.update(image.asSlice(0, 8).asByteBuffer());
    crc.update(image.asSlice(12).asByteBuffer());
    image.set(ValueLayout.JAVA_INT_UNALIGNED, 8, (int) crc.getValue());
    rig.device.write(page(2), image);
    assertThatThrownBy(rig::open)
        .isInstanceOf(IntentLogNewerException.class)
        .hasMessageContaining("version 2");
  }

  @Test
  void shouldRefuseRegionsAndRecordsThatAreNone() throws IOException {
    IntentRig rig = IntentRig.create(IntentRig.Below.LEAF, 1);
    for (ByteRange none :
        List.of(
            ByteRange.ofLength(0, 15L * PAGE),
            ByteRange.ofLength(64, 16L * PAGE),
            ByteRange.ofLength(0, 1L << 30))) {
      assertThatThrownBy(() -> IntentLog.open(rig.device, none, 1))
          .isInstanceOf(IllegalArgumentException.class);
    }
    assertThatThrownBy(() -> record(5, 1, (64 << 10) + 1))
        .isInstanceOf(IllegalArgumentException.class);
    MemorySegment one = MemorySegment.ofArray(new byte[1]);
    assertThatThrownBy(() -> new IntentRecord(5, 5, 1, 1, 0, 1, 0, one))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new IntentRecord(5, 4, 1, 1, 1, 1, 0, one))
        .isInstanceOf(IllegalArgumentException.class);
    IntentLog log = rig.started();
    assertThatThrownBy(() -> log.append(List.of())).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> log.persist(1)).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void shouldPersistOnceForAllWhoAppendedBefore() throws Exception {
    IntentRig rig = IntentRig.create(IntentRig.Below.LEAF, 1);
    IntentLog log = rig.started();
    AtomicInteger persists = new AtomicInteger();
    CountDownLatch inside = new CountDownLatch(1);
    CountDownLatch goOn = new CountDownLatch(1);
    rig.media.onStep(
        (step, _) -> {
          if (step == SimMedia.Step.PERSIST && persists.incrementAndGet() == 1) {
            inside.countDown();
            await(goOn);
          }
        });
    long first = log.append(List.of(record(5, 0, 100)));
    List<FutureTask<Void>> all = new ArrayList<>();
    all.add(persisting(log, first));
    inside.await();
    // These come while a persist is under way that may not have them.
    long last = first;
    for (int i = 1; i <= 8; i++) {
      last = log.append(List.of(record(5, i, 100)));
      all.add(persisting(log, last));
    }
    goOn.countDown();
    for (FutureTask<Void> task : all) {
      task.get();
    }
    assertThat(persists.get()).isEqualTo(2);
    log.persist(last);
    assertThat(persists.get()).isEqualTo(2);
    rig.openOn(rig.media.crash(_ -> false));
    assertThat(rig.inodes(4)).containsExactlyElementsOf(LongStream.range(0, 9).boxed().toList());
  }

  private static FutureTask<Void> persisting(IntentLog log, long ticket) {
    FutureTask<Void> task =
        new FutureTask<>(
            () -> {
              log.persist(ticket);
              return null;
            });
    Thread.ofVirtual().start(task);
    return task;
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void shouldTakeConcurrentAppendsOneBehindTheOther() throws Exception {
    IntentRig rig = IntentRig.create(IntentRig.Below.PROTECTED, 1);
    IntentLog log = rig.started();
    List<FutureTask<Void>> all = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      long inode = i * 100L;
      FutureTask<Void> task =
          new FutureTask<>(
              () -> {
                for (int n = 0; n < 20; n++) {
                  put(log, record(5, inode + n, 300));
                }
                return null;
              });
      all.add(task);
      Thread.ofPlatform().start(task);
    }
    for (FutureTask<Void> task : all) {
      task.get();
    }
    rig.openOn(rig.media.crash(_ -> false));
    List<Long> inodes = rig.inodes(4);
    for (long i = 0; i < 4; i++) {
      long from = i * 100;
      assertThat(inodes.stream().filter(n -> n / 100 * 100 == from))
          .containsExactlyElementsOf(LongStream.range(from, from + 20).boxed().toList());
    }
  }

  @Test
  void shouldPassAFailedPersistOnForEver() throws IOException, ExecutionException {
    IntentRig rig = IntentRig.create(IntentRig.Below.LEAF, 1);
    IntentLog log = rig.started();
    long before = log.append(List.of(record(5, 1, 100)));
    log.persist(before);
    long ticket = log.append(List.of(record(5, 2, 100)));
    rig.media.failNextPersist();
    assertThatThrownBy(() -> log.persist(ticket)).isInstanceOf(PersistFailedException.class);
    assertThatThrownBy(() -> log.persist(ticket)).isInstanceOf(PersistFailedException.class);
    log.persist(before);
    assertThatThrownBy(() -> log.append(List.of(record(5, 3, 100))))
        .isInstanceOf(IOException.class);
    assertThatThrownBy(() -> log.append(List.of(record(5, 3, 100))))
        .isInstanceOf(IntentLogUnusableException.class);
    assertThat(log.freeBytes()).isZero();
  }

  @Test
  void shouldClearLostPagesThatItWrites() throws IOException {
    IntentRig rig = IntentRig.create(IntentRig.Below.LEAF, 1);
    IntentLog log = rig.started();
    put(log, record(5, 1, 100));
    // The page of the tail, which holds what was durable, and the next.
    strike(rig, FaultKind.POISON, page(0), 2 * PAGE);
    put(log, record(5, 2, 5000), record(5, 3, 100));
    rig.openOn(rig.media.crash(_ -> false));
    assertThat(rig.inodes(4)).containsExactly(1L, 2L, 3L);
  }

  @Test
  void shouldTakeNothingAfterAStuckPageUntilACommitAndThenGoRoundIt() throws IOException {
    IntentRig rig = IntentRig.create(IntentRig.Below.LEAF, 1);
    IntentLog log = rig.started();
    put(log, record(5, 1, 100));
    ByteRange stuck = ByteRange.ofLength(rig.onMedia(page(1)), PAGE);
    rig.media.injector().inject(new FaultSpec(FaultKind.POISON, stuck, true, 1));
    assertThatThrownBy(() -> log.append(List.of(record(7, 2, 100), record(6, 3, 8000))))
        .isInstanceOf(IntentLogUnusableException.class)
        .hasCauseInstanceOf(PoisonedRangeException.class)
        .hasMessageContaining("after commit 7");
    log.durable(6);
    assertThatThrownBy(() -> log.append(List.of(record(7, 4, 100))))
        .isInstanceOf(IntentLogUnusableException.class);
    log.durable(7);
    put(log, record(8, 5, 3000));
    put(log, record(8, 6, 3000));
    put(log, record(8, 7, 3000));
    assertThat(rig.inodes(7)).containsExactly(5L, 6L, 7L);
    List<IntentRecord> large = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      large.add(record(8, 8, 3000));
    }
    assertThatThrownBy(() -> log.append(large)).isInstanceOf(IntentLogFullException.class);
  }

  @Test
  void shouldSayWhereDurableWritesMayBeMissingAndGoOnBehind() throws IOException {
    IntentRig rig = IntentRig.create(IntentRig.Below.LEAF, 1);
    IntentLog log = rig.started();
    for (int i = 0; i < 8; i++) {
      put(log, record(5, i, 3968));
    }
    strike(rig, FaultKind.POISON, page(2) + 1024, 64);
    List<IntentRig.Seen> seen = new ArrayList<>();
    IntentReplay replay = rig.replay(4, seen);
    assertThat(seen.stream().map(s -> s.record().inode()))
        .containsExactly(0L, 1L, 3L, 4L, 5L, 6L, 7L);
    assertThat(replay.damage())
        .containsExactly(
            new IntentDamage(ByteRange.ofLength(page(2), PAGE), IntentDamage.Kind.LOST, 3, 4));
    // A commit that has them all does not miss any.
    assertThat(rig.replay(5, seen).damage()).isEmpty();
  }

  @Test
  void shouldSayWhatWasChangedWithoutAWordFromTheDevice() throws IOException {
    IntentRig rig = IntentRig.create(IntentRig.Below.LEAF, 1);
    IntentLog log = rig.started();
    for (int i = 0; i < 4; i++) {
      put(log, record(5, i, 3968));
    }
    strike(rig, FaultKind.FLIP, page(1), PAGE);
    List<IntentRig.Seen> seen = new ArrayList<>();
    IntentReplay replay = rig.replay(4, seen);
    assertThat(seen.stream().map(s -> s.record().inode())).containsExactly(0L, 2L, 3L);
    assertThat(replay.damage())
        .containsExactly(
            new IntentDamage(ByteRange.ofLength(page(1), PAGE), IntentDamage.Kind.CHANGED, 2, 3));
  }

  @Test
  void shouldSayThatANewerLapMayBeLost() throws IOException {
    IntentRig rig = IntentRig.create(IntentRig.Below.LEAF, 1);
    IntentLog log = rig.started();
    for (int i = 0; i < 4; i++) {
      put(log, record(5, i, 3968));
    }
    log.durable(5);
    put(log, record(6, 20, 3000));
    for (int line = 0; line < 48; line++) {
      strike(rig, FaultKind.POISON, page(0) + line * 64L, 64);
      List<IntentRig.Seen> seen = new ArrayList<>();
      IntentReplay replay = rig.replay(5, seen);
      assertThat(seen).isEmpty();
      assertThat(replay.damage()).as("line %s", line).hasSize(1);
      rig.media.injector().disarm(ByteRange.ofLength(rig.onMedia(page(0)), PAGE));
      rig.openOn(rig.media.reopen());
    }
  }

  @Test
  void shouldSayThatTheEndOfTheLogMayBeLost() throws IOException {
    IntentRig rig = IntentRig.create(IntentRig.Below.LEAF, 1);
    IntentLog log = rig.started();
    put(log, record(5, 1, 3968));
    put(log, record(5, 2, 3968));
    strike(rig, FaultKind.EIO, page(1) + 64, 64);
    List<IntentRig.Seen> seen = new ArrayList<>();
    assertThat(rig.replay(4, seen).damage().getFirst().nextFound()).isEqualTo(Long.MAX_VALUE);
    assertThat(seen).hasSize(1);
  }

  @Test
  void shouldNotMindLostPagesBehindTheLog() throws IOException {
    IntentRig rig = IntentRig.create(IntentRig.Below.LEAF, 1);
    put(rig.started(), record(5, 1, 1000));
    strike(rig, FaultKind.POISON, page(1), 3 * PAGE);
    assertThat(rig.inodes(4)).containsExactly(1L);
  }
}

package io.bezoar.dax;

import static io.bezoar.media.Units.LINE_BYTES;
import static io.bezoar.media.Units.PAGE_BYTES;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.bezoar.dax.DeviceNotice.Failure;
import io.bezoar.dax.DeviceNotice.StateChange;
import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import io.bezoar.media.Cause;
import io.bezoar.media.PersistFailedException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * What every {@link DaxDevice} keeps to, sentence by sentence. A subclass gives one {@link
 * Fixture}; tests that need what the device says it cannot do are skipped.
 */
public abstract class DaxDeviceContractTest {

  /** A device on media that can be made to fail. */
  public interface Fixture {
    /** The device, open; after {@link #crash} and {@link #reopen} another. */
    DaxDevice device();

    /** Bytes that the tests may use, whole pages, at least 32 of them, not retired, all good. */
    ByteRange usable();

    /** One fault at these bytes: a device with redundancy outlives it, another loses them. */
    void strike(ByteRange range) throws IOException;

    /** So many faults that these bytes (or the whole loss units around them) are lost. */
    void lose(ByteRange range) throws IOException;

    /** As {@link #lose}, and the media cannot be cleared there. */
    void loseForGood(ByteRange range) throws IOException;

    /** The next persist fails. */
    void failNextPersist();

    /** The media is gone. */
    void vanish();

    /** Power cut: nothing that was not made durable survives; then opened again. */
    void crash() throws IOException;

    /** Closed and opened again. */
    void reopen() throws IOException;

    /** Returns when all notices raised so far have been delivered. */
    void deliverNotices();
  }

  /**
   * What a device is able to do.
   *
   * @param heals it survives a single strike
   * @param holdsList it remembers what is bad
   * @param windows it has windows
   * @param lossUnitBytes what a single lost byte takes with it
   */
  public record Abilities(boolean heals, boolean holdsList, boolean windows, int lossUnitBytes) {}

  private Fixture fixture;
  private Abilities abilities;
  private long base;

  /** Opens a fresh device. */
  protected abstract Fixture open() throws IOException;

  /** What {@link #open} gives is able to do. */
  protected abstract Abilities abilities();

  @BeforeEach
  void setUp() throws IOException {
    fixture = open();
    abilities = abilities();
    base = fixture.usable().start();
    assertThat(fixture.usable().length()).isGreaterThanOrEqualTo(32L * PAGE_BYTES);
  }

  @AfterEach
  void tearDown() throws IOException {
    fixture.device().close();
  }

  // Plain accesses.

  @Test
  void shouldReadWhatWasWrittenAtAnyAlignment() throws IOException {
    byte[] model = read(base, 4 * PAGE_BYTES);
    SplittableRandom random = new SplittableRandom(7);
    for (int i = 0; i < 300; i++) {
      int at = random.nextInt(model.length);
      int length = random.nextInt(Math.min(6000, model.length - at));
      byte[] bytes = new byte[length];
      random.nextBytes(bytes);
      System.arraycopy(bytes, 0, model, at, length);
      device().write(base + at, segment(bytes));
      int from = random.nextInt(model.length);
      int to = from + random.nextInt(model.length - from);
      assertThat(read(base + from, to - from)).isEqualTo(Arrays.copyOfRange(model, from, to));
    }
  }

  @Test
  void shouldRefuseWhatLiesOutsideBeforeAnythingHappens() {
    long size = device().sizeBytes();
    assertThat(size).isEqualTo(device().info().sizeBytes());
    ByteRange across = new ByteRange(size - PAGE_BYTES, size + PAGE_BYTES);
    MemorySegment page = filled(2 * PAGE_BYTES, 1);
    List<ThrowingCallable> accesses =
        List.of(
            () -> device().read(across.start(), page),
            () -> device().read(-1, page),
            () -> device().write(across.start(), page),
            () -> device().window(across),
            () -> device().recoveryRead(across.start(), page),
            () -> device().recoveryWrite(across.start(), page),
            () -> device().release(across),
            () -> device().poison(across),
            () -> device().report(across, Cause.CHECKSUM, Confidence.EXACT),
            () -> device().failureDomain(size));
    for (ThrowingCallable access : accesses) {
      assertThatThrownBy(access).isInstanceOf(IndexOutOfBoundsException.class);
    }
    assertThat(page.toArray(ValueLayout.JAVA_BYTE)).containsOnly(1);
    assertThat(knownBad()).isEqualTo(ByteRanges.EMPTY);
  }

  @Test
  void shouldRefuseHeapMemory() {
    MemorySegment heap = MemorySegment.ofArray(new byte[64]);
    assertThatThrownBy(() -> device().read(base, heap))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> device().write(base, heap))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void shouldTouchNothingForNoBytes() throws IOException {
    fixture.lose(page(0));
    MemorySegment none = MemorySegment.NULL;
    device().read(base, none);
    device().write(base, none);
    assertThat(device().recoveryRead(base, none).runs()).isEmpty();
    assertThat(device().recoveryWrite(base, none).complete()).isTrue();
    assertThat(device().recoveryWrite(List.of()).complete()).isTrue();
  }

  @Test
  void shouldKeepWhatWasPersistedOverACrash() throws IOException {
    device().write(base + 100, filled(3 * PAGE_BYTES, 1));
    device().persist();
    fixture.crash();
    assertThat(read(base + 100, 3 * PAGE_BYTES)).containsOnly(1);
  }

  @Test
  void shouldKeepEverythingOverACleanCloseWithoutPersist() throws IOException {
    device().write(base, filled(PAGE_BYTES, 1));
    fixture.reopen();
    assertThat(read(base, PAGE_BYTES)).containsOnly(1);
  }

  @Test
  void shouldCloseTwiceAndThenRefuseEverything() throws IOException {
    device().close();
    device().close();
    assertThat(device().state()).isEqualTo(DeviceState.OFFLINE);
    assertThatThrownBy(() -> read(base, 1)).isInstanceOf(DeviceUnavailableException.class);
    assertThatThrownBy(() -> device().write(base, filled(1, 1)))
        .isInstanceOf(DeviceUnavailableException.class);
  }

  // One strike.

  @Test
  void shouldDeliverRightBytesOrRefuseAfterAStrike() throws IOException {
    device().write(base, filled(4 * PAGE_BYTES, 5));
    fixture.strike(lines(page(1).start() + 512, 3));
    if (abilities.heals()) {
      assertThat(read(base, 4 * PAGE_BYTES)).containsOnly(5);
      assertThat(read(base, 4 * PAGE_BYTES)).containsOnly(5);
      assertThat(device().recoveryRead(base, filled(4 * PAGE_BYTES, 0)).holes()).isEmpty();
      assertThat(device().counters().repairedBytes()).isPositive();
    } else {
      assertThatThrownBy(() -> read(base, 4 * PAGE_BYTES))
          .isInstanceOf(PoisonedRangeException.class);
    }
    assertThat(device().counters().readFaults()).isPositive();
    assertThat(device().state()).isEqualTo(DeviceState.ONLINE);
  }

  @Test
  void shouldOverwriteWholePagesAfterAStrikeOrRefuse() throws IOException {
    fixture.strike(lines(page(1).start() + 512, 3));
    if (abilities.heals()) {
      device().write(base, filled(4 * PAGE_BYTES, 6));
      device().persist();
      assertThat(read(base, 4 * PAGE_BYTES)).containsOnly(6);
    } else {
      assertThatThrownBy(() -> device().write(base, filled(4 * PAGE_BYTES, 6)))
          .isInstanceOf(PoisonedRangeException.class);
    }
  }

  // Lost bytes.

  @Test
  void shouldDeliverTheExactPrefixAndThenName() throws IOException {
    device().write(base, filled(4 * PAGE_BYTES, 5));
    device().persist();
    ByteRange lost = lossOf(lines(page(2).start() + 1024, 2));
    fixture.lose(lost);
    long offset = page(1).start() + 10;
    MemorySegment dst = filled(2 * PAGE_BYTES, 9);
    for (int i = 0; i < 2; i++) {
      assertThatThrownBy(() -> device().read(offset, dst))
          .isInstanceOfSatisfying(
              PoisonedRangeException.class,
              e -> {
                assertThat(e.goodPrefixBytes()).isEqualTo(lost.start() - offset);
                assertThat(lost.contains(e.range()) && !e.range().isEmpty())
                    .as("%s in %s", e.range(), lost)
                    .isTrue();
              });
      byte[] good = dst.asSlice(0, lost.start() - offset).toArray(ValueLayout.JAVA_BYTE);
      assertThat(good).containsOnly(5);
    }
    assertThat(read(offset, (int) (lost.start() - offset))).containsOnly(5);
    assertThat(read(lost.end(), (int) (page(4).start() - lost.end()))).containsOnly(5);
  }

  @Test
  void shouldRefuseToWriteOverKnownLossAndStoreNothing() throws IOException {
    assumeThat(abilities.holdsList()).as("remembers").isTrue();
    device().write(base, filled(4 * PAGE_BYTES, 5));
    ByteRange lost = loseKnown(lines(page(2).start() + 1024, 1));
    assertThatThrownBy(() -> device().write(base, filled(4 * PAGE_BYTES, 6)))
        .isInstanceOf(PoisonedRangeException.class)
        .hasMessageContaining("recovery write");
    assertThatThrownBy(() -> device().write(lost.start(), filled((int) lost.length(), 6)))
        .isInstanceOf(PoisonedRangeException.class);
    assertThat(read(base, (int) (lost.start() - base))).containsOnly(5);
    assertThat(read(lost.end(), (int) (page(4).start() - lost.end()))).containsOnly(5);
    device().write(lost.end(), filled(64, 7));
  }

  @Test
  void shouldBringOutEverythingReadableAndNameTheHoles() throws IOException {
    device().write(base, filled(6 * PAGE_BYTES, 5));
    device().persist();
    ByteRange first = lossOf(lines(page(1).start() + 64, 1));
    ByteRange second = lossOf(lines(page(3).start() + 512, 8));
    fixture.lose(first);
    fixture.lose(second);
    for (int i = 0; i < 2; i++) {
      ByteRange request = new ByteRange(base + 7, page(6).start() - 7);
      MemorySegment dst = filled((int) request.length(), 9);
      RecoveryRead result = device().recoveryRead(request.start(), dst);
      assertThat(ByteRanges.of(result.holes().stream().map(RecoveryRead.Hole::range).toList()))
          .isEqualTo(ByteRanges.of(first, second));
      assertRunsCover(result, request);
      for (RecoveryRead.Run run : result.runs()) {
        ByteRange in = run.range().shift(-request.start());
        byte[] bytes = dst.asSlice(in.start(), in.length()).toArray(ValueLayout.JAVA_BYTE);
        assertThat(bytes).containsOnly(run instanceof RecoveryRead.Hole ? 0 : 5);
      }
    }
  }

  @Test
  void shouldReadHealthyBytesByRecoveryAsByRead() throws IOException {
    device().write(base, filled(3 * PAGE_BYTES, 5));
    ByteRange request = ByteRange.ofLength(base + 3, 2 * PAGE_BYTES);
    MemorySegment dst = filled(2 * PAGE_BYTES, 0);
    RecoveryRead result = device().recoveryRead(request.start(), dst);
    assertThat(dst.toArray(ValueLayout.JAVA_BYTE)).containsOnly(5);
    assertThat(result.runs())
        .containsExactly(
            device().info().verified()
                ? new RecoveryRead.Verified(request)
                : new RecoveryRead.Unverified(request));
  }

  @Test
  void shouldClearStoreVerifyAndForgetInARecoveryWrite() throws IOException {
    device().write(base, filled(4 * PAGE_BYTES, 5));
    ByteRange lost = loseKnown(lines(page(1).start() + 512, 1));
    RecoveryWrite result = device().recoveryWrite(lost.start(), filled((int) lost.length(), 7));
    assertThat(result.complete()).isTrue();
    assertThat(result.stillLost()).isEmpty();
    if (abilities.holdsList()) {
      assertThat(ByteRanges.of(result.cleared())).isEqualTo(ByteRanges.of(lost));
    }
    assertThat(knownBad().overlaps(lost)).isFalse();
    byte[] expected = new byte[4 * PAGE_BYTES];
    Arrays.fill(expected, (byte) 5);
    Arrays.fill(expected, (int) (lost.start() - base), (int) (lost.end() - base), (byte) 7);
    assertThat(read(base, 4 * PAGE_BYTES)).isEqualTo(expected);
    device().write(lost.start(), filled((int) lost.length(), 8));
    assertThat(read(lost.start(), (int) lost.length())).containsOnly(8);
    assertThat(device().counters().lostBytes()).isZero();
  }

  @Test
  void shouldMakeARecoveryWriteDurable() throws IOException {
    device().write(base, filled(4 * PAGE_BYTES, 5));
    device().persist();
    ByteRange lost = loseKnown(page(1));
    assertThat(device().recoveryWrite(lost.start(), filled((int) lost.length(), 7)).complete())
        .isTrue();
    assertThat(device().recoveryWrite(page(3).start() + 5, filled(100, 8)).complete()).isTrue();
    device().persist();
    fixture.crash();
    assertThat(read(lost.start(), (int) lost.length())).containsOnly(7);
    assertThat(read(page(3).start() + 5, 100)).containsOnly(8);
    assertThat(knownBad()).isEqualTo(ByteRanges.EMPTY);
  }

  @Test
  void shouldWriteHealthyBytesDurablyByRecoveryWriteAtAnyAlignment() throws IOException {
    device().write(base, filled(2 * PAGE_BYTES, 5));
    device().persist();
    RecoveryWrite result = device().recoveryWrite(base + 1000, filled(5000, 6));
    assertThat(result).isEqualTo(new RecoveryWrite(List.of(), List.of(), List.of()));
    fixture.crash();
    assertThat(read(base + 1000, 5000)).containsOnly(6);
    assertThat(read(base, 1000)).containsOnly(5);
    assertThat(read(base + 6000, 2 * PAGE_BYTES - 6000)).containsOnly(5);
  }

  @Test
  void shouldStoreUnalignedPatchesAcrossALoss() throws IOException {
    device().write(base, filled(8 * PAGE_BYTES, 5));
    ByteRange lost = loseKnown(page(2));
    long offset = lost.start() - 777;
    int length = (int) lost.length() + 2 * 777;
    assertThat(device().recoveryWrite(offset, filled(length, 6)).complete()).isTrue();
    assertThat(read(offset, length)).containsOnly(6);
    assertThat(read(base, (int) (offset - base))).containsOnly(5);
    assertThat(read(offset + length, PAGE_BYTES)).containsOnly(5);
  }

  @Test
  void shouldStoreManyPatchesAndRefuseOverlappingOnes() throws IOException {
    device().write(base, filled(16 * PAGE_BYTES, 5));
    ByteRange first = loseKnown(page(2));
    ByteRange second = loseKnown(lines(page(9).start() + 2048, 4));
    MemorySegment firstBytes = filled((int) first.length(), 1);
    MemorySegment secondBytes = filled((int) second.length(), 2);
    assertThatThrownBy(
            () ->
                device()
                    .recoveryWrite(
                        List.of(
                            new RecoveryPatch(second.start(), secondBytes),
                            new RecoveryPatch(first.start(), firstBytes),
                            new RecoveryPatch(second.end() - 1, filled(2, 3)))))
        .isInstanceOf(IllegalArgumentException.class);
    RecoveryWrite result =
        device()
            .recoveryWrite(
                List.of(
                    new RecoveryPatch(second.start(), secondBytes),
                    new RecoveryPatch(page(12).start() + 1, filled(10, 3)),
                    new RecoveryPatch(first.start(), firstBytes)));
    assertThat(result.complete()).isTrue();
    assertThat(read(first.start(), (int) first.length())).containsOnly(1);
    assertThat(read(second.start(), (int) second.length())).containsOnly(2);
    assertThat(read(page(12).start() + 1, 10)).containsOnly(3);
    assertThat(read(page(12).start() + 11, 100)).containsOnly(5);
  }

  @Test
  void shouldSayWhatStaysLostBesideAPatch() throws IOException {
    assumeThat(abilities.holdsList()).as("remembers").isTrue();
    device().write(base, filled(4 * PAGE_BYTES, 5));
    ByteRange lost = loseKnown(page(1));
    long half = lost.length() / 2;
    ByteRange patched = new ByteRange(lost.start(), lost.start() + half);
    RecoveryWrite result = device().recoveryWrite(lost.start(), filled((int) half, 7));
    if (result.complete()) {
      assertThat(read(patched.start(), (int) half)).containsOnly(7);
    } else {
      assertThat(abilities.lossUnitBytes()).as("kept apart in units").isGreaterThan((int) half);
      assertThatThrownBy(() -> read(patched.start(), (int) half))
          .isInstanceOf(PoisonedRangeException.class);
    }
    assertThatThrownBy(() -> read(patched.end(), 1)).isInstanceOf(PoisonedRangeException.class);
    for (ByteRange still : result.stillLost()) {
      assertThat(knownBad().contains(still)).isTrue();
    }
    assertThat(read(base, PAGE_BYTES)).containsOnly(5);
    assertThat(read(lost.end(), PAGE_BYTES)).containsOnly(5);
  }

  @Test
  void shouldKeepLostWhatCannotBeClearedAndStoreTheRest() throws IOException {
    device().write(base, filled(16 * PAGE_BYTES, 5));
    device().persist();
    ByteRange stuck = lossOf(lines(page(2).start(), 1));
    fixture.loseForGood(stuck);
    ByteRange curable = loseKnown(page(9));
    assertThatThrownBy(() -> read(stuck.start(), 1)).isInstanceOf(PoisonedRangeException.class);
    RecoveryWrite result =
        device()
            .recoveryWrite(
                List.of(
                    new RecoveryPatch(stuck.start(), filled((int) stuck.length(), 1)),
                    new RecoveryPatch(curable.start(), filled((int) curable.length(), 2))));
    if (!abilities.heals() || !result.complete()) {
      assertThat(ByteRanges.of(result.notCleared())).isEqualTo(ByteRanges.of(stuck));
      assertThatThrownBy(() -> read(stuck.start(), 1)).isInstanceOf(PoisonedRangeException.class);
    } else {
      assertThat(read(stuck.start(), (int) stuck.length())).containsOnly(1);
    }
    assertThat(read(curable.start(), (int) curable.length())).containsOnly(2);
    assertThat(read(base, PAGE_BYTES)).containsOnly(5);
    assertThat(read(stuck.end(), (int) (page(4).start() - stuck.end()))).containsOnly(5);
  }

  @Test
  void shouldRememberLossesOverReopenAndCrash() throws IOException {
    assumeThat(abilities.holdsList()).as("remembers").isTrue();
    ByteRange lost = loseKnown(page(1));
    device().persist();
    fixture.crash();
    assertThat(knownBad().contains(lost)).isTrue();
    assertThatThrownBy(() -> read(lost.start(), 1)).isInstanceOf(PoisonedRangeException.class);
    fixture.reopen();
    assertThat(knownBad().contains(lost)).isTrue();
    assertThat(device().counters().lostBytes()).isEqualTo(lost.length());
  }

  @Test
  void shouldListEntriesAscendingAndClipped() throws IOException {
    assumeThat(abilities.holdsList()).as("remembers").isTrue();
    loseKnown(page(1));
    loseKnown(page(3));
    List<PoisonEntry> entries =
        device().poison(new ByteRange(page(1).start() + 64, page(3).start() + 64));
    assertThat(entries)
        .extracting(PoisonEntry::range)
        .containsExactly(
            new ByteRange(page(1).start() + 64, page(1).end()), lines(page(3).start(), 1));
    for (PoisonEntry entry : entries) {
      assertThat(entry.confidence()).isEqualTo(Confidence.EXACT);
      assertThat(entry.count()).isPositive();
      assertThat(entry.firstSeenMillis()).isLessThanOrEqualTo(entry.lastSeenMillis());
    }
    assertThat(device().poison(page(2))).isEmpty();
  }

  // Retire and release.

  @Test
  void shouldRefuseRetiredPagesDurablyUntilReleasedAsZeroes() throws IOException {
    assumeThat(abilities.holdsList()).as("remembers").isTrue();
    device().write(base, filled(4 * PAGE_BYTES, 5));
    device().persist();
    device().retire(page(1));
    assertThatThrownBy(() -> read(page(1).start(), 1)).isInstanceOf(PoisonedRangeException.class);
    fixture.crash();
    assertThatThrownBy(() -> read(page(1).end() - 1, 1)).isInstanceOf(PoisonedRangeException.class);
    assertThat(read(page(2).start(), PAGE_BYTES)).containsOnly(5);
    assertThat(device().release(new ByteRange(base, page(3).start()))).isEmpty();
    assertThat(read(page(1).start(), PAGE_BYTES)).containsOnly(0);
    assertThat(read(base, PAGE_BYTES)).containsOnly(5);
    assertThat(read(page(2).start(), PAGE_BYTES)).containsOnly(5);
    assertThat(knownBad()).isEqualTo(ByteRanges.EMPTY);
  }

  @Test
  void shouldReleaseLostPagesButNotWhatCannotBeCleared() throws IOException {
    assumeThat(abilities.holdsList()).as("remembers").isTrue();
    loseKnown(page(1));
    fixture.loseForGood(page(3));
    assertThatThrownBy(() -> read(page(3).start(), 1)).isInstanceOf(PoisonedRangeException.class);
    List<ByteRange> left = device().release(new ByteRange(base, page(5).start()));
    assertThat(read(page(1).start(), PAGE_BYTES)).containsOnly(0);
    if (!abilities.heals() || !left.isEmpty()) {
      assertThat(ByteRanges.of(left)).isEqualTo(ByteRanges.of(page(3)));
      assertThatThrownBy(() -> read(page(3).start(), 1)).isInstanceOf(PoisonedRangeException.class);
    }
  }

  @Test
  void shouldRetireAndReleaseWholePagesOnly() {
    assumeThat(abilities.holdsList()).as("remembers").isTrue();
    ByteRange half = ByteRange.ofLength(base, PAGE_BYTES / 2);
    assertThatThrownBy(() -> device().retire(half)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> device().release(half)).isInstanceOf(IllegalArgumentException.class);
  }

  // Reports and notices.

  @Test
  void shouldRecordAReportBeforeTellingOfIt() throws Exception {
    assumeThat(abilities.holdsList()).as("remembers").isTrue();
    device().write(base, filled(4 * PAGE_BYTES, 5));
    List<List<PoisonEntry>> knownWhenTold = new ArrayList<>();
    Recorder holder =
        new Recorder("holder") {
          @Override
          public void onNotice(DeviceNotice notice) {
            super.onNotice(notice);
            knownWhenTold.add(device().poison(page(1)));
          }
        };
    try (Claim claim = device().claim(holder)) {
      assertThat(claim.poisonAtClaim()).isEmpty();
      device().report(lines(page(1).start() + 128, 1), Cause.PLATFORM, Confidence.EXACT);
      fixture.deliverNotices();
    }
    assertThat(holder.failures()).isNotEmpty();
    if (abilities.heals()) {
      assertThat(holder.severities()).containsOnly(Severity.HEALED);
      assertThat(read(base, 4 * PAGE_BYTES)).containsOnly(5);
    } else {
      assertThat(holder.severities()).containsOnly(Severity.LOST);
      assertThat(holder.lost()).isEqualTo(ByteRanges.of(lines(page(1).start() + 128, 1)));
      assertThat(knownWhenTold.getFirst()).hasSize(1);
      assertThatThrownBy(() -> read(page(1).start() + 130, 1))
          .isInstanceOf(PoisonedRangeException.class);
    }
  }

  @Test
  void shouldNeverRefuseSuspectBytesUnread() throws IOException {
    device().write(base, filled(4 * PAGE_BYTES, 5));
    device().report(page(1), Cause.PLATFORM, Confidence.SUSPECT);
    fixture.deliverNotices();
    assertThat(read(base, 4 * PAGE_BYTES)).containsOnly(5);
    assertThat(device().recoveryRead(base, filled(4 * PAGE_BYTES, 0)).holes()).isEmpty();
    device().write(base, filled(4 * PAGE_BYTES, 6));
    assertThat(read(base, 4 * PAGE_BYTES)).containsOnly(6);
  }

  @Test
  void shouldTellTheHolderOfALossInItsOwnRanges() throws Exception {
    Recorder holder = new Recorder("holder");
    Recorder near = new Recorder("near");
    Recorder far = new Recorder("far");
    ByteRange lost = lossOf(page(1));
    try (Claim claim = device().claim(holder);
        AutoCloseable nearby = device().subscribe(page(1), near);
        AutoCloseable faraway = device().subscribe(page(20), far)) {
      fixture.lose(lost);
      assertThatThrownBy(() -> read(base, 4 * PAGE_BYTES))
          .isInstanceOf(PoisonedRangeException.class);
      device().recoveryRead(base, filled(4 * PAGE_BYTES, 0));
      fixture.deliverNotices();
      assertThat(claim.sequence()).isZero();
      assertThat(nearby).isNotSameAs(faraway);
    }
    assertThat(holder.lost().intersect(lost)).isEqualTo(ByteRanges.of(lost));
    assertThat(holder.lost().minus(lost).isEmpty()).isTrue();
    assertThat(near.lost()).isEqualTo(holder.lost());
    assertThat(far.notices).isEmpty();
    assertThat(holder.sequences()).isSorted().doesNotHaveDuplicates();
  }

  @Test
  void shouldLetAHolderCallTheDeviceFromItsNotice() throws Exception {
    device().write(base, filled(4 * PAGE_BYTES, 5));
    ByteRange lost = lossOf(page(1));
    List<RecoveryWrite> repairs = new ArrayList<>();
    Recorder holder =
        new Recorder("holder") {
          @Override
          public void onNotice(DeviceNotice notice) {
            super.onNotice(notice);
            try {
              if (repairs.isEmpty()) {
                repairs.add(device().recoveryWrite(lost.start(), filled((int) lost.length(), 6)));
              }
            } catch (IOException e) {
              throw new AssertionError(e);
            }
          }
        };
    try (Claim claim = device().claim(holder)) {
      assertThat(claim.poisonAtClaim()).isEmpty();
      fixture.lose(lost);
      assertThatThrownBy(() -> read(base, 4 * PAGE_BYTES))
          .isInstanceOf(PoisonedRangeException.class);
      fixture.deliverNotices();
    }
    assertThat(repairs).hasSize(1);
    assertThat(read(lost.start(), (int) lost.length())).containsOnly(6);
  }

  @Test
  void shouldGiveALateHolderTheListAndThenWhatIsNew() throws Exception {
    assumeThat(abilities.holdsList()).as("remembers").isTrue();
    ByteRange early = loseKnown(page(1));
    ByteRange late = lossOf(page(5));
    Recorder holder = new Recorder("holder");
    try (Claim claim = device().claim(holder)) {
      assertThat(ByteRanges.of(claim.poisonAtClaim().stream().map(PoisonEntry::range).toList()))
          .isEqualTo(ByteRanges.of(early));
      fixture.lose(late);
      assertThatThrownBy(() -> read(late.start(), (int) late.length()))
          .isInstanceOf(PoisonedRangeException.class);
      fixture.deliverNotices();
      assertThat(holder.sequences()).isNotEmpty().allMatch(n -> n > claim.sequence());
      assertThat(holder.lost().overlaps(early)).isFalse();
      assertThat(holder.lost().overlaps(late)).isTrue();
    }
  }

  @Test
  void shouldHaveOneHolderWhoIsToldNothingAfterClosing() throws Exception {
    Recorder first = new Recorder("the first");
    Claim claim = device().claim(first);
    assertThatThrownBy(() -> device().claim(new Recorder("second")))
        .isInstanceOf(DeviceClaimedException.class)
        .hasMessageContaining("the first");
    claim.close();
    claim.close();
    fixture.lose(lossOf(page(1)));
    assertThatThrownBy(() -> read(page(1).start(), PAGE_BYTES))
        .isInstanceOf(PoisonedRangeException.class);
    fixture.deliverNotices();
    assertThat(first.notices).isEmpty();
    device().claim(new Recorder("second")).close();
  }

  // The device as a whole.

  @Test
  void shouldGoReadOnlyForGoodWhenAPersistFails() throws Exception {
    Recorder holder = new Recorder("holder");
    try (Claim claim = device().claim(holder)) {
      assertThat(claim.sequence()).isZero();
      device().write(base, filled(PAGE_BYTES, 5));
      fixture.failNextPersist();
      assertThatThrownBy(() -> device().persist()).isInstanceOf(PersistFailedException.class);
      assertThatThrownBy(() -> device().persist()).isInstanceOf(PersistFailedException.class);
      assertThat(device().state()).isEqualTo(DeviceState.READ_ONLY);
      assertThatThrownBy(() -> device().write(base, filled(1, 1)))
          .isInstanceOf(DeviceUnavailableException.class);
      assertThatThrownBy(() -> device().recoveryWrite(base, filled(1, 1)))
          .isInstanceOf(DeviceUnavailableException.class);
      assertThat(device().counters().persistFailures()).isPositive();
      fixture.deliverNotices();
    }
    assertThat(holder.states()).containsExactly(DeviceState.READ_ONLY);
  }

  @Test
  void shouldCallAbsenceAStateAndNeverPoison() throws Exception {
    device().write(base, filled(PAGE_BYTES, 5));
    device().persist();
    Recorder holder = new Recorder("holder");
    try (Claim claim = device().claim(holder)) {
      assertThat(claim.sequence()).isZero();
      fixture.vanish();
      assertThatThrownBy(() -> read(base, 1))
          .isInstanceOfSatisfying(
              DeviceUnavailableException.class,
              e -> assertThat(e.state()).isEqualTo(DeviceState.OFFLINE));
      assertThatThrownBy(() -> device().write(base, filled(1, 1)))
          .isInstanceOf(DeviceUnavailableException.class);
      assertThatThrownBy(() -> device().recoveryRead(base, filled(1, 1)))
          .isInstanceOf(DeviceUnavailableException.class);
      fixture.deliverNotices();
    }
    assertThat(device().state()).isEqualTo(DeviceState.OFFLINE);
    assertThat(knownBad()).isEqualTo(ByteRanges.EMPTY);
    assertThat(holder.states()).containsExactly(DeviceState.OFFLINE);
    assertThat(holder.failures()).isEmpty();
  }

  @Test
  void shouldGiveReadOnlyWindowsThatSeeWrites() throws IOException {
    assumeThat(abilities.windows()).as("has windows").isTrue();
    device().write(base, filled(PAGE_BYTES, 5));
    MemorySegment window = device().window(page(0)).orElseThrow();
    assertThat(window.isReadOnly()).isTrue();
    assertThat(window.toArray(ValueLayout.JAVA_BYTE)).containsOnly(5);
    device().write(base, filled(PAGE_BYTES, 6));
    assertThat(window.toArray(ValueLayout.JAVA_BYTE)).containsOnly(6);
    loseKnown(page(1));
    assertThatThrownBy(() -> device().window(new ByteRange(base, page(2).start())))
        .isInstanceOf(PoisonedRangeException.class);
  }

  @Test
  void shouldNameFailureDomainsThatDoNotChange() {
    long last = device().sizeBytes() - 1;
    for (long offset : new long[] {0, base, last}) {
      assertThat(device().failureDomain(offset)).isEqualTo(device().failureDomain(offset));
    }
  }

  // Helpers.

  private DaxDevice device() {
    return fixture.device();
  }

  /** The n-th usable page. */
  private ByteRange page(int n) {
    return ByteRange.ofLength(base + (long) n * PAGE_BYTES, PAGE_BYTES);
  }

  private static ByteRange lines(long offset, int count) {
    return ByteRange.ofLength(offset, (long) count * LINE_BYTES);
  }

  /** What is lost when {@code range} is. */
  private ByteRange lossOf(ByteRange range) {
    return range.alignOutward(abilities.lossUnitBytes());
  }

  /** Loses {@code range} and makes the device find out. */
  private ByteRange loseKnown(ByteRange range) throws IOException {
    ByteRange lost = lossOf(range);
    fixture.lose(lost);
    RecoveryRead found = device().recoveryRead(lost.start(), filled((int) lost.length(), 0));
    assertThat(found.holes()).isNotEmpty();
    return lost;
  }

  private ByteRanges knownBad() {
    return ByteRanges.of(
        device().poison(new ByteRange(0, device().sizeBytes())).stream()
            .map(PoisonEntry::range)
            .toList());
  }

  private static void assertRunsCover(RecoveryRead result, ByteRange request) {
    long at = request.start();
    for (RecoveryRead.Run run : result.runs()) {
      assertThat(run.range().start()).isEqualTo(at);
      assertThat(run.range().isEmpty()).isFalse();
      at = run.range().end();
    }
    assertThat(at).isEqualTo(request.end());
  }

  private byte[] read(long offset, int length) throws IOException {
    MemorySegment dst = Arena.ofAuto().allocate(length);
    device().read(offset, dst);
    return dst.toArray(ValueLayout.JAVA_BYTE);
  }

  private static MemorySegment filled(int length, int value) {
    return Arena.ofAuto().allocate(length).fill((byte) value);
  }

  private static MemorySegment segment(byte[] bytes) {
    return Arena.ofAuto().allocate(bytes.length).copyFrom(MemorySegment.ofArray(bytes));
  }

  private static class Recorder implements Holder {
    final List<DeviceNotice> notices = new ArrayList<>();
    private final String name;

    Recorder(String name) {
      this.name = name;
    }

    @Override
    public String holderName() {
      return name;
    }

    @Override
    public void onNotice(DeviceNotice notice) {
      notices.add(notice);
    }

    List<Long> sequences() {
      return notices.stream().map(DeviceNotice::sequence).toList();
    }

    List<Failure> failures() {
      return notices.stream().filter(Failure.class::isInstance).map(Failure.class::cast).toList();
    }

    List<Severity> severities() {
      return failures().stream().map(Failure::severity).toList();
    }

    List<DeviceState> states() {
      return notices.stream()
          .filter(StateChange.class::isInstance)
          .map(notice -> ((StateChange) notice).state())
          .toList();
    }

    ByteRanges lost() {
      return ByteRanges.of(
          failures().stream()
              .filter(failure -> failure.severity() == Severity.LOST)
              .flatMap(failure -> failure.ranges().stream())
              .toList());
    }
  }
}

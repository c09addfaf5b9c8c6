package io.bezoar.media;

import static io.bezoar.media.Units.LINE_BYTES;
import static io.bezoar.media.Units.PAGE_BYTES;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bezoar.media.SimMedia.PowerCutException;
import io.bezoar.media.SimMedia.Step;
import io.bezoar.media.SimMedia.WriteFault;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class SimMediaTest {
  private static final int SIZE = 16 * PAGE_BYTES;

  private final SimMedia media = SimMedia.create("sim", SIZE, 42);

  @Test
  void shouldKeepWhatWasPersistedAndAnySubsetOfTheRest() throws IOException {
    media.write(0, filled(PAGE_BYTES, 1));
    media.persist();
    media.write(0, filled(PAGE_BYTES, 2));
    assertThat(media.unpersistedLines()).isEqualTo(64);
    SimMedia kept = media.crash(line -> line % (2 * LINE_BYTES) == 0);
    byte[] bytes = read(kept, 0, PAGE_BYTES);
    for (int i = 0; i < bytes.length; i++) {
      assertThat(bytes[i]).isEqualTo((byte) (i / LINE_BYTES % 2 == 0 ? 2 : 1));
    }
    assertThatThrownBy(() -> read(media, 0, 1)).isInstanceOf(PowerCutException.class);
  }

  @Test
  void shouldShowLinesThatAFailedPersistLostUntilTheCacheIsDropped() throws IOException {
    media.write(0, filled(PAGE_BYTES, 1));
    media.failNextPersist();
    assertThatThrownBy(media::persist).isInstanceOf(PersistFailedException.class);
    assertThatThrownBy(media::persist).isInstanceOf(PersistFailedException.class);
    assertThatThrownBy(() -> media.write(0, filled(1, 1)))
        .isInstanceOf(PersistFailedException.class);
    assertThat(read(media, 0, PAGE_BYTES)).containsOnly(1);
    byte[] behind = readPastCache(media, 0, PAGE_BYTES);
    assertThat(behind).contains(0).contains(1);
    assertThat(read(media.reopen(), 0, PAGE_BYTES)).as("cache lives on").containsOnly(1);
    assertThat(read(media.crash(line -> true), 0, PAGE_BYTES)).isEqualTo(behind);
  }

  @Test
  void shouldRefuseAtExactlyTheStruckGranules() throws IOException {
    media.write(0, filled(PAGE_BYTES, 1));
    inject(FaultKind.POISON, 130, 1);
    MemorySegment dst = filled(PAGE_BYTES, 9);
    assertThatThrownBy(() -> media.read(100, dst.asSlice(0, 1000)))
        .isInstanceOfSatisfying(
            MediaFaultException.class,
            fault -> {
              assertThat(fault.range()).isEqualTo(new ByteRange(128, 192));
              assertThat(fault.goodPrefixBytes()).isEqualTo(28);
              assertThat(fault.faultCause()).isEqualTo(Cause.TRAP);
            });
    assertThat(Arrays.copyOf(dst.toArray(ValueLayout.JAVA_BYTE), 28)).containsOnly(1);
    assertThat(dst.get(ValueLayout.JAVA_BYTE, 28)).isEqualTo((byte) 9);
    assertThat(read(media, 192, 64)).containsOnly(1);
    assertThat(media.probe(new ByteRange(0, SIZE))).containsExactly(new ByteRange(128, 192));
    assertThatThrownBy(() -> media.window(new ByteRange(0, PAGE_BYTES)))
        .isInstanceOf(MediaFaultException.class);
    assertThat(media.window(new ByteRange(192, PAGE_BYTES))).isPresent();
  }

  @Test
  void shouldCureAnIoErrorByRewriteOfWholeGranulesAndPoisonOnlyByReinitialise() throws IOException {
    inject(FaultKind.EIO, 0, 64);
    assertThatThrownBy(() -> media.write(0, filled(63, 1))).isInstanceOf(MediaFaultException.class);
    media.write(0, filled(64, 1));
    assertThat(read(media, 0, 64)).containsOnly(1);
    inject(FaultKind.POISON, 0, 64);
    assertThatThrownBy(() -> media.write(0, filled(64, 1))).isInstanceOf(MediaFaultException.class);
    media.reinitialise(0, filled(512, 3));
    assertThat(read(media, 0, 512)).containsOnly(3);
    assertThatThrownBy(() -> media.reinitialise(64, filled(512, 3)))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void shouldKeepStuckFaults() throws IOException {
    media.injector().inject(new FaultSpec(FaultKind.EIO, new ByteRange(512, 576), true, 1));
    assertThatThrownBy(() -> media.write(0, filled(1024, 1)))
        .isInstanceOfSatisfying(
            MediaFaultException.class, f -> assertThat(f.goodPrefixBytes()).isEqualTo(512));
    assertThatThrownBy(() -> media.reinitialise(0, filled(1024, 2)))
        .isInstanceOf(MediaFaultException.class);
    assertThat(read(media, 0, 512)).containsOnly(2);
    assertThat(media.probe(new ByteRange(0, 1024))).containsExactly(new ByteRange(512, 576));
  }

  @Test
  void shouldFindFaultOrNoiseAfterAClearThatWasNotPersisted() throws IOException {
    media.write(0, filled(512, 7));
    media.persist();
    inject(FaultKind.POISON, 0, 64);
    media.reinitialise(0, filled(512, 8));
    SimMedia cleared = media.crash(line -> line == 0 && askedBefore());
    assertThat(cleared.probe(new ByteRange(0, 512))).isEmpty();
    assertThat(read(cleared, 0, 64)).as("noise, not the old bytes").doesNotContain(8);
    assertThat(read(cleared, 0, 64)).isNotEqualTo(filled(64, 7).toArray(ValueLayout.JAVA_BYTE));
    assertThat(read(cleared, 64, 448)).containsOnly(7);
  }

  private int questions;

  /** The line's survival is asked first, the clear's second. */
  private boolean askedBefore() {
    return questions++ > 0;
  }

  @Test
  void shouldKeepFaultsOverCrashes() throws IOException {
    inject(FaultKind.POISON, 0, 64);
    SimMedia next = media.crash(line -> false);
    assertThat(next.probe(new ByteRange(0, SIZE))).containsExactly(new ByteRange(0, 64));
    next.injector().disarm(new ByteRange(0, SIZE));
    assertThat(next.injector().armed()).isEmpty();
  }

  @Test
  void shouldAlwaysChangeBytesWhenItStrikesSilently() throws IOException {
    for (FaultKind kind :
        List.of(FaultKind.FLIP, FaultKind.STALE, FaultKind.MISDIRECT, FaultKind.TORN)) {
      for (long seed = 0; seed < 50; seed++) {
        media.write(PAGE_BYTES, filled(PAGE_BYTES, 5));
        media.write(PAGE_BYTES, filled(PAGE_BYTES, (byte) seed));
        byte[] before = read(media, PAGE_BYTES, PAGE_BYTES);
        ByteRange struck = ByteRange.ofLength(PAGE_BYTES, PAGE_BYTES);
        media.injector().inject(FaultSpec.of(kind, struck, seed));
        byte[] after = read(media, PAGE_BYTES, PAGE_BYTES);
        assertThat(after).as("%s seed %d", kind, seed).isNotEqualTo(before);
        if (kind == FaultKind.STALE && seed != 5) {
          assertThat(after).containsOnly(5);
        }
      }
    }
    assertThat(read(media, 2 * PAGE_BYTES, SIZE - 2 * PAGE_BYTES)).containsOnly(0);
  }

  @Test
  void shouldMakeAStrikeSurviveACrash() throws IOException {
    media.write(0, filled(PAGE_BYTES, 5));
    media.injector().inject(FaultSpec.of(FaultKind.FLIP, new ByteRange(64, 65), 1));
    byte[] struck = read(media, 64, 64);
    SimMedia next = media.crash(line -> false);
    assertThat(read(next, 64, 64)).isEqualTo(struck);
    assertThat(read(next, 0, 64)).containsOnly(0);
  }

  @Test
  void shouldApplyArmedWriteFaultsOnce() throws IOException {
    ByteRange page = new ByteRange(0, PAGE_BYTES);
    media.armNextWrite(page, WriteFault.DROP);
    media.write(0, filled(PAGE_BYTES, 1));
    assertThat(read(media, 0, PAGE_BYTES)).containsOnly(0);
    media.write(0, filled(PAGE_BYTES, 1));
    media.armNextWrite(page, WriteFault.TEAR);
    media.write(0, filled(PAGE_BYTES, 2));
    assertThat(read(media, 0, PAGE_BYTES)).contains(1);
    media.misdirectNextWrite(page, 8 * PAGE_BYTES);
    media.write(0, filled(PAGE_BYTES, 3));
    assertThat(read(media, 0, PAGE_BYTES)).doesNotContain(3);
    assertThat(read(media, 8 * PAGE_BYTES, PAGE_BYTES)).containsOnly(3);
    media.persist();
    media.armNextWrite(page, WriteFault.DROP_BEHIND_CACHE);
    media.write(0, filled(PAGE_BYTES, 4));
    media.persist();
    assertThat(read(media, 0, PAGE_BYTES)).containsOnly(4);
    assertThat(readPastCache(media, 0, PAGE_BYTES)).doesNotContain(4);
    media.dropCache();
    assertThat(read(media, 0, PAGE_BYTES)).doesNotContain(4);
  }

  @Test
  void shouldAnnounceEveryStepAndCutThePowerBeforeAny() throws IOException {
    List<Step> steps = new ArrayList<>();
    media.onStep((step, range) -> steps.add(step));
    media.write(0, filled(64, 1));
    media.reinitialise(0, filled(512, 2));
    media.persist();
    assertThat(steps).containsExactly(Step.WRITE, Step.REINITIALISE, Step.PERSIST);
    media.cutPowerBeforeStep(media.stepCount() + 2);
    media.write(0, filled(64, 3));
    assertThatThrownBy(media::persist).isInstanceOf(PowerCutException.class);
    assertThatThrownBy(() -> read(media, 0, 1)).isInstanceOf(PowerCutException.class);
    SimMedia next = media.crash(line -> true);
    assertThat(read(next, 0, 64)).containsOnly(3);
  }

  @Test
  void shouldReportAbsenceAsAbsence() throws IOException {
    inject(FaultKind.POISON, 0, 64);
    media.setPresence(Presence.TRUNCATED);
    assertThatThrownBy(() -> read(media, 0, 64)).isInstanceOf(MediaUnavailableException.class);
    assertThatThrownBy(media::persist).isInstanceOf(MediaUnavailableException.class);
    media.setPresence(Presence.PRESENT);
    assertThatThrownBy(() -> read(media, 0, 64)).isInstanceOf(MediaFaultException.class);
  }

  @Test
  void shouldFindAfterACrashOnlyContentThatEachLineOnceHad() throws IOException {
    for (long seed = 0; seed < 200; seed++) {
      crashAgainstHistory(seed);
    }
  }

  /** Each line of the crashed image is one of the versions since the last persist. */
  private static void crashAgainstHistory(long seed) throws IOException {
    SplittableRandom random = new SplittableRandom(seed);
    SimMedia media = SimMedia.create("sim", 2 * PAGE_BYTES, seed);
    List<byte[]> versions = new ArrayList<>(List.of(new byte[2 * PAGE_BYTES]));
    for (int i = 0; i < 30; i++) {
      if (random.nextInt(5) == 0) {
        media.persist();
        versions.subList(0, versions.size() - 1).clear();
      } else {
        int at = random.nextInt(2 * PAGE_BYTES);
        int length = 1 + random.nextInt(2 * PAGE_BYTES - at);
        byte[] now = versions.getLast().clone();
        Arrays.fill(now, at, at + length, (byte) i);
        media.write(at, filled(length, i));
        versions.add(now);
      }
      assertThat(read(media, 0, 2 * PAGE_BYTES)).isEqualTo(versions.getLast());
    }
    byte[] crashed = read(media.crash(random), 0, 2 * PAGE_BYTES);
    for (int line = 0; line < crashed.length; line += LINE_BYTES) {
      int from = line;
      assertThat(versions)
          .as("seed %d line at %d", seed, line)
          .anyMatch(
              v -> Arrays.equals(v, from, from + LINE_BYTES, crashed, from, from + LINE_BYTES));
    }
  }

  private void inject(FaultKind kind, long offset, long length) throws IOException {
    media.injector().inject(FaultSpec.of(kind, ByteRange.ofLength(offset, length), 1));
  }

  private static byte[] read(Media media, long offset, int length) throws IOException {
    MemorySegment dst = Arena.ofAuto().allocate(length);
    media.read(offset, dst);
    return dst.toArray(ValueLayout.JAVA_BYTE);
  }

  private static byte[] readPastCache(Media media, long offset, int length) throws IOException {
    MemorySegment dst = Arena.ofAuto().allocate(length);
    media.readPastCache(offset, dst);
    return dst.toArray(ValueLayout.JAVA_BYTE);
  }

  private static MemorySegment filled(int length, int value) {
    return Arena.ofAuto().allocate(length).fill((byte) value);
  }
}

package io.bezoar.guard;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.bezoar.media.ByteRange;
import io.bezoar.media.FaultKind;
import io.bezoar.media.FaultSpec;
import io.bezoar.media.MediaFolders;
import io.bezoar.media.MediaUnavailableException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What is lost of a page in part, by and by, or is cut off. */
class GuardLossTest {
  private static final int PAGE = 4096;
  private static final int SIZE = 300 * PAGE - 999;

  private final byte[] content = new byte[SIZE];
  private Path folder = Path.of("/none");
  private Path file = Path.of("/none");

  private Guard map(GuardTest.Place place, GuardOptions options) throws IOException {
    folder = place == GuardTest.Place.DISK ? MediaFolders.onDisk() : MediaFolders.onTmpfs();
    new SplittableRandom(1).nextBytes(content);
    file = Files.write(folder.resolve("file"), content);
    return Guard.map(file, options.drills());
  }

  @AfterEach
  void remove() throws IOException {
    if (Files.exists(folder)) {
      MediaFolders.remove(folder);
    }
  }

  private static ByteRange page(int number) {
    return new ByteRange((long) number * PAGE, Math.min(SIZE, (number + 1L) * PAGE));
  }

  private byte[] good(ByteRange range) {
    return Arrays.copyOfRange(content, (int) range.start(), (int) range.end());
  }

  private static void strike(Guard guard, ByteRange range) throws IOException {
    guard.injector().inject(FaultSpec.of(FaultKind.EIO, range, 5));
  }

  private static byte[] copy(Guard guard, long offset, int length) throws IOException {
    byte[] bytes = new byte[length];
    guard.copy(offset, bytes, 0, length);
    return bytes;
  }

  private static final ByteRange SECTOR = ByteRange.ofLength(7 * PAGE + 512, 512);
  private static final ByteRange OTHER = ByteRange.ofLength(7 * PAGE + 2048, 512);

  @Test
  void shouldNameAnotherSectorOfALostPage() throws IOException {
    try (Guard guard = map(GuardTest.Place.DISK, GuardOptions.DEFAULT)) {
      strike(guard, SECTOR);
      assertThatThrownBy(() -> copy(guard, 7 * PAGE, PAGE))
          .isInstanceOf(DamagedRangeException.class);
      strike(guard, OTHER);
      DamagedRangeException lost =
          catchThrowableOfType(
              DamagedRangeException.class, () -> copy(guard, 7 * PAGE + 1024, 3072));
      assertThat(lost.ranges()).containsExactly(OTHER);
      assertThat(guard.damage().stream().map(Damage::range)).containsExactly(SECTOR, OTHER);
    }
  }

  @Test
  void shouldServeTheRestOfAPageThatIsKnownInPart() throws IOException {
    RepairSource half = (path, range) -> range.equals(SECTOR) ? good(range) : null;
    try (Guard guard = map(GuardTest.Place.DISK, GuardOptions.DEFAULT.repairFrom(half))) {
      strike(guard, SECTOR);
      strike(guard, OTHER);
      DamagedRangeException lost =
          catchThrowableOfType(DamagedRangeException.class, () -> copy(guard, 7 * PAGE, PAGE));
      assertThat(lost.ranges()).containsExactly(SECTOR, OTHER);
      ByteRange between = ByteRange.ofLength(7 * PAGE + 1024, 1024);
      assertThat(copy(guard, between.start(), (int) between.length())).isEqualTo(good(between));
    }
  }

  /** The JDK copies little by single loads, and compiled ones store what they never read. */
  @ParameterizedTest
  @EnumSource
  void shouldWriteNothingButGoodBytes(GuardTest.Place place) throws IOException {
    try (Guard guard = map(place, GuardOptions.DEFAULT);
        Arena arena = Arena.ofConfined()) {
      List<MemorySegment> all = new ArrayList<>();
      for (int length : new int[] {1, 8, 24, 63, 64, 200}) {
        MemorySegment dst = arena.allocate(length);
        all.add(dst);
        for (int i = 0; i < 30_000; i++) {
          guard.copy(i % PAGE, dst);
        }
      }
      for (int i = 2; i < 22; i++) {
        strike(guard, page(i));
        for (MemorySegment dst : all) {
          int at = i * PAGE + 8;
          dst.fill((byte) 0x5a);
          assertThatThrownBy(() -> guard.copy(at, dst)).isInstanceOf(DamagedRangeException.class);
          assertThat(dst.toArray(JAVA_BYTE)).containsOnly(0x5a);
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void shouldWriteNothingButGoodBytesIntoAnArray(GuardTest.Place place) throws IOException {
    try (Guard guard = map(place, GuardOptions.DEFAULT)) {
      int[] lengths = {1, 8, 24, 63, 64, 200};
      for (int length : lengths) {
        byte[] dst = new byte[length];
        for (int i = 0; i < 30_000; i++) {
          guard.copy(i % PAGE, dst, 0, length);
        }
      }
      for (int i = 2; i < 22; i++) {
        strike(guard, page(i)); // each page is met once by each length, before anybody knows of it
        byte[] dst = new byte[lengths[i % lengths.length]];
        Arrays.fill(dst, (byte) 0x5a);
        int at = i * PAGE + 8;
        assertThatThrownBy(() -> guard.copy(at, dst, 0, dst.length))
            .isInstanceOf(DamagedRangeException.class);
        assertThat(dst).containsOnly(0x5a);
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void shouldRememberSinceWhenAndTellOnce(GuardTest.Place place) throws Exception {
    List<GuardEvent> events = new ArrayList<>();
    try (Guard guard = map(place, GuardOptions.DEFAULT);
        AutoCloseable _ = guard.subscribe(events::add)) {
      strike(guard, page(5));
      guard.scrub();
      Instant since = guard.damage().getFirst().since();
      strike(guard, page(6));
      guard.scrub();
      guard.scrub();
      assertThat(guard.damage().getFirst().since()).isEqualTo(since);
      assertThat(guard.damage().stream().map(Damage::range)).containsExactly(page(5), page(6));
      assertThat(events).hasSize(2);
    }
  }

  @ParameterizedTest
  @EnumSource
  void shouldAskTheNextSourceWhenOneReadsABadMapping(GuardTest.Place place) throws IOException {
    Guard[] replica = new Guard[1];
    RepairSource mapped =
        (path, range) ->
            replica[0].segment().asSlice(range.start(), range.length()).toArray(JAVA_BYTE);
    GuardOptions options =
        GuardOptions.DEFAULT.repairFrom(mapped).repairFrom((path, range) -> good(range));
    try (Guard guard = map(place, options);
        Guard other =
            Guard.map(Files.copy(file, folder.resolve("replica")), GuardOptions.DEFAULT.drills())) {
      replica[0] = other;
      strike(other, page(5));
      strike(guard, page(5));
      assertThat(copy(guard, 5 * PAGE, PAGE)).isEqualTo(good(page(5)));
    }
  }

  @ParameterizedTest
  @EnumSource
  void shouldRepairInTheFileWhatItTakes(GuardTest.Place place) throws Exception {
    List<GuardEvent> events = new ArrayList<>();
    try (Guard guard = map(place, GuardOptions.DEFAULT.repairFrom((path, range) -> good(range)));
        AutoCloseable _ = guard.subscribe(events::add)) {
      strike(guard, page(5));
      guard.injector().inject(new FaultSpec(FaultKind.EIO, page(6), true, 1)); // stuck
      strike(guard, page(7));
      assertThat(copy(guard, 0, SIZE)).isEqualTo(content);
      assertThat(guard.injector().armed())
          .extracting(FaultSpec::range)
          .containsExactly(page(6)); // the others were stored over
    }
    assertThat(events)
        .extracting(event -> ((GuardEvent.Healed) event).place())
        .containsExactly(GuardEvent.Place.FILE, GuardEvent.Place.MEMORY, GuardEvent.Place.FILE);
  }

  /** What the mapping shows behind the end, up to the end of its page, are zeroes and no trap. */
  @ParameterizedTest
  @EnumSource
  void shouldNotTakeWhatWasCutWithinAPageForZeroes(GuardTest.Place place) throws IOException {
    try (Guard guard = map(place, GuardOptions.DEFAULT);
        FileChannel cut = FileChannel.open(file, StandardOpenOption.WRITE);
        Arena arena = Arena.ofConfined()) {
      cut.truncate(10 * PAGE + 100);
      assertThat(copy(guard, 0, 10 * PAGE + 100))
          .isEqualTo(good(new ByteRange(0, 10 * PAGE + 100)));
      for (int[] access : new int[][] {{200, 64}, {50, 64}, {50, 51}, {4095, 1}, {0, PAGE}}) {
        long at = 10L * PAGE + access[0];
        assertThatThrownBy(() -> copy(guard, at, access[1]))
            .isInstanceOf(MediaUnavailableException.class);
        MemorySegment dst = arena.allocate(access[1]);
        assertThatThrownBy(() -> guard.copy(at, dst)).isInstanceOf(MediaUnavailableException.class);
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void shouldServeTheRestAsFastAsBefore(GuardTest.Place place) throws IOException {
    try (Guard guard = map(place, GuardOptions.DEFAULT)) {
      long before = nanosPerCopy(guard);
      strike(guard, page(2));
      assertThatThrownBy(() -> copy(guard, 2 * PAGE, 1)).isInstanceOf(DamagedRangeException.class);
      assertThat(nanosPerCopy(guard)).isLessThan(50 * before + 500); // it was thousands
    }
  }

  private static long nanosPerCopy(Guard guard) throws IOException {
    byte[] bytes = new byte[64];
    int copies = 50_000;
    long best = Long.MAX_VALUE;
    for (int round = 0; round < 5; round++) {
      long start = System.nanoTime();
      for (int i = 0; i < copies; i++) {
        guard.copy(20 * PAGE + i, bytes, 0, bytes.length);
      }
      best = Math.min(best, (System.nanoTime() - start) / copies);
    }
    return best;
  }
}

package io.bezoar.guard;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bezoar.media.ByteRange;
import io.bezoar.media.FaultKind;
import io.bezoar.media.FaultSpec;
import io.bezoar.media.MediaFolders;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Whose fault a run answers for, and whose loss. */
class GuardedRunTest {
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

  @ParameterizedTest
  @EnumSource
  void shouldRunAgainWhenAnotherThreadHasHealedThePage(GuardTest.Place place) throws Exception {
    RepairSource most = (path, range) -> range.equals(page(2)) ? null : good(range);
    try (Guard guard = map(place, GuardOptions.DEFAULT.repairFrom(most))) {
      strike(guard, page(2));
      assertThatThrownBy(() -> copy(guard, 2 * PAGE, 1)).isInstanceOf(DamagedRangeException.class);
      strike(guard, page(11));
      byte found =
          guard.<Byte, Exception>run(
              () -> {
                try {
                  byte value = guard.segment().get(JAVA_BYTE, 11 * PAGE);
                  Guard.barrier();
                  return value;
                } catch (InternalError e) {
                  Thread.ofPlatform().start(() -> heal(guard)).join();
                  throw e;
                }
              });
      assertThat(found).isEqualTo(content[11 * PAGE]); // and nothing of the loss of page 2
    }
  }

  @ParameterizedTest
  @EnumSource
  void shouldNameALossWhileOtherPagesAreHealedAllTheTime(GuardTest.Place place) throws Exception {
    RepairSource most = (path, range) -> range.equals(page(2)) ? null : good(range);
    try (Guard guard = map(place, GuardOptions.DEFAULT.repairFrom(most))) {
      strike(guard, page(2));
      int[] runs = {0};
      assertThatThrownBy(
              () ->
                  guard.<Byte, IOException>run(
                      () -> {
                        runs[0]++;
                        strike(guard, page(11));
                        copy(guard, 11 * PAGE, 1);
                        byte value = guard.segment().get(JAVA_BYTE, 2 * PAGE);
                        Guard.barrier();
                        return value;
                      }))
          .isInstanceOf(DamagedRangeException.class);
      assertThat(runs[0]).isLessThan(5);
    }
  }

  private static void heal(Guard guard) {
    try {
      copy(guard, 11 * PAGE, 1);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  /** In an array: boxing an invented byte would end the JVM, see {@link Guard#run}. */
  private static long load(Guard guard, MemorySegment segment, long at) throws IOException {
    long[] loaded = new long[1];
    guard.<Object, RuntimeException>run(
        () -> {
          loaded[0] = segment.get(JAVA_LONG_UNALIGNED, at);
          return loaded;
        });
    return loaded[0];
  }

  /** Compiled as one, nothing comes after the load that would let its fault arrive. */
  @ParameterizedTest
  @EnumSource
  void shouldAnswerForTheFaultOfItsLastLoad(GuardTest.Place place) throws Exception {
    try (Guard guard = map(place, GuardOptions.DEFAULT.repairFrom((path, range) -> good(range)))) {
      MemorySegment segment = guard.segment();
      MemorySegment expected = MemorySegment.ofArray(content);
      for (int i = 0; i < 200_000; i++) {
        load(guard, segment, i % (SIZE - Long.BYTES));
      }
      for (int i = 20; i < 220; i++) {
        int at = i * PAGE + 17;
        strike(guard, page(i));
        assertThat(load(guard, segment, at)).isEqualTo(expected.get(JAVA_LONG_UNALIGNED, at));
      }
    }
  }

  private final IllegalStateException unequal = new IllegalStateException();

  /** Made before, so that to throw it takes no call in which the fault could arrive. */
  private boolean isEqual(Guard guard, MemorySegment segment, long at, long value)
      throws IOException {
    try {
      guard.<Object, RuntimeException>run(
          () -> {
            if (segment.get(JAVA_LONG_UNALIGNED, at) != value) {
              throw unequal;
            }
            return segment;
          });
      return true;
    } catch (IllegalStateException e) {
      return false;
    }
  }

  @ParameterizedTest
  @EnumSource
  void shouldDropWhatWasThrownBecauseOfAnInventedValue(GuardTest.Place place) throws Exception {
    try (Guard guard = map(place, GuardOptions.DEFAULT.repairFrom((path, range) -> good(range)))) {
      MemorySegment segment = guard.segment();
      MemorySegment expected = MemorySegment.ofArray(content);
      for (int i = 0; i < 200_000; i++) {
        long at = i % (SIZE - Long.BYTES);
        isEqual(guard, segment, at, expected.get(JAVA_LONG_UNALIGNED, at) + i % 2);
      }
      for (int i = 20; i < 220; i++) {
        int at = i * PAGE + 17;
        strike(guard, page(i));
        assertThat(isEqual(guard, segment, at, expected.get(JAVA_LONG_UNALIGNED, at))).isTrue();
      }
    }
  }

  private static int loadThenCopy(Guard guard, MemorySegment segment, long at, byte[] copied)
      throws IOException {
    int loaded = segment.get(JAVA_BYTE, at);
    guard.copy(0, copied, 0, copied.length);
    return loaded;
  }

  /** Compiled as one, the load's fault is on its way while the copy begins. */
  @ParameterizedTest
  @EnumSource
  void shouldNotLetACopySwallowTheFaultOfALoad(GuardTest.Place place) throws Exception {
    try (Guard guard = map(place, GuardOptions.DEFAULT.repairFrom((path, range) -> good(range)))) {
      MemorySegment segment = guard.segment();
      byte[] copied = new byte[16];
      for (int i = 0; i < 200_000; i++) {
        long at = i % SIZE;
        guard.<Integer, IOException>run(() -> loadThenCopy(guard, segment, at, copied));
      }
      for (int i = 20; i < 220; i++) {
        int at = i * PAGE + 17;
        strike(guard, page(i));
        int found = guard.<Integer, IOException>run(() -> loadThenCopy(guard, segment, at, copied));
        assertThat(found).isEqualTo(content[at]);
      }
    }
  }
}

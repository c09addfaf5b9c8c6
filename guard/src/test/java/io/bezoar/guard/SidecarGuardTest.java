package io.bezoar.guard;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.bezoar.guard.sidecar.FileState;
import io.bezoar.guard.sidecar.Progress;
import io.bezoar.guard.sidecar.Protection;
import io.bezoar.guard.sidecar.Redundancy;
import io.bezoar.guard.sidecar.Sidecar;
import io.bezoar.guard.sidecar.SidecarException;
import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import io.bezoar.media.Cause;
import io.bezoar.media.FaultKind;
import io.bezoar.media.FaultSpec;
import io.bezoar.media.MediaFolders;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A guarded file with a sidecar, in memory and on disk. */
class SidecarGuardTest {
  private static final int PAGE = 4096;
  private static final int SIZE = 300 * PAGE - 999;

  /** 300 pages in columns of 62 or a little more: four rows. */
  private static final int ROWS = 4;

  private static final FileTime LONG_AGO = FileTime.from(Instant.ofEpochSecond(1_000_000_000, 77));

  private final List<GuardEvent> events = new ArrayList<>();
  private Path folder = Path.of("/none");
  private Path file = Path.of("/none");
  private byte[] content = {};

  private void protect(GuardTest.Place place) throws Exception {
    folder = place == GuardTest.Place.DISK ? MediaFolders.onDisk() : MediaFolders.onTmpfs();
    content = new byte[SIZE];
    new SplittableRandom(1).nextBytes(content);
    file = Files.write(folder.resolve("file"), content);
    Files.setLastModifiedTime(file, LONG_AGO);
    Protection.protect(file, Redundancy.DEFAULT, Progress.UNWATCHED);
    try (Sidecar sidecar = Sidecar.open(file)) {
      assertThat(sidecar.geometry().rows()).isEqualTo(ROWS);
    }
  }

  private Guard map(GuardOptions options) throws IOException {
    return Guard.map(file, options.drills());
  }

  private Guard watched(GuardOptions options) throws IOException {
    Guard guard = map(options);
    assertThat(guard.subscribe(events::add)).isNotNull();
    return guard;
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

  private static void strike(Guard guard, FaultKind kind, ByteRange range) throws IOException {
    guard.injector().inject(FaultSpec.of(kind, range, 5));
  }

  private byte[] good(ByteRange range) {
    return Arrays.copyOfRange(content, (int) range.start(), (int) range.end());
  }

  private static byte[] copy(Guard guard, long offset, int length) throws IOException {
    byte[] bytes = new byte[length];
    guard.copy(offset, bytes, 0, length);
    return bytes;
  }

  private void assertWholeAgain() throws IOException {
    assertThat(Files.readAllBytes(file)).isEqualTo(content);
    assertThat(Files.getLastModifiedTime(file)).isEqualTo(LONG_AGO);
    try (Sidecar sidecar = Sidecar.open(file)) {
      assertThat(sidecar.state()).isEqualTo(FileState.UNTOUCHED);
    }
  }

  @ParameterizedTest
  @EnumSource
  void shouldHealWhenMapped(GuardTest.Place place) throws Exception {
    protect(place);
    try (Guard guard = map(GuardOptions.DEFAULT)) {
      // Two in each row, as many as there are parity columns.
      strike(guard, FaultKind.FLIP, page(1));
      strike(guard, FaultKind.TORN, page(6));
      strike(guard, FaultKind.STALE, new ByteRange(100 * PAGE, 104 * PAGE));
      strike(guard, FaultKind.POISON, page(200));
      strike(guard, FaultKind.EIO, page(299));
    }
    try (Guard guard = map(GuardOptions.SIDECAR.subscribe(events::add))) {
      assertThat(events).isNotEmpty().allMatch(GuardEvent.Healed.class::isInstance);
      assertThat(guard.damage()).isEmpty();
      assertThat(guard.injector().armed()).isEmpty();
      assertThat(guard.segment().toArray(JAVA_BYTE)).isEqualTo(content);
      assertWholeAgain();
    }
  }

  /** Over a bad page it would end the JVM. */
  @ParameterizedTest
  @EnumSource
  void shouldTakeNoChecksumOfAMapping(GuardTest.Place place) throws Exception {
    protect(place);
    try (Guard guard = map(GuardOptions.DEFAULT);
        Sidecar sidecar = Sidecar.open(file)) {
      assertThatThrownBy(() -> sidecar.matches(0, guard.segment().asSlice(0, PAGE)))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  @ParameterizedTest
  @EnumSource
  void shouldHealUnderACopy(GuardTest.Place place) throws Exception {
    protect(place);
    try (Guard guard = watched(GuardOptions.SIDECAR.verify(Verify.ON_COPY))) {
      assertThat(copy(guard, 0, SIZE)).isEqualTo(content);
      strike(guard, FaultKind.FLIP, page(17));
      assertThat(copy(guard, 17 * PAGE + 5, 9))
          .isEqualTo(good(ByteRange.ofLength(17 * PAGE + 5, 9)));
      strike(guard, FaultKind.MISDIRECT, page(299));
      strike(guard, FaultKind.POISON, page(298));
      assertThat(guard.get(JAVA_LONG_UNALIGNED, 298L * PAGE - 4))
          .isEqualTo(MemorySegment.ofArray(content).get(JAVA_LONG_UNALIGNED, 298L * PAGE - 4));
      assertThat(copy(guard, 0, SIZE)).isEqualTo(content);
      assertThat(guard.segment().toArray(JAVA_BYTE)).isEqualTo(content);
      assertWholeAgain();
    }
    assertThat(events)
        .extracting(event -> ((GuardEvent.Healed) event).source())
        .hasSize(3)
        .containsOnly(GuardEvent.Source.SIDECAR);
    assertThat(events)
        .extracting(event -> ((GuardEvent.Healed) event).place())
        .containsOnly(GuardEvent.Place.FILE);
  }

  @ParameterizedTest
  @EnumSource
  void shouldLoseWhatNoParityCovers(GuardTest.Place place) throws Exception {
    protect(place);
    try (Guard guard = watched(GuardOptions.SIDECAR)) {
      for (int column = 0; column < 3; column++) {
        strike(guard, column == 0 ? FaultKind.FLIP : FaultKind.POISON, page(40 + column * ROWS));
      }
      DamagedRangeException lost =
          catchThrowableOfType(
              DamagedRangeException.class, () -> copy(guard, 39 * PAGE, 20 * PAGE));
      assertThat(lost.ranges()).containsExactly(page(40), page(44), page(48));
      assertThat(lost.goodPrefixBytes()).isEqualTo(PAGE);
      assertThat(events)
          .containsExactlyInAnyOrder(
              new GuardEvent.Damaged(file, page(40), Cause.CHECKSUM),
              new GuardEvent.Damaged(file, page(44), Cause.TRAP),
              new GuardEvent.Damaged(file, page(48), Cause.TRAP));

      byte[] out = new byte[20 * PAGE];
      ByteRange asked = ByteRange.ofLength(39 * PAGE, out.length);
      Recovery recovery = guard.recoveryCopy(asked.start(), MemorySegment.ofArray(out));
      assertThat(recovery.holes()).isEqualTo(ByteRanges.of(page(44), page(48)));
      assertThat(recovery.unverified()).isEqualTo(ByteRanges.of(page(40)));
      assertThat(recovery.verified())
          .isEqualTo(ByteRanges.of(asked).minus(ByteRanges.of(page(40), page(44), page(48))));
      assertThat(Arrays.mismatch(out, 0, PAGE, good(page(39)), 0, PAGE)).isNegative();
      guard.injector().disarm(page(48));
      guard.scrub();
      assertThat(guard.damage()).isEmpty();
      assertWholeAgain();
    }
  }

  @ParameterizedTest
  @EnumSource
  void shouldBelieveAnApplicationOnlyWhatTheSidecarKnows(GuardTest.Place place) throws Exception {
    protect(place);
    RepairSource wrong = (path, range) -> new byte[(int) range.length()];
    List<RepairSource> right = new ArrayList<>();
    RepairSource later =
        (path, range) -> right.isEmpty() ? null : right.getFirst().bytes(path, range);
    GuardOptions options = GuardOptions.SIDECAR.repairFrom(wrong).repairFrom(later);
    try (Guard guard = watched(options)) {
      for (int column = 0; column < 3; column++) {
        strike(guard, FaultKind.POISON, page(40 + column * ROWS));
      }
      assertThatThrownBy(() -> copy(guard, 40 * PAGE, 1)).isInstanceOf(DamagedRangeException.class);
      right.add((path, range) -> good(range));
      guard.scrub();
      assertThat(guard.damage()).isEmpty();
      assertThat(copy(guard, 0, SIZE)).isEqualTo(content);
      assertWholeAgain();
    }
  }

  @ParameterizedTest
  @EnumSource
  void shouldNotRepairAChangeBack(GuardTest.Place place) throws Exception {
    protect(place);
    byte[] mine = "a change that was meant".getBytes(java.nio.charset.StandardCharsets.US_ASCII);
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      channel.write(ByteBuffer.wrap(mine), 50L * PAGE);
    }
    byte[] changed = Files.readAllBytes(file);
    SidecarException refused =
        catchThrowableOfType(SidecarException.class, () -> map(GuardOptions.SIDECAR));
    assertThat(refused.sidecarReason()).isEqualTo(SidecarException.Reason.CHANGED);
    try (Guard guard = map(GuardOptions.SIDECAR.verify(Verify.ON_COPY))) {
      assertThat(copy(guard, 0, 50 * PAGE)).isEqualTo(good(new ByteRange(0, 50 * PAGE)));
      assertThatThrownBy(() -> copy(guard, 50 * PAGE, 1)).isInstanceOf(SidecarException.class);
      strike(guard, FaultKind.POISON, page(50));
      assertThatThrownBy(() -> copy(guard, 50 * PAGE, 1)).isInstanceOf(DamagedRangeException.class);
      guard.injector().disarm(page(50));
    }
    assertThat(Files.readAllBytes(file)).isEqualTo(changed);
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      channel.truncate(10 * PAGE);
    }
    assertThatThrownBy(() -> map(GuardOptions.SIDECAR)).isInstanceOf(SidecarException.class);
    Files.delete(Sidecar.pathOf(file));
    SidecarException missing =
        catchThrowableOfType(SidecarException.class, () -> map(GuardOptions.SIDECAR));
    assertThat(missing.sidecarReason()).isEqualTo(SidecarException.Reason.MISSING);
  }

  @ParameterizedTest
  @EnumSource
  void shouldRecoverAChangeUnverified(GuardTest.Place place) throws Exception {
    protect(place);
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      channel.write(ByteBuffer.wrap(new byte[] {1, 2, 3}), 50L * PAGE);
    }
    try (Guard guard = map(GuardOptions.SIDECAR.verify(Verify.ON_COPY))) {
      byte[] out = new byte[SIZE];
      Recovery recovery = guard.recoveryCopy(0, MemorySegment.ofArray(out));
      assertThat(out).isEqualTo(Files.readAllBytes(file));
      assertThat(recovery.unverified()).isEqualTo(ByteRanges.of(page(50)));
      assertThat(recovery.holes().isEmpty()).isTrue();
    }
  }

  @ParameterizedTest
  @EnumSource
  void shouldNotCallVerifiedWhatNothingVerifies(GuardTest.Place place) throws Exception {
    protect(place);
    byte[] sidecar = Files.readAllBytes(Sidecar.pathOf(file));
    Arrays.fill(sidecar, 256, sidecar.length - 256, (byte) 7); // all but the headers
    Files.write(Sidecar.pathOf(file), sidecar);
    try (Guard guard = map(GuardOptions.SIDECAR.verify(Verify.ON_COPY))) {
      Recovery recovery = guard.recoveryCopy(0, MemorySegment.ofArray(new byte[SIZE]));
      assertThat(recovery.verified().isEmpty()).isTrue();
      assertThat(recovery.unverified()).isEqualTo(ByteRanges.of(new ByteRange(0, SIZE)));
    }
  }

  @ParameterizedTest
  @EnumSource
  void shouldNotWriteToWhatTookTheSidecarsPlace(GuardTest.Place place) throws Exception {
    protect(place);
    Path sidecar = Sidecar.pathOf(file);
    byte[] another = "somebody's own".getBytes(java.nio.charset.StandardCharsets.US_ASCII);
    try (Guard guard = watched(GuardOptions.SIDECAR.verify(Verify.ON_COPY))) {
      strike(guard, FaultKind.POISON, page(7));
      Files.delete(sidecar);
      assertThat(copy(guard, 7 * PAGE, PAGE)).isEqualTo(good(page(7)));
      assertThat(sidecar).doesNotExist();
      Files.write(sidecar, another);
      strike(guard, FaultKind.POISON, page(8));
      assertThat(copy(guard, 8 * PAGE, PAGE)).isEqualTo(good(page(8)));
      assertThat(Files.readAllBytes(sidecar)).isEqualTo(another);
    }
    assertThat(events)
        .extracting(event -> ((GuardEvent.Healed) event).place())
        .containsOnly(GuardEvent.Place.MEMORY);
  }

  /** As Lucene deletes the files of readers that are still open. */
  @ParameterizedTest
  @EnumSource
  void shouldHealAFileThatHasNoNameAnyMore(GuardTest.Place place) throws Exception {
    protect(place);
    try (Guard guard = watched(GuardOptions.SIDECAR.verify(Verify.ON_COPY))) {
      Files.delete(file);
      Files.delete(Sidecar.pathOf(file));
      strike(guard, FaultKind.FLIP, page(17));
      strike(guard, FaultKind.POISON, page(100));
      assertThat(copy(guard, 0, SIZE)).isEqualTo(content);
      assertThat(guard.segment().toArray(JAVA_BYTE)).isEqualTo(content);
      assertThat(guard.damage()).isEmpty();
    }
    assertThat(events).hasSize(2).allMatch(GuardEvent.Healed.class::isInstance);
    assertThat(Sidecar.pathOf(file)).doesNotExist();
    assertThat(file).doesNotExist();
  }
}

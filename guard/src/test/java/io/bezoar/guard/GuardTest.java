package io.bezoar.guard;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_DOUBLE_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import io.bezoar.media.Cause;
import io.bezoar.media.FaultKind;
import io.bezoar.media.FaultSpec;
import io.bezoar.media.MediaFolders;
import io.bezoar.media.MediaOpenException;
import io.bezoar.media.MediaUnavailableException;
import io.bezoar.media.Presence;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.SimpleFormatter;
import jdk.jfr.Recording;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A guarded file without a sidecar, in memory and on disk. */
class GuardTest {
  private static final int PAGE = 4096;
  private static final int SIZE = 20 * PAGE + 1234;
  private static final FileTime LONG_AGO = FileTime.from(Instant.ofEpochSecond(1_000_000_000, 77));
  private static final RepairSource NOBODY = (file, range) -> null;

  /** Where the file is. */
  enum Place {
    MEMORY,
    DISK
  }

  private final Arena arena = Arena.ofShared();
  private final List<GuardEvent> events = new ArrayList<>();
  private Path folder = Path.of("/none");
  private Path file = Path.of("/none");
  private byte[] content = {};

  private Guard map(Place place, GuardOptions options) throws IOException {
    folder = place == Place.DISK ? MediaFolders.onDisk() : MediaFolders.onTmpfs();
    content = new byte[SIZE];
    new SplittableRandom(1).nextBytes(content);
    file = Files.write(folder.resolve("file"), content);
    Files.setLastModifiedTime(file, LONG_AGO);
    return again(options);
  }

  @SuppressWarnings("MustBeClosedChecker")
  private Guard again(GuardOptions options) throws IOException {
    Guard guard = Guard.map(file, options.drills());
    AutoCloseable unused = guard.subscribe(events::add);
    assertThat(unused).isNotNull();
    return guard;
  }

  @AfterEach
  void remove() throws IOException {
    arena.close();
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

  private RepairSource backup() {
    return (path, range) -> good(range);
  }

  private static byte[] copy(Guard guard, long offset, int length) throws IOException {
    byte[] bytes = new byte[length];
    guard.copy(offset, bytes, 0, length);
    return bytes;
  }

  @ParameterizedTest
  @EnumSource
  void shouldReadAHealthyFileEveryWay(Place place) throws Exception {
    try (Guard guard = map(place, GuardOptions.DEFAULT)) {
      assertThat(guard.sizeBytes()).isEqualTo(SIZE);
      assertThat(guard.segment().isMapped()).isTrue();
      assertThat(guard.segment().toArray(JAVA_BYTE)).isEqualTo(content);
      assertThat(copy(guard, 0, SIZE)).isEqualTo(content);
      MemorySegment dst = arena.allocate(PAGE);
      guard.copy(777, dst);
      assertThat(dst.toArray(JAVA_BYTE)).isEqualTo(good(new ByteRange(777, 777 + PAGE)));
      long[] longs = new long[3];
      guard.copy(5, MemorySegment.ofArray(longs));
      MemorySegment bytes = MemorySegment.ofArray(content);
      assertThat(longs[2]).isEqualTo(bytes.get(JAVA_LONG_UNALIGNED, 5 + 16));
      assertThat(guard.get(JAVA_BYTE, 3)).isEqualTo(content[3]);
      assertThat(guard.get(JAVA_INT_UNALIGNED, 9)).isEqualTo(bytes.get(JAVA_INT_UNALIGNED, 9));
      assertThat(guard.get(JAVA_INT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN), 9))
          .isEqualTo(bytes.get(JAVA_INT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN), 9));
      assertThat(guard.get(JAVA_DOUBLE_UNALIGNED, 11))
          .isEqualTo(bytes.get(JAVA_DOUBLE_UNALIGNED, 11));
      assertThat(
              guard.<Integer, RuntimeException>run(() -> (int) guard.segment().get(JAVA_BYTE, 8)))
          .isEqualTo(content[8]);
      assertThatThrownBy(() -> copy(guard, 1, SIZE)).isInstanceOf(IndexOutOfBoundsException.class);
      assertThatThrownBy(() -> guard.copy(0, guard.segment()))
          .isInstanceOf(IllegalArgumentException.class);
      assertThat(guard.damage()).isEmpty();
    }
    assertThat(events).isEmpty();
  }

  @ParameterizedTest
  @EnumSource
  void shouldNameALostPageAndServeTheRest(Place place) throws IOException {
    try (Guard guard = map(place, GuardOptions.DEFAULT)) {
      strike(guard, FaultKind.POISON, page(7));
      MemorySegment dst = arena.allocate(SIZE);
      DamagedRangeException lost =
          catchThrowableOfType(DamagedRangeException.class, () -> guard.copy(0, dst));
      assertThat(lost.getFile()).isEqualTo(file.toString());
      assertThat(lost.ranges()).containsExactly(page(7));
      assertThat(lost.goodPrefixBytes()).isEqualTo(7L * PAGE);
      assertThat(dst.asSlice(0, 7L * PAGE).toArray(JAVA_BYTE))
          .isEqualTo(good(new ByteRange(0, 7L * PAGE)));
      assertThat(lost).hasMessageContaining("[0x7000, 0x8000)").hasMessageContaining("backup");
      DamagedRangeException again =
          catchThrowableOfType(
              DamagedRangeException.class, () -> guard.get(JAVA_BYTE, 7 * PAGE + 9));
      assertThat(again.ranges()).containsExactly(new ByteRange(7 * PAGE + 9, 7 * PAGE + 10));
      assertThat(copy(guard, 8 * PAGE, SIZE - 8 * PAGE))
          .isEqualTo(good(new ByteRange(8 * PAGE, SIZE)));
      assertThat(((DamagedRangeException) sentAndReceived(lost)).ranges()).isEqualTo(lost.ranges());
      assertThat(guard.damage()).hasSize(1);
      assertThat(guard.damage().getFirst().range()).isEqualTo(page(7));
      assertThat(guard.damage().getFirst().cause()).isEqualTo(Cause.TRAP);
    }
    assertThat(events).containsExactly(new GuardEvent.Damaged(file, page(7), Cause.TRAP));
    assertThat(Files.getLastModifiedTime(file)).isEqualTo(LONG_AGO);
  }

  @ParameterizedTest
  @EnumSource
  void shouldServeTheGoodSectorsOfAPageOnDisk(Place place) throws IOException {
    try (Guard guard = map(place, GuardOptions.DEFAULT)) {
      ByteRange sector = ByteRange.ofLength(7 * PAGE + 1024, 512);
      strike(guard, FaultKind.EIO, sector);
      ByteRange lost = place == Place.DISK ? sector : page(7);
      DamagedRangeException thrown =
          catchThrowableOfType(DamagedRangeException.class, () -> copy(guard, 6 * PAGE, 3 * PAGE));
      assertThat(thrown.ranges()).containsExactly(lost);
      assertThat(thrown.goodPrefixBytes()).isEqualTo(lost.start() - 6 * PAGE);
      if (place == Place.DISK) {
        assertThat(copy(guard, 7 * PAGE, 1024)).isEqualTo(good(ByteRange.ofLength(7 * PAGE, 1024)));
        assertThat(copy(guard, sector.end(), PAGE))
            .isEqualTo(good(ByteRange.ofLength(sector.end(), PAGE)));
      }
      byte[] recovered = new byte[3 * PAGE];
      Recovery recovery = guard.recoveryCopy(6 * PAGE, MemorySegment.ofArray(recovered));
      ByteRange asked = ByteRange.ofLength(6 * PAGE, 3 * PAGE);
      assertThat(recovery.holes()).isEqualTo(ByteRanges.of(lost));
      assertThat(recovery.unverified()).isEqualTo(ByteRanges.of(asked).minus(lost));
      assertThat(recovery.verified().isEmpty()).isTrue();
      byte[] expected = good(asked);
      Arrays.fill(
          expected,
          (int) (lost.start() - asked.start()),
          (int) (lost.end() - asked.start()),
          (byte) 0);
      assertThat(recovered).isEqualTo(expected);
    }
  }

  @ParameterizedTest
  @EnumSource
  void shouldHealFromTheApplicationInPlace(Place place) throws IOException {
    List<ByteRange> asked = new ArrayList<>();
    RepairSource counted =
        (path, range) -> {
          assertThat(path).isEqualTo(file);
          asked.add(range);
          return good(range);
        };
    try (Guard guard = map(place, GuardOptions.DEFAULT.repairFrom(NOBODY).repairFrom(counted))) {
      for (ByteRange struck : List.of(page(0), page(5), page(20))) {
        strike(guard, FaultKind.POISON, struck);
      }
      assertThat(copy(guard, 0, SIZE)).isEqualTo(content);
      assertThat(asked).containsExactly(page(0), page(5), page(20));
      assertThat(guard.segment().toArray(JAVA_BYTE)).isEqualTo(content);
      assertThat(guard.damage()).isEmpty();
      assertThat(guard.injector().armed()).isEmpty();
      assertThat(events)
          .containsExactly(
              healed(page(0), GuardEvent.Place.FILE),
              healed(page(5), GuardEvent.Place.FILE),
              healed(page(20), GuardEvent.Place.FILE));
    }
    assertThat(Files.readAllBytes(file)).isEqualTo(content);
    assertThat(Files.getLastModifiedTime(file)).isEqualTo(LONG_AGO);
  }

  private GuardEvent healed(ByteRange range, GuardEvent.Place place) {
    return new GuardEvent.Healed(file, range, GuardEvent.Source.APPLICATION, place);
  }

  @ParameterizedTest
  @EnumSource
  void shouldReallyStoreWhatWasRepaired(Place place) throws IOException {
    try (Guard guard = map(place, GuardOptions.DEFAULT.repairFrom(backup()))) {
      strike(guard, FaultKind.POISON, page(3));
      try (FileChannel below = FileChannel.open(file, StandardOpenOption.WRITE)) {
        below.write(java.nio.ByteBuffer.allocate(PAGE), 3L * PAGE);
      }
      assertThat(copy(guard, 3 * PAGE, PAGE)).isEqualTo(good(page(3)));
    }
    assertThat(Files.readAllBytes(file)).isEqualTo(content);
  }

  @ParameterizedTest
  @EnumSource
  void shouldHealInMemoryWhenTheFileTakesNothing(Place place) throws IOException {
    try (Guard guard = map(place, GuardOptions.DEFAULT.repairFrom(backup()))) {
      guard.injector().inject(new FaultSpec(FaultKind.POISON, page(4), true, 1)); // stuck
      assertThat(copy(guard, 0, SIZE)).isEqualTo(content);
      assertThat(guard.segment().toArray(JAVA_BYTE)).isEqualTo(content);
      Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("r--r--r--"));
      strike(guard, FaultKind.POISON, page(20));
      assertThat(copy(guard, 0, SIZE)).isEqualTo(content);
      assertThat(guard.damage()).isEmpty();
      guard.scrub(); // the file still takes nothing
      Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r--r--"));
      guard.injector().disarm(page(4));
      try (FileChannel below = FileChannel.open(file, StandardOpenOption.WRITE)) {
        below.write(java.nio.ByteBuffer.allocate(PAGE), 4L * PAGE);
      }
      guard.scrub();
      assertThat(guard.injector().armed()).isEmpty();
      assertThat(copy(guard, 0, SIZE)).isEqualTo(content);
    }
    assertThat(Files.readAllBytes(file)).isEqualTo(content);
    assertThat(events)
        .containsExactly(
            healed(page(4), GuardEvent.Place.MEMORY),
            healed(page(20), GuardEvent.Place.MEMORY),
            new GuardEvent.Healed(file, page(4), GuardEvent.Source.MEMORY, GuardEvent.Place.FILE),
            new GuardEvent.Healed(file, page(20), GuardEvent.Source.MEMORY, GuardEvent.Place.FILE));
  }

  @ParameterizedTest
  @EnumSource
  void shouldNotWriteWhenToldNotTo(Place place) throws IOException {
    try (Guard guard = map(place, GuardOptions.DEFAULT.repairFrom(backup()).repairInMemoryOnly())) {
      strike(guard, FaultKind.POISON, page(4));
      assertThat(copy(guard, 0, SIZE)).isEqualTo(content);
      assertThat(guard.injector().armed()).hasSize(1);
    }
    assertThat(events).containsExactly(healed(page(4), GuardEvent.Place.MEMORY));
    try (Guard guard = again(GuardOptions.DEFAULT)) { // still bad below
      assertThatThrownBy(() -> copy(guard, 4 * PAGE, 1)).isInstanceOf(DamagedRangeException.class);
    }
  }

  @ParameterizedTest
  @EnumSource
  void shouldNotBelieveASourceThatIsWrongOrFails(Place place) throws IOException {
    GuardOptions options =
        GuardOptions.DEFAULT
            .repairFrom((path, range) -> new byte[7])
            .repairFrom(
                (path, range) -> {
                  throw new IOException("replica is down");
                });
    try (Guard guard = map(place, options)) {
      strike(guard, FaultKind.POISON, page(4));
      assertThatThrownBy(() -> copy(guard, 4 * PAGE, 1)).isInstanceOf(DamagedRangeException.class);
    }
    assertThat(events).containsExactly(new GuardEvent.Damaged(file, page(4), Cause.TRAP));
  }

  @ParameterizedTest
  @EnumSource
  void shouldLetASourceReadTheRestButNotWaitForItself(Place place) throws IOException {
    ConcurrentLinkedQueue<Object> seen = new ConcurrentLinkedQueue<>();
    Guard[] self = new Guard[1];
    RepairSource reading =
        (path, range) -> {
          if (range.equals(page(9))) {
            return good(range);
          }
          seen.add(copy(self[0], 9 * PAGE, PAGE));
          try {
            copy(self[0], range.start(), 1);
          } catch (DamagedRangeException e) {
            seen.add(e);
          }
          return good(range);
        };
    try (Guard guard = map(place, GuardOptions.DEFAULT.repairFrom(reading))) {
      self[0] = guard;
      strike(guard, FaultKind.POISON, page(4));
      strike(guard, FaultKind.POISON, page(9));
      assertThat(copy(guard, 4 * PAGE, PAGE)).isEqualTo(good(page(4)));
    }
    assertThat(seen).hasAtLeastOneElementOfType(DamagedRangeException.class);
    assertThat(events).hasSize(2);
  }

  @ParameterizedTest
  @EnumSource
  void shouldRunAgainAfterAFault(Place place) throws Exception {
    try (Guard guard = map(place, GuardOptions.DEFAULT.repairFrom(backup()))) {
      strike(guard, FaultKind.POISON, page(2));
      strike(guard, FaultKind.POISON, page(11));
      long sum = guard.<Long, RuntimeException>run(() -> sum(guard.segment()));
      assertThat(sum).isEqualTo(sum(MemorySegment.ofArray(content)));
      assertThat(events).hasSize(2);
    }
  }

  @ParameterizedTest
  @EnumSource
  void shouldThrowFromARunWhatIsLost(Place place) throws Exception {
    try (Guard guard = map(place, GuardOptions.DEFAULT)) {
      strike(guard, FaultKind.POISON, page(2));
      for (int i = 0; i < 2; i++) {
        DamagedRangeException lost =
            catchThrowableOfType(
                DamagedRangeException.class,
                () -> guard.<Long, RuntimeException>run(() -> sum(guard.segment())));
        assertThat(lost.ranges()).containsExactly(page(2));
      }
      assertThat(guard.<Byte, RuntimeException>run(() -> guard.segment().get(JAVA_BYTE, 0)))
          .isEqualTo(content[0]);
      assertThatThrownBy(
              () ->
                  guard.run(
                      () -> {
                        throw new IllegalStateException("the application's own");
                      }))
          .isInstanceOf(IllegalStateException.class)
          .hasMessage("the application's own");
    }
  }

  private static long sum(MemorySegment segment) {
    long sum = 0;
    for (long i = 0; i < segment.byteSize(); i++) {
      sum += segment.get(JAVA_BYTE, i);
    }
    return sum;
  }

  @ParameterizedTest
  @EnumSource
  void shouldFindOutInAScrubWhatIsGoodByNow(Place place) throws IOException {
    List<Boolean> knows = new ArrayList<>();
    RepairSource late = (path, range) -> knows.isEmpty() ? null : good(range);
    try (Guard guard = map(place, GuardOptions.DEFAULT.repairFrom(late))) {
      strike(guard, FaultKind.POISON, page(2));
      strike(guard, FaultKind.POISON, page(13));
      guard.scrub();
      assertThat(guard.damage().stream().map(Damage::range)).containsExactly(page(2), page(13));
      guard.injector().disarm(page(13));
      guard.scrub();
      assertThat(guard.damage().stream().map(Damage::range)).containsExactly(page(2));
      knows.add(true);
      guard.scrub();
      assertThat(guard.damage()).isEmpty();
      assertThat(copy(guard, 0, SIZE)).isEqualTo(content);
    }
    assertThat(events)
        .contains(
            new GuardEvent.Healed(file, page(13), GuardEvent.Source.FILE, GuardEvent.Place.FILE),
            healed(page(2), GuardEvent.Place.FILE));
  }

  @ParameterizedTest
  @EnumSource
  void shouldCallACutFileCut(Place place) throws IOException {
    try (Guard guard = map(place, GuardOptions.DEFAULT.repairFrom(backup()));
        FileChannel cut = FileChannel.open(file, StandardOpenOption.WRITE)) {
      cut.truncate(10 * PAGE);
      assertThat(copy(guard, 0, 10 * PAGE)).isEqualTo(good(new ByteRange(0, 10 * PAGE)));
      for (int i = 0; i < 2; i++) {
        MediaUnavailableException absent =
            catchThrowableOfType(
                MediaUnavailableException.class, () -> copy(guard, 12 * PAGE, PAGE));
        assertThat(absent.presence()).isEqualTo(Presence.TRUNCATED);
      }
      assertThatThrownBy(() -> guard.<Long, RuntimeException>run(() -> sum(guard.segment())))
          .isInstanceOf(MediaUnavailableException.class);
      assertThat(guard.damage()).isEmpty();
      assertThat(Files.size(file)).isEqualTo(10 * PAGE);
    }
    assertThat(events).containsExactly(new GuardEvent.Truncated(file, SIZE));
  }

  /** Without a subscriber: what an operator sees of it. */
  @ParameterizedTest
  @EnumSource
  void shouldTellTheLogAndTheFlightRecorder(Place place) throws IOException {
    List<String> lines = new ArrayList<>();
    Logger log = Logger.getLogger("io.bezoar.guard");
    Handler handler =
        new Handler() {
          @Override
          public void publish(LogRecord entry) {
            lines.add(entry.getLevel() + " " + new SimpleFormatter().formatMessage(entry));
          }

          @Override
          public void flush() {}

          @Override
          public void close() {}
        };
    log.addHandler(handler);
    try (Recording recording = new Recording()) {
      recording.start();
      RepairSource one = (path, range) -> range.equals(page(5)) ? good(range) : null;
      try (Guard guard = map(place, GuardOptions.DEFAULT.repairFrom(one));
          FileChannel cut = FileChannel.open(file, StandardOpenOption.WRITE)) {
        strike(guard, FaultKind.POISON, page(5));
        copy(guard, 5 * PAGE, PAGE);
        strike(guard, FaultKind.POISON, page(7));
        assertThatThrownBy(() -> copy(guard, 7 * PAGE, PAGE))
            .isInstanceOf(DamagedRangeException.class);
        cut.truncate(10 * PAGE);
        assertThatThrownBy(() -> copy(guard, 12 * PAGE, PAGE))
            .isInstanceOf(MediaUnavailableException.class);
      }
      recording.stop();
      Path dump = folder.resolve("recording.jfr");
      recording.dump(dump);
      assertThat(RecordingFile.readAllEvents(dump))
          .filteredOn(event -> event.getEventType().getName().startsWith("io.bezoar.guard."))
          .filteredOn(event -> event.getString("file").equals(file.toString()))
          .extracting(GuardTest::told)
          .containsExactly(
              "io.bezoar.guard.Healed 20480+4096 APPLICATION FILE",
              "io.bezoar.guard.Damaged 28672+4096 TRAP",
              "io.bezoar.guard.Truncated " + SIZE);
    } finally {
      log.removeHandler(handler);
    }
    assertThat(lines)
        .containsExactly(
            "INFO " + file + ": [0x5000, 0x6000) healed from APPLICATION, in FILE",
            "WARNING " + file + ": [0x7000, 0x8000) lost (TRAP)",
            "WARNING " + file + ": shorter than " + SIZE + " bytes now");
  }

  private static String told(RecordedEvent event) {
    String name = event.getEventType().getName();
    if (name.endsWith("Truncated")) {
      return name + " " + event.getLong("sizeAtMap");
    }
    String place = name + " " + event.getLong("offset") + "+" + event.getLong("length");
    return name.endsWith("Damaged")
        ? place + " " + event.getString("cause")
        : place + " " + event.getString("source") + " " + event.getString("place");
  }

  @ParameterizedTest
  @EnumSource
  void shouldSayWhyAFileCannotBeMapped(Place place) throws IOException {
    Guard guard = map(place, GuardOptions.DEFAULT);
    guard.close();
    guard.close();
    assertThatThrownBy(() -> copy(guard, 0, 1)).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> Guard.map(folder, GuardOptions.DEFAULT))
        .isInstanceOf(MediaOpenException.class);
    assertThatThrownBy(() -> Guard.map(folder.resolve("none"), GuardOptions.DEFAULT))
        .isInstanceOf(MediaOpenException.class);
    Files.write(file, new byte[0]);
    try (Guard empty = Guard.map(file, GuardOptions.DEFAULT)) {
      assertThat(empty.sizeBytes()).isZero();
      assertThat(empty.segment().byteSize()).isZero();
      empty.copy(0, new byte[0], 0, 0);
      empty.scrub();
    }
  }

  private static Object sentAndReceived(Exception thrown) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
      out.writeObject(thrown);
    }
    try (ObjectInputStream in =
        new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
      return in.readObject();
    } catch (ClassNotFoundException e) {
      throw new IOException(e);
    }
  }
}

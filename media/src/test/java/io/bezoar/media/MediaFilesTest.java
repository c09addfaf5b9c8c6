package io.bezoar.media;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.bezoar.media.MediaOpenException.Reason;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Opening and creating: what is chosen, what is refused and how, what survives a reopen. */
class MediaFilesTest {
  private static final int PAGE = Units.PAGE_BYTES;
  private static final long SIZE = 16L * PAGE;

  private final Path memory;
  private final Path disk;
  private final Arena arena = Arena.ofShared();

  MediaFilesTest() throws IOException {
    memory = MediaFolders.onTmpfs();
    disk = MediaFolders.onDisk();
  }

  @AfterEach
  void removeFolders() throws IOException {
    arena.close();
    MediaFolders.remove(memory);
    MediaFolders.remove(disk);
  }

  private Path folder(MediaChoice choice) {
    return choice == MediaChoice.MAPPED ? memory : disk;
  }

  private static MediaOptions drill(MediaChoice choice) {
    return new MediaOptions(Access.READ_WRITE, choice, Drills.ON);
  }

  private static Media create(Path path) throws IOException {
    return MediaFiles.create(path, SIZE, Allocation.PREALLOCATED, MediaOptions.READ_WRITE);
  }

  private static Reason refused(ThrowingCallable opening) {
    MediaOpenException e = catchThrowableOfType(MediaOpenException.class, opening);
    assertThat(e).isNotNull();
    assertThat(e.getFile()).isNotBlank();
    assertThat(e.getReason()).as("the next step").isNotBlank();
    return e.openReason();
  }

  // What is chosen

  @Test
  void shouldMapWhatLivesInMemory() throws IOException {
    try (Media media = create(memory.resolve("pool"))) {
      assertThat(media.info())
          .isEqualTo(
              new MediaInfo(
                  memory.resolve("pool").toString(),
                  MediaKind.MAPPED_MEMORY,
                  SIZE,
                  PAGE,
                  PAGE,
                  Persistence.PROCESS_CRASH,
                  false,
                  true));
    }
  }

  @Test
  void shouldReachPlainFilesByChannel() throws IOException {
    org.junit.jupiter.api.Assumptions.assumeFalse(
        isTmpfs(disk), "SKIPPED: temporary files are in memory here: set java.io.tmpdir to a disk");
    try (Media media = create(disk.resolve("pool"))) {
      assertThat(media.info().kind()).isEqualTo(MediaKind.CHANNEL);
      assertThat(media.info().granuleBytes()).isEqualTo(512);
      assertThat(media.info().persistence()).isEqualTo(Persistence.FDATASYNC);
      assertThat(media.info().blocking()).isTrue();
    }
    MediaOptions mapped = drill(MediaChoice.MAPPED);
    assertThat(refused(() -> MediaFiles.open(disk.resolve("pool"), mapped)))
        .isEqualTo(Reason.NOT_MAPPABLE);
    assertThat(
            refused(
                () ->
                    MediaFiles.create(disk.resolve("new"), SIZE, Allocation.PREALLOCATED, mapped)))
        .isEqualTo(Reason.NOT_MAPPABLE);
    assertThat(disk.resolve("new")).doesNotExist();
  }

  private static boolean isTmpfs(Path path) throws IOException {
    return Files.getFileStore(path).type().equals("tmpfs");
  }

  @Test
  void shouldReachMemoryByChannelWhenAsked() throws IOException {
    MediaOptions channel = drill(MediaChoice.CHANNEL);
    try (Media media =
        MediaFiles.create(memory.resolve("pool"), SIZE, Allocation.SPARSE, channel)) {
      assertThat(media.info().kind()).isEqualTo(MediaKind.CHANNEL);
      assertThat(media.info().persistence()).isEqualTo(Persistence.PROCESS_CRASH);
    }
  }

  @Test
  void shouldPassItsSelfTest() {
    GuardReport report = GuardSelfTest.report();
    assertThat(report.sound()).as("%s", report).isTrue();
    assertThat(report.planted()).isGreaterThan(100);
  }

  // What is refused

  @Test
  void shouldRefuseWhatIsNotAPoolFile() throws Exception {
    Path fifo = memory.resolve("fifo");
    assertThat(new ProcessBuilder("mkfifo", fifo.toString()).start().waitFor()).isZero();
    for (MediaOptions options : List.of(MediaOptions.READ_ONLY, MediaOptions.READ_WRITE)) {
      assertThat(refused(() -> MediaFiles.open(memory.resolve("none"), options)))
          .isEqualTo(Reason.MISSING);
      assertThat(refused(() -> MediaFiles.open(fifo.resolve("below"), options)))
          .isEqualTo(Reason.MISSING);
      assertThat(refused(() -> MediaFiles.open(memory, options))).isEqualTo(Reason.NOT_A_FILE);
      assertThat(refused(() -> MediaFiles.open(fifo, options))).isEqualTo(Reason.NOT_A_FILE);
      assertThat(refused(() -> MediaFiles.open(Path.of("/dev/null"), options)))
          .isEqualTo(Reason.NOT_A_FILE);
    }
    assertThat(memory.resolve("none")).doesNotExist();
  }

  @Test
  void shouldRefuseToWriteAReadOnlyFileButReadIt() throws IOException {
    Path path = memory.resolve("pool");
    create(path).close();
    Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("r--r--r--"));
    assertThat(refused(() -> MediaFiles.open(path, MediaOptions.READ_WRITE)))
        .isEqualTo(Reason.READ_ONLY);
    try (Media media = MediaFiles.open(path, MediaOptions.READ_ONLY)) {
      media.read(0, arena.allocate(PAGE));
      media.persist();
      assertThat(media.info().writable()).isFalse();
      assertThatThrownBy(() -> media.write(0, arena.allocate(PAGE)))
          .isInstanceOf(UnsupportedOperationException.class);
      assertThatThrownBy(() -> media.reinitialise(0, arena.allocate(PAGE)))
          .isInstanceOf(UnsupportedOperationException.class);
      assertThatThrownBy(media::injector).isInstanceOf(UnsupportedOperationException.class);
    }
  }

  @Test
  void shouldCreateOnlyWhatIsNotThereAndFits() throws IOException {
    Path path = Files.write(memory.resolve("pool"), new byte[3]);
    assertThat(refused(() -> create(path))).isEqualTo(Reason.EXISTS);
    assertThat(path).hasSize(3);
    for (long size : new long[] {0, -PAGE}) {
      Path odd = memory.resolve("odd");
      assertThat(
              refused(
                  () -> MediaFiles.create(odd, size, Allocation.SPARSE, MediaOptions.READ_WRITE)))
          .isEqualTo(Reason.BAD_GEOMETRY);
      assertThat(odd).doesNotExist();
    }
    Path huge = memory.resolve("huge");
    assertThatThrownBy(
            () ->
                MediaFiles.create(huge, 1L << 50, Allocation.PREALLOCATED, MediaOptions.READ_WRITE))
        .isInstanceOf(MediaFullException.class);
    assertThat(huge).doesNotExist();
    assertThat(refused(() -> create(memory.resolve("none/pool")))).isEqualTo(Reason.MISSING);
  }

  @Test
  void shouldHandleMoreThanAnIntCanCount() throws IOException {
    long size = 5L << 30;
    for (MediaChoice choice : List.of(MediaChoice.MAPPED, MediaChoice.CHANNEL)) {
      Path path = folder(choice).resolve("large");
      try (Media media = MediaFiles.create(path, size, Allocation.SPARSE, drill(choice))) {
        MemorySegment src = arena.allocateFrom(JAVA_BYTE, new byte[] {1, 2, 3, 4, 5});
        media.write(size - 5, src);
        MemorySegment dst = arena.allocate(5);
        media.read(size - 5, dst);
        assertThat(dst.mismatch(src)).isEqualTo(-1);
        ByteRange last = new ByteRange(size - PAGE, size);
        media.injector().inject(FaultSpec.of(FaultKind.POISON, last, 1));
        if (choice == MediaChoice.MAPPED) {
          assertThat(media.probe(new ByteRange(0, size))).containsExactly(last);
        }
        assertThat(media.probe(new ByteRange(size - (1 << 20), size))).containsExactly(last);
      }
    }
  }

  // Who may

  @Test
  void shouldLockOutASecondWriterOfThisProcess() throws IOException {
    Path path = memory.resolve("pool");
    try (Media first = create(path)) {
      assertThat(refused(() -> MediaFiles.open(path, MediaOptions.READ_WRITE)))
          .isEqualTo(Reason.LOCKED);
      try (Media reader = MediaFiles.open(path, MediaOptions.READ_ONLY)) {
        assertThat(reader.sizeBytes()).isEqualTo(first.sizeBytes());
      }
      assertThat(refused(() -> MediaFiles.open(path, MediaOptions.READ_WRITE)))
          .as("closing another descriptor keeps the lock")
          .isEqualTo(Reason.LOCKED);
    }
    MediaFiles.open(path, MediaOptions.READ_WRITE).close();
  }

  /** Opens media for writing, says so, and holds it until its input ends. */
  static final class LockHolder {
    public static void main(String[] args) throws IOException {
      try (Media media = MediaFiles.open(Path.of(args[0]), MediaOptions.READ_WRITE)) {
        System.out.println("holding " + media.sizeBytes());
        while (System.in.read() >= 0) {}
      }
    }
  }

  @Test
  void shouldLockOutAnotherProcessUntilItDies() throws Exception {
    Path path = memory.resolve("pool");
    create(path).close();
    Process holder =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx64m",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                LockHolder.class.getName(),
                path.toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try (BufferedReader out =
        new BufferedReader(
            new InputStreamReader(holder.getInputStream(), StandardCharsets.UTF_8))) {
      assertThat(out.readLine()).isEqualTo("holding " + SIZE);
      assertThat(refused(() -> MediaFiles.open(path, MediaOptions.READ_WRITE)))
          .isEqualTo(Reason.LOCKED);
      MediaFiles.open(path, MediaOptions.READ_ONLY).close();
    } finally {
      holder.destroyForcibly().waitFor();
    }
    MediaFiles.open(path, MediaOptions.READ_WRITE).close();
  }

  // What happens while it is open

  @ParameterizedTest
  @EnumSource(
      value = MediaChoice.class,
      names = {"MAPPED", "CHANNEL"})
  void shouldTellTruncationFromDamageUnderReaders(MediaChoice choice) throws Exception {
    Path path = folder(choice).resolve("pool");
    try (Media media = MediaFiles.create(path, SIZE, Allocation.PREALLOCATED, drill(choice));
        RandomAccessFile outsider = new RandomAccessFile(path.toFile(), "rw");
        ExecutorService readers = Executors.newFixedThreadPool(2)) {
      List<Future<Presence>> ends = new ArrayList<>();
      for (int i = 0; i < 2; i++) {
        ends.add(readers.submit(() -> readUntilUnavailable(media)));
      }
      outsider.setLength(3 * PAGE);
      for (Future<Presence> end : ends) {
        assertThat(end.get()).isEqualTo(Presence.TRUNCATED);
      }
      assertThat(media.presence()).isEqualTo(Presence.TRUNCATED);
      assertTruncated(() -> media.write(5L * PAGE, arena.allocate(PAGE)));
      assertTruncated(() -> media.readPastCache(5L * PAGE, arena.allocate(PAGE)));
      assertTruncated(() -> media.reinitialise(5L * PAGE, arena.allocate(PAGE)));
      assertTruncated(() -> media.probe(new ByteRange(0, SIZE)));
      assertThat(Files.size(path)).as("not grown again").isEqualTo(3L * PAGE);
      outsider.setLength(SIZE + PAGE);
      assertThat(media.presence()).isEqualTo(Presence.PRESENT);
      media.read(5L * PAGE, arena.allocate(PAGE));
    }
  }

  private static Presence readUntilUnavailable(Media media) throws IOException {
    try (Arena own = Arena.ofConfined()) {
      MemorySegment dst = own.allocate(2L * PAGE);
      for (long i = 0; ; i++) {
        media.read(i % 14 * PAGE + 77, dst);
      }
    } catch (MediaUnavailableException e) {
      return e.presence();
    }
  }

  private static void assertTruncated(ThrowingCallable access) {
    MediaUnavailableException e = catchThrowableOfType(MediaUnavailableException.class, access);
    assertThat(e).isNotNull();
    assertThat(e.presence()).isEqualTo(Presence.TRUNCATED);
  }

  @ParameterizedTest
  @EnumSource(
      value = MediaChoice.class,
      names = {"MAPPED", "CHANNEL"})
  void shouldNotMindInterrupts(MediaChoice choice) throws IOException {
    Thread.currentThread().interrupt();
    try (Media media =
        MediaFiles.create(
            folder(choice).resolve("pool"), SIZE, Allocation.PREALLOCATED, drill(choice))) {
      media.write(0, arena.allocate(PAGE));
      media.persist();
      media.read(0, arena.allocate(PAGE));
      assertThat(media.window(new ByteRange(0, PAGE))).isPresent();
      assertThat(Thread.interrupted()).as("the interrupt is still there").isTrue();
    }
  }

  // Drills

  @ParameterizedTest
  @EnumSource(
      value = MediaChoice.class,
      names = {"MAPPED", "CHANNEL"})
  void shouldArmFaultsAgainAtOpen(MediaChoice choice) throws IOException {
    Path path = folder(choice).resolve("pool");
    Path list = path.resolveSibling("pool.drill");
    FaultSpec poison = new FaultSpec(FaultKind.POISON, new ByteRange(PAGE, 2 * PAGE), true, 7);
    FaultSpec eio = FaultSpec.of(FaultKind.EIO, new ByteRange(5 * PAGE, 7 * PAGE), -3);
    try (Media media = MediaFiles.create(path, SIZE, Allocation.PREALLOCATED, drill(choice))) {
      assertThat(list).doesNotExist();
      media.injector().inject(eio);
      media.injector().inject(poison);
      media.reinitialise(6L * PAGE, arena.allocate(PAGE));
      media.persist();
    }
    FaultSpec rest = FaultSpec.of(FaultKind.EIO, new ByteRange(5 * PAGE, 6 * PAGE), -3);
    try (Media media = MediaFiles.open(path, drill(choice))) {
      assertThat(media.injector().armed()).containsExactly(poison, rest);
    }
    // A drill list is in force whatever the options say, for readers too.
    for (Access access : Access.values()) {
      try (Media media = MediaFiles.open(path, new MediaOptions(access, choice, Drills.OFF))) {
        assertThatThrownBy(media::injector).isInstanceOf(UnsupportedOperationException.class);
        assertThat(media.probe(new ByteRange(0, SIZE)))
            .containsExactly(poison.range(), rest.range());
        assertThatThrownBy(() -> media.read(PAGE, arena.allocate(1)))
            .isInstanceOf(MediaFaultException.class);
        assertThat(media.window(new ByteRange(0, PAGE))).isPresent();
      }
    }
    try (Media media = MediaFiles.open(path, drill(choice))) {
      media.injector().disarm(new ByteRange(0, SIZE));
      assertThat(list).doesNotExist();
    }
  }

  @Test
  void shouldRefuseADamagedDrillListAndAStrayOne() throws IOException {
    Path path = memory.resolve("pool");
    Path list = path.resolveSibling("pool.drill");
    try (Media media =
        MediaFiles.create(path, SIZE, Allocation.PREALLOCATED, drill(MediaChoice.AUTO))) {
      media.injector().inject(FaultSpec.of(FaultKind.POISON, new ByteRange(0, PAGE), 1));
    }
    byte[] good = Files.readAllBytes(list);
    for (int i = 0; i < good.length; i++) {
      byte[] bad = good.clone();
      bad[i] ^= 0x10;
      Files.write(list, bad);
      assertThat(refused(() -> MediaFiles.open(path, MediaOptions.READ_ONLY)))
          .as("byte %d of the list inverted", i)
          .isEqualTo(Reason.DRILL_LIST_DAMAGED);
      Files.write(list, java.util.Arrays.copyOf(good, i));
      assertThat(refused(() -> MediaFiles.open(path, MediaOptions.READ_ONLY)))
          .as("list cut at byte %d", i)
          .isEqualTo(Reason.DRILL_LIST_DAMAGED);
    }
    Files.write(list, good);
    Files.delete(path);
    assertThat(refused(() -> create(path))).isEqualTo(Reason.EXISTS);
    assertThat(path).doesNotExist();
  }
}

package io.bezoar.media;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.bezoar.media.MediaOpenException.Reason;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The modification time over repairs: that of others' files, and while others repair. */
class StoresTest {
  private static final int PAGE = Units.PAGE_BYTES;
  private static final int NOBODY = 65_534;
  private static final FileTime LONG_AGO = FileTime.from(Instant.ofEpochSecond(1_000_000_000, 77));

  private final Arena arena = Arena.ofShared();
  private final byte[] content = new byte[3 * PAGE];
  private Path folder = Path.of("/none");

  private Path file(PlainFileTest.Place place) throws IOException {
    folder =
        place == PlainFileTest.Place.DISK_CHANNEL ? MediaFolders.onDisk() : MediaFolders.onTmpfs();
    new SplittableRandom(1).nextBytes(content);
    Path file = Files.write(folder.resolve("file"), content);
    Files.setLastModifiedTime(file, LONG_AGO);
    return file;
  }

  private static MediaOptions repair(PlainFileTest.Place place) {
    return new MediaOptions(Access.REPAIR, place.choice, Drills.ON);
  }

  @AfterEach
  void remove() throws IOException {
    arena.close();
    if (Files.exists(folder)) {
      MediaFolders.remove(folder);
    }
  }

  /** The file system's own identity of one thread, so that root is like anybody. */
  @SuppressWarnings("restricted")
  private static <T> T asNobody(Callable<T> work) throws Exception {
    Assumptions.assumeTrue("root".equals(System.getProperty("user.name")), "needs root");
    Linker linker = Linker.nativeLinker();
    MethodHandle setfsuid =
        linker.downcallHandle(
            linker.defaultLookup().find("setfsuid").orElseThrow(),
            FunctionDescriptor.of(JAVA_INT, JAVA_INT));
    try (ExecutorService thread = Executors.newSingleThreadExecutor()) {
      return thread
          .submit(
              () -> {
                try {
                  int before = (int) setfsuid.invokeExact(NOBODY);
                  assertThat(before).isZero();
                } catch (Throwable e) {
                  throw new UncheckedIOException(new IOException(e));
                }
                return work.call();
              })
          .get();
    }
  }

  @ParameterizedTest
  @EnumSource
  void shouldNotBeginARepairWhoseTimeItCannotPutBack(PlainFileTest.Place place) throws Exception {
    Path file = file(place);
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-rw-rw-"));
    try (Media media = MediaFiles.open(file, repair(place))) {
      MemorySegment bytes = arena.allocate(PAGE);
      MediaOpenException refused =
          asNobody(
              () ->
                  catchThrowableOfType(
                      MediaOpenException.class, () -> media.reinitialise(0, bytes)));
      assertThat(refused.openReason()).isEqualTo(Reason.DENIED);
      assertThat(refused).hasMessageContaining("owner");
      assertThat(Files.readAllBytes(file)).isEqualTo(content);
      assertThat(Files.getLastModifiedTime(file)).isEqualTo(LONG_AGO);
      media.reinitialise(0, bytes); // nothing is remembered against it
      assertThat(Files.getLastModifiedTime(file)).isEqualTo(LONG_AGO);
    }
  }

  @ParameterizedTest
  @EnumSource
  void shouldNotTakeTheTimeOfAnotherRepairForTheFiles(PlainFileTest.Place place) throws Exception {
    Path file = file(place);
    try (Media media = MediaFiles.open(file, repair(place));
        ExecutorService thread = Executors.newSingleThreadExecutor()) {
      Descriptor open = ((FileMedia) media).file;
      Future<Void> second;
      try (Stores first = Stores.forRepair(file, open, Units.SECTOR_BYTES)) {
        Files.setLastModifiedTime(file, FileTime.from(Instant.now())); // as its stores do
        second =
            thread.submit(
                () -> {
                  media.reinitialise(0, arena.allocate(PAGE));
                  return null;
                });
        Thread.sleep(100); // it waits for the lock by now
        assertThat(first.finish()).isZero();
      }
      second.get();
      assertThat(Files.getLastModifiedTime(file)).isEqualTo(LONG_AGO);
    }
  }
}

package io.bezoar.media;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.bezoar.media.MediaOpenException.Reason;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Files that are somebody else's: any size, read without a lock, repaired and mapped in place. */
class PlainFileTest {
  private static final int PAGE = Units.PAGE_BYTES;
  private static final int[] ODD_SIZES = {1, 511, 513, PAGE - 1, PAGE + 1, 5 * PAGE + 777};
  private static final FileTime LONG_AGO =
      FileTime.from(java.time.Instant.ofEpochSecond(1_000_000_000, 123_456_789));

  /** On what, and how reached. */
  enum Place {
    MEMORY_MAPPED(MediaChoice.MAPPED),
    MEMORY_CHANNEL(MediaChoice.CHANNEL),
    DISK_CHANNEL(MediaChoice.CHANNEL);

    final MediaChoice choice;

    Place(MediaChoice choice) {
      this.choice = choice;
    }
  }

  private final Arena arena = Arena.ofShared();
  private Path folder = Path.of("/none");

  private Path file(Place place, byte[] content) throws IOException {
    folder = place == Place.DISK_CHANNEL ? MediaFolders.onDisk() : MediaFolders.onTmpfs();
    Path file = Files.write(folder.resolve("file"), content);
    Files.setLastModifiedTime(file, LONG_AGO);
    return file;
  }

  @AfterEach
  void remove() throws IOException {
    arena.close();
    if (Files.exists(folder)) {
      MediaFolders.remove(folder);
    }
  }

  private static byte[] content(int size) {
    byte[] bytes = new byte[size];
    new SplittableRandom(size).nextBytes(bytes);
    return bytes;
  }

  private static MediaOptions repair(Place place) {
    return new MediaOptions(Access.REPAIR, place.choice, Drills.ON);
  }

  private MemorySegment read(Media media, long offset, long length) throws IOException {
    MemorySegment dst = arena.allocate(Math.max(1, length)).asSlice(0, length);
    media.read(offset, dst);
    return dst;
  }

  @ParameterizedTest
  @EnumSource
  void shouldReadFilesOfAnySize(Place place) throws IOException {
    for (int size : ODD_SIZES) {
      byte[] content = content(size);
      Path file = file(place, content);
      try (Media media = MediaFiles.open(file, repair(place))) {
        assertThat(media.sizeBytes()).isEqualTo(size);
        assertThat(read(media, 0, size).toArray(JAVA_BYTE)).isEqualTo(content);
        MemorySegment past = arena.allocate(size);
        media.readPastCache(0, past);
        assertThat(past.toArray(JAVA_BYTE)).isEqualTo(content);
        int tail = Math.min(size, 700);
        media.readPastCache(size - tail, past.asSlice(0, tail));
        assertThat(past.asSlice(0, tail).toArray(JAVA_BYTE))
            .isEqualTo(Arrays.copyOfRange(content, size - tail, size));
        assertThat(media.probe(new ByteRange(0, size))).isEmpty();
        assertThatThrownBy(() -> read(media, 1, size))
            .isInstanceOf(IndexOutOfBoundsException.class);
      }
      MediaFolders.remove(folder);
    }
  }

  @ParameterizedTest
  @EnumSource
  void shouldOpenAnEmptyFile(Place place) throws IOException {
    Path file = file(place, new byte[0]);
    if (place == Place.MEMORY_MAPPED) {
      MediaOpenException refused =
          catchThrowableOfType(
              MediaOpenException.class, () -> MediaFiles.open(file, repair(place)));
      assertThat(refused.openReason()).isEqualTo(Reason.NOT_MAPPABLE);
      return;
    }
    try (Media media = MediaFiles.open(file, repair(place));
        Window window = media.map()) {
      assertThat(media.sizeBytes()).isZero();
      assertThat(media.probe(new ByteRange(0, 0))).isEmpty();
      assertThat(window.segment().byteSize()).isZero();
      assertThat(window.trapping(new ByteRange(0, 0))).isEmpty();
    }
  }

  @ParameterizedTest
  @EnumSource
  void shouldNameAndRepairABadEnd(Place place) throws IOException {
    for (int size : ODD_SIZES) {
      byte[] content = content(size);
      Path file = file(place, content);
      try (Media media = MediaFiles.open(file, repair(place))) {
        ByteRange struck =
            media.injector().inject(FaultSpec.of(FaultKind.EIO, new ByteRange(size - 1, size), 1));
        assertThat(struck.end()).isEqualTo(size);
        MediaFaultException fault =
            catchThrowableOfType(MediaFaultException.class, () -> read(media, 0, size));
        assertThat(fault.range()).isEqualTo(struck);
        assertThat(fault.goodPrefixBytes()).isEqualTo(struck.start());
        assertThat(media.probe(new ByteRange(0, size))).containsExactly(struck);

        int lastPage = (size - 1) / PAGE * PAGE;
        MemorySegment bytes = arena.allocateFrom(JAVA_BYTE, content).asSlice(lastPage);
        media.reinitialise(lastPage, bytes);
        assertThat(media.probe(new ByteRange(0, size))).isEmpty();
        assertThat(read(media, 0, size).toArray(JAVA_BYTE)).isEqualTo(content);
      }
      assertThat(Files.readAllBytes(file)).isEqualTo(content);
      assertThat(Files.getLastModifiedTime(file)).isEqualTo(LONG_AGO);
      assertThat(folder.resolve("file.drill")).doesNotExist();
      MediaFolders.remove(folder);
    }
  }

  @ParameterizedTest
  @EnumSource
  void shouldRotWithoutATraceInTheTimes(Place place) throws IOException {
    byte[] content = content(3 * PAGE + 5);
    Path file = file(place, content);
    for (FaultKind kind : List.of(FaultKind.FLIP, FaultKind.STALE, FaultKind.TORN)) {
      for (Access access : List.of(Access.REPAIR, Access.READ_WRITE)) {
        try (Media media =
            MediaFiles.open(file, new MediaOptions(access, place.choice, Drills.ON))) {
          byte[] before = Files.readAllBytes(file);
          media.injector().inject(FaultSpec.of(kind, new ByteRange(PAGE, 2 * PAGE), 7));
          assertThat(Files.readAllBytes(file)).isNotEqualTo(before);
          assertThat(Files.getLastModifiedTime(file)).isEqualTo(LONG_AGO);
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void shouldRepairManyPlacesAsOne(Place place) throws IOException {
    byte[] content = content(20 * PAGE + 77);
    Path file = file(place, content);
    try (Media media = MediaFiles.open(file, repair(place))) {
      List<Media.Piece> pieces = new ArrayList<>();
      for (long page : new long[] {0, 3, 4, 11, 20}) {
        ByteRange range = new ByteRange(page * PAGE, Math.min(content.length, (page + 1) * PAGE));
        media.injector().inject(FaultSpec.of(FaultKind.EIO, range, 1));
        MemorySegment good = arena.allocate(range.length());
        good.copyFrom(MemorySegment.ofArray(content).asSlice(range.start(), range.length()));
        pieces.add(new Media.Piece(range.start(), good));
      }
      media.reinitialiseAll(List.of());
      media.reinitialiseAll(pieces);
      assertThat(media.probe(new ByteRange(0, content.length))).isEmpty();
      assertThat(Files.readAllBytes(file)).isEqualTo(content);
      assertThat(Files.getLastModifiedTime(file)).isEqualTo(LONG_AGO);

      ByteRange stuck = new ByteRange(3 * PAGE, 4 * PAGE);
      media.injector().inject(new FaultSpec(FaultKind.EIO, stuck, true, 1));
      assertThatThrownBy(() -> media.reinitialiseAll(pieces))
          .isInstanceOfSatisfying(
              MediaFaultException.class, e -> assertThat(e.range()).isEqualTo(stuck));
      assertThat(Files.getLastModifiedTime(file)).isEqualTo(LONG_AGO);
    }
  }

  @ParameterizedTest
  @EnumSource
  void shouldOnlyRepairAndOnlyWhileNobodyWrites(Place place) throws IOException {
    Path file = file(place, content(2 * PAGE));
    MemorySegment page = arena.allocate(PAGE);
    try (Media media = MediaFiles.open(file, repair(place));
        Media second = MediaFiles.open(file, repair(place))) {
      assertThatThrownBy(() -> media.write(0, page))
          .isInstanceOf(UnsupportedOperationException.class);
      assertThat(media.info().writable()).isFalse();
      try (Media _ = MediaFiles.open(file, MediaOptions.READ_WRITE)) {
        MediaOpenException locked =
            catchThrowableOfType(MediaOpenException.class, () -> media.reinitialise(0, page));
        assertThat(locked.openReason()).isEqualTo(Reason.LOCKED);
      }
      Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("r--r--r--"));
      MediaOpenException readOnly =
          catchThrowableOfType(MediaOpenException.class, () -> media.reinitialise(0, page));
      assertThat(readOnly.openReason()).isEqualTo(Reason.READ_ONLY);
      Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r--r--"));
      media.reinitialise(0, page);
      second.reinitialise(PAGE, page);
      assertThat(read(second, 0, 2 * PAGE).toArray(JAVA_BYTE)).containsOnly(0);
      assertThatThrownBy(() -> media.reinitialise(1, page.asSlice(0, 7)))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  @ParameterizedTest
  @EnumSource
  void shouldTakePagesFromReadersAndGiveThemBack(Place place) throws IOException {
    int size = 9 * PAGE + 100;
    byte[] content = content(size);
    Path file = file(place, content);
    MemorySegment dst = arena.allocate(size);
    try (Media media = MediaFiles.open(file, repair(place));
        Window window = media.map()) {
      assertThat(window.segment().isMapped()).isTrue();
      assertThat(window.segment().isReadOnly()).isTrue();
      assertThat(window.segment().byteSize()).isEqualTo(size);
      assertThat(window.load(0, dst)).isTrue();
      assertThat(dst.toArray(JAVA_BYTE)).isEqualTo(content);

      assertThat(window.revoke(new ByteRange(3 * PAGE + 5, 3 * PAGE + 6))).isTrue();
      assertThat(window.revoke(new ByteRange(size - 1, size))).isTrue();
      assertThat(window.load(0, dst)).isFalse();
      assertThat(window.load(0, dst.asSlice(0, 3 * PAGE))).isTrue();
      assertThat(window.load(4 * PAGE, new byte[5 * PAGE], 0, 5 * PAGE)).isTrue();
      assertThat(window.load(3 * PAGE, new byte[8], 0, 8)).isFalse();
      ByteRange third = ByteRange.ofLength(3 * PAGE, PAGE);
      ByteRange last = new ByteRange(9 * PAGE, size);
      assertThat(window.trapping(new ByteRange(0, size))).containsExactly(third, last);
      assertThat(read(media, 0, size).toArray(JAVA_BYTE)).isEqualTo(content);

      MemorySegment other = arena.allocate(PAGE).fill((byte) 9);
      assertThat(window.stage(third, other)).isTrue();
      assertThat(window.stage(last, other.asSlice(0, 100))).isTrue();
      assertThat(window.trapping(new ByteRange(0, size))).isEmpty();
      byte[] bytes = new byte[size];
      assertThat(window.load(0, bytes, 0, size)).isTrue();
      byte[] expected = content.clone();
      Arrays.fill(expected, 3 * PAGE, 4 * PAGE, (byte) 9);
      Arrays.fill(expected, 9 * PAGE, size, (byte) 9);
      assertThat(bytes).isEqualTo(expected);
      assertThat(Files.readAllBytes(file)).isEqualTo(content);

      window.restore(new ByteRange(0, size));
      assertThat(window.load(0, bytes, 0, size)).isTrue();
      assertThat(bytes).isEqualTo(content);
    }
  }

  @ParameterizedTest
  @EnumSource
  void shouldStrikeAndCureEveryMapping(Place place) throws IOException {
    int size = 4 * PAGE;
    byte[] content = content(size);
    Path file = file(place, content);
    ByteRange page = ByteRange.ofLength(PAGE, PAGE);
    Window kept;
    try (Media media = MediaFiles.open(file, repair(place));
        Window early = media.map()) {
      media.injector().inject(FaultSpec.of(FaultKind.POISON, page, 1));
      try (Window late = media.map()) {
        for (Window window : List.of(early, late)) {
          assertThat(window.trapping(new ByteRange(0, size))).containsExactly(page);
          assertThat(window.load(PAGE, new byte[8], 0, 8)).isFalse();
        }
        media.reinitialise(PAGE, arena.allocateFrom(JAVA_BYTE, content).asSlice(PAGE, PAGE));
        for (Window window : List.of(early, late)) {
          byte[] bytes = new byte[size];
          assertThat(window.load(0, bytes, 0, size)).isTrue();
          assertThat(bytes).isEqualTo(content);
        }
      }
      kept = early;
      assertThat(kept.load(0, new byte[8], 0, 8)).isTrue();
    }
    assertThatThrownBy(() -> kept.load(0, new byte[8], 0, 8))
        .isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> kept.revoke(page)).isInstanceOf(IllegalStateException.class);
    kept.close();
  }

  @ParameterizedTest
  @EnumSource
  void shouldCallACutFileCut(Place place) throws IOException {
    Path file = file(place, content(8 * PAGE));
    try (Media media = MediaFiles.open(file, repair(place));
        Window window = media.map();
        var cut =
            java.nio.channels.FileChannel.open(file, java.nio.file.StandardOpenOption.WRITE)) {
      cut.truncate(2 * PAGE);
      assertThat(window.load(0, new byte[2 * PAGE], 0, 2 * PAGE)).isTrue();
      assertThat(window.load(6 * PAGE, new byte[8], 0, 8)).isFalse();
      assertThat(media.presence()).isEqualTo(Presence.TRUNCATED);
      assertThatThrownBy(() -> read(media, 6 * PAGE, 8))
          .isInstanceOf(MediaUnavailableException.class);
      assertThatThrownBy(() -> media.reinitialise(0, arena.allocate(PAGE)))
          .isInstanceOf(MediaUnavailableException.class);
      assertThat(Files.size(file)).isEqualTo(2 * PAGE);
    }
  }
}

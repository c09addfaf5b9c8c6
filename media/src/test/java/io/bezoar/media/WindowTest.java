package io.bezoar.media;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What windows cost, what they give back, and whose faults they answer for. */
class WindowTest {
  private static final int PAGE = Units.PAGE_BYTES;
  private static final int PAGES = 200;
  private static final int HOT = 200_000;

  private final Arena arena = Arena.ofShared();
  private final byte[] content = new byte[PAGES * PAGE];
  private Path folder = Path.of("/none");

  WindowTest() {
    new SplittableRandom(1).nextBytes(content);
  }

  private Path file(PlainFileTest.Place place) throws IOException {
    folder =
        place == PlainFileTest.Place.DISK_CHANNEL ? MediaFolders.onDisk() : MediaFolders.onTmpfs();
    return Files.write(folder.resolve("file"), content);
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

  private static ByteRange page(long number) {
    return ByteRange.ofLength(number * PAGE, PAGE);
  }

  private static long mappingsOf(String name) throws IOException {
    try (Stream<String> mappings = Files.lines(Path.of("/proc/self/maps"))) {
      return mappings.filter(line -> line.contains(name)).count();
    }
  }

  private static long openFilesOf(String name) throws IOException {
    try (Stream<Path> open = Files.list(Path.of("/proc/self/fd"))) {
      return open.filter(fd -> target(fd).contains(name)).count();
    }
  }

  private static String target(Path link) {
    try {
      return Files.readSymbolicLink(link).toString();
    } catch (IOException e) {
      return ""; // the one that lists them
    }
  }

  @ParameterizedTest
  @EnumSource
  void shouldNotSplinterWhereNeighboursAreRevokedOneByOne(PlainFileTest.Place place)
      throws IOException {
    try (Media media = MediaFiles.open(file(place), repair(place));
        Window window = media.map()) {
      long before = mappingsOf("bezoar-poison");
      int left = VmaBudget.process().left();
      for (int i = 20; i < 120; i++) {
        assertThat(window.revoke(page(i))).isTrue();
      }
      assertThat(mappingsOf("bezoar-poison") - before).isEqualTo(1);
      assertThat(left - VmaBudget.process().left()).isEqualTo(2);
    }
  }

  @ParameterizedTest
  @EnumSource
  void shouldGiveEverythingBackWithTheMedia(PlainFileTest.Place place) throws IOException {
    int left = VmaBudget.process().left();
    long stages = openFilesOf("bezoar-stage");
    Window window;
    try (Media media = MediaFiles.open(file(place), repair(place))) {
      window = media.map();
      assertThat(window.stage(page(3), arena.allocate(PAGE))).isTrue();
      assertThat(window.revoke(page(5))).isTrue();
      assertThat(VmaBudget.process().left()).isEqualTo(left - 4);
      assertThat(openFilesOf("bezoar-stage")).isEqualTo(stages + 1);
    }
    assertThat(VmaBudget.process().left()).isEqualTo(left);
    assertThat(openFilesOf("bezoar-stage")).isEqualTo(stages);
    window.close();
    assertThat(VmaBudget.process().left()).isEqualTo(left);
  }

  @ParameterizedTest
  @EnumSource
  void shouldFindAStruckPageThatIsAHole(PlainFileTest.Place place) throws IOException {
    Path file = file(place);
    Path sparse = file.resolveSibling("sparse");
    long size = (5L << 30) + 77;
    try (FileChannel channel =
        FileChannel.open(sparse, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      channel.write(ByteBuffer.wrap(new byte[] {1}), size - 1);
    }
    try (Media media = MediaFiles.open(sparse, repair(place));
        Window window = media.map()) {
      ByteRange bad = page((4L << 30) / PAGE + 1);
      media.injector().inject(FaultSpec.of(FaultKind.POISON, bad, 1));
      assertThat(window.trapping(new ByteRange(0, size))).containsExactly(bad);
      assertThat(window.stage(bad, arena.allocate(PAGE))).isTrue();
      assertThat(window.trapping(new ByteRange(0, size))).isEmpty();
    }
  }

  private static int early(Window window, MemorySegment segment, long at, byte[] later) {
    int value = segment.get(JAVA_BYTE, at);
    return window.load(0, later, 0, later.length) ? value : -1000;
  }

  /** Compiled as one, the load's fault is on its way while the next guarded load begins. */
  @ParameterizedTest
  @EnumSource
  void shouldNotSwallowTheFaultOfAnEarlierLoad(PlainFileTest.Place place) throws IOException {
    try (Media media = MediaFiles.open(file(place), repair(place));
        Window window = media.map()) {
      MemorySegment segment = window.segment();
      byte[] later = new byte[16];
      for (int i = 0; i < HOT; i++) {
        int at = i % content.length;
        assertThatNo(early(window, segment, at, later) != content[at]);
      }
      for (int i = 1; i < PAGES; i++) {
        long at = (long) i * PAGE + 17;
        media.injector().inject(FaultSpec.of(FaultKind.POISON, page(i), 1));
        assertThatThrownBy(() -> early(window, segment, at, later))
            .isInstanceOf(InternalError.class);
      }
    }
  }

  private static void assertThatNo(boolean wrong) {
    if (wrong) { // hot: an assertion library would be what is compiled
      throw new AssertionError();
    }
  }

  @ParameterizedTest
  @EnumSource
  void shouldLoadMoreThanOneGoHolds(PlainFileTest.Place place) throws IOException {
    Path file = file(place);
    byte[] large = new byte[(5 << 19) + 3];
    new SplittableRandom(2).nextBytes(large);
    Files.write(file, large);
    try (Media media = MediaFiles.open(file, repair(place));
        Window window = media.map()) {
      byte[] bytes = new byte[large.length + 7];
      assertThat(window.load(0, bytes, 7, large.length)).isTrue();
      assertThat(MemorySegment.ofArray(bytes).asSlice(7).toArray(JAVA_BYTE)).isEqualTo(large);
      MemorySegment dst = arena.allocate(large.length);
      assertThat(window.load(0, dst)).isTrue();
      assertThat(dst.toArray(JAVA_BYTE)).isEqualTo(large);
      assertThat(window.revoke(page(300))).isTrue();
      assertThat(window.load(0, dst)).isFalse();
      assertThat(window.load(0, bytes, 7, large.length)).isFalse();
    }
  }
}

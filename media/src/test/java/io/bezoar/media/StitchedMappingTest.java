package io.bezoar.media;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.ref.WeakReference;
import java.nio.MappedByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What is seen through a stitched mapping, what it costs, and when it lets go. */
class StitchedMappingTest {
  private static final int PAGE = Units.PAGE_BYTES;
  private static final int FILE_PAGES = 128;
  private static final int PAGES = 48;
  private static final int STEPS = 600;

  private final byte[] content = new byte[FILE_PAGES * PAGE];
  private final VmaBudget plenty = VmaBudget.of(1000);
  private final AtomicInteger closings = new AtomicInteger();
  private Path folder = Path.of("/none");

  StitchedMappingTest() {
    new SplittableRandom(1).nextBytes(content);
  }

  private Media media(PlainFileTest.Place place) throws IOException {
    folder =
        place == PlainFileTest.Place.DISK_CHANNEL ? MediaFolders.onDisk() : MediaFolders.onTmpfs();
    Path file = Files.write(folder.resolve("file"), content);
    return MediaFiles.open(file, new MediaOptions(Access.READ_WRITE, place.choice, Drills.ON));
  }

  @AfterEach
  void remove() throws IOException {
    if (Files.exists(folder)) {
      MediaFolders.remove(folder);
    }
  }

  private static ByteRange pages(long first, long count) {
    return ByteRange.ofLength(first * PAGE, count * PAGE);
  }

  private static MemorySegment window(Media media, long first, long count) throws IOException {
    return media.window(pages(first, count)).orElseThrow();
  }

  /** The bytes of a page, or null when it faults. */
  private static byte @Nullable [] seen(MemorySegment segment, long page) {
    byte[] bytes = new byte[PAGE];
    return GuardedCopy.load(segment, page * PAGE, bytes, 0, PAGE) ? bytes : null;
  }

  private byte[] ofFile(long page) {
    return Arrays.copyOfRange(content, (int) page * PAGE, (int) (page + 1) * PAGE);
  }

  private static long mappingsAt(MemorySegment segment) throws IOException {
    long start = segment.address();
    long end = start + segment.byteSize();
    try (Stream<String> mappings = Files.lines(Path.of("/proc/self/maps"))) {
      return mappings
          .map(line -> line.substring(0, line.indexOf(' ')).split("-"))
          .filter(ends -> Long.parseUnsignedLong(ends[0], 16) < end)
          .filter(ends -> Long.parseUnsignedLong(ends[1], 16) > start)
          .count();
    }
  }

  /** What each page is to show. */
  private static final class Model {
    final List<byte[]> pages = new ArrayList<>(Collections.nCopies(PAGES, new byte[PAGE]));
    final boolean[] revoked = new boolean[PAGES];

    void set(int first, int count, java.util.function.IntFunction<byte[]> bytes) {
      for (int i = 0; i < count; i++) {
        pages.set(first + i, bytes.apply(i));
        revoked[first + i] = false;
      }
    }

    void revoke(ByteRange range, boolean now) {
      Arrays.fill(revoked, (int) (range.start() / PAGE), (int) (range.end() / PAGE), now);
    }

    void check(MemorySegment segment, String about) {
      for (int i = 0; i < PAGES; i++) {
        assertThat(seen(segment, i))
            .as("page %d after %s", i, about)
            .isEqualTo(revoked[i] ? null : pages.get(i));
      }
    }
  }

  private static void step(
      Media media, StitchedMapping mapping, Model model, SplittableRandom random)
      throws IOException {
    int first = random.nextInt(PAGES);
    int count = 1 + random.nextInt(Math.min(8, PAGES - first));
    ByteRange range = pages(first, count);
    switch (random.nextInt(6)) {
      case 0, 1 -> {
        int from = random.nextInt(FILE_PAGES - count);
        if (mapping.lay(range.start(), window(media, from, count))) {
          byte[] bytes = window(media, from, count).toArray(JAVA_BYTE);
          model.set(first, count, i -> Arrays.copyOfRange(bytes, i * PAGE, (i + 1) * PAGE));
        }
      }
      case 2 -> {
        ByteRange wide = range;
        byte[] bytes = new byte[PAGES * PAGE];
        random.nextBytes(bytes);
        try (Arena arena = Arena.ofConfined()) {
          MemorySegment copy = arena.allocate(bytes.length);
          copy.copyFrom(MemorySegment.ofArray(bytes));
          if (!mapping.stage(range.start(), copy.asSlice(0, range.length()))) {
            wide = mapping.widened(range);
            assertThat(mapping.stage(wide.start(), copy.asSlice(0, wide.length()))).isTrue();
          }
        }
        model.set(
            (int) (wide.start() / PAGE),
            (int) (wide.length() / PAGE),
            i -> Arrays.copyOfRange(bytes, i * PAGE, (i + 1) * PAGE));
      }
      case 3 -> {
        if (mapping.zero(range)) {
          model.set(first, count, _ -> new byte[PAGE]);
        }
      }
      case 4 -> {
        ByteRange wide = range;
        if (!mapping.revoke(range)) {
          wide = mapping.widened(range);
          assertThat(mapping.revoke(wide)).isTrue();
        }
        model.revoke(wide, true);
      }
      default -> {
        if (mapping.restore(range)) {
          model.revoke(range, false);
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void shouldShowWhatWasLaidAfterAnySteps(PlainFileTest.Place place) throws IOException {
    long seed = Long.getLong("bezoar.seed", System.nanoTime());
    String replay =
        "seed %d; replay: mvn -pl media test -Dtest=StitchedMappingTest -Dbezoar.seed=%d"
            .formatted(seed, seed);
    System.out.println(replay);
    SplittableRandom random = new SplittableRandom(seed);
    try (Media media = media(place)) {
      for (int budget : new int[] {1000, 12, 1}) {
        VmaBudget vmas = VmaBudget.of(budget);
        StitchedMapping mapping = new StitchedMapping((long) PAGES * PAGE, vmas);
        Model model = new Model();
        for (int i = 0; i < 20; i++) {
          step(media, mapping, model, random);
        }
        try (Arena arena = Arena.ofShared()) {
          MemorySegment segment = mapping.open(arena, closings::incrementAndGet);
          for (int i = 0; i < STEPS; i++) {
            model.check(segment, "step " + i + " with " + budget + "; " + replay);
            assertThat(vmas.left()).as(replay).isEqualTo(budget - mapping.pieces());
            assertThat(mappingsAt(segment)).as(replay).isLessThanOrEqualTo(mapping.pieces());
            step(media, mapping, model, random);
          }
        }
        assertThat(vmas.left()).as(replay).isEqualTo(budget);
      }
    }
    assertThat(closings).hasValue(3);
  }

  @Test
  void shouldBeATrueMappedSegment() throws IOException {
    StitchedMapping mapping = new StitchedMapping(4L * PAGE, plenty);
    try (Media media = media(PlainFileTest.Place.DISK_CHANNEL);
        Arena arena = Arena.ofShared()) {
      assertThat(mapping.lay(PAGE, window(media, 7, 2))).isTrue();
      MemorySegment segment = mapping.open(arena, () -> {});
      assertThat(segment.isMapped()).isTrue();
      assertThat(segment.isReadOnly()).isTrue();
      assertThat(segment.byteSize()).isEqualTo(4L * PAGE);
      segment.load();
      segment.force();
      assertThat(segment.asByteBuffer()).isInstanceOf(MappedByteBuffer.class);
      assertThat(seen(segment, 2)).isEqualTo(ofFile(8));
    }
  }

  @Test
  void shouldShowStoresToTheFileAndOutliveTheMedia() throws IOException {
    StitchedMapping mapping = new StitchedMapping(2L * PAGE, plenty);
    try (Arena arena = Arena.ofShared()) {
      MemorySegment segment;
      try (Media media = media(PlainFileTest.Place.MEMORY_MAPPED)) {
        assertThat(mapping.lay(0, window(media, 3, 1))).isTrue();
        segment = mapping.open(arena, () -> {});
        MemorySegment store = arena.allocate(PAGE).fill((byte) 9);
        media.write(3L * PAGE, store);
        assertThat(seen(segment, 0)).containsOnly(9);
      }
      assertThat(seen(segment, 0)).containsOnly(9);
    }
  }

  @Test
  void shouldJoinWhatContinuesInTheFile() throws IOException {
    StitchedMapping mapping = new StitchedMapping((long) PAGES * PAGE, plenty);
    try (Media media = media(PlainFileTest.Place.MEMORY_MAPPED);
        Arena arena = Arena.ofShared()) {
      MemorySegment segment = mapping.open(arena, () -> {});
      for (int i = PAGES - 1; i >= 0; i--) {
        assertThat(mapping.lay((long) i * PAGE, window(media, 5 + i, 1))).isTrue();
      }
      assertThat(mapping.pieces()).isEqualTo(1);
      assertThat(mappingsAt(segment)).isEqualTo(1);
      assertThat(plenty.left()).isEqualTo(999);
    }
  }

  @Test
  void shouldNotLayWhatIsNoFile() throws IOException {
    StitchedMapping mapping = new StitchedMapping(PAGE, plenty);
    try (SimMedia media = SimMedia.create("sim", 4L * PAGE, 1)) {
      assertThat(mapping.lay(0, window(media, 1, 1))).isFalse();
    }
    mapping.discard();
    mapping.discard();
    assertThat(plenty.left()).isEqualTo(1000);
  }

  @ParameterizedTest
  @EnumSource
  void shouldRefuseWhatIsRefusedOfTheMedia(PlainFileTest.Place place) throws IOException {
    StitchedMapping mapping = new StitchedMapping(8L * PAGE, plenty);
    try (Media media = media(place);
        Arena arena = Arena.ofShared()) {
      media.injector().inject(FaultSpec.of(FaultKind.POISON, pages(11, 1), 1));
      MemorySegment window = window(media, 10, 8);
      assertThat(mapping.lay(0, window)).isTrue();
      MemorySegment segment = mapping.open(arena, () -> {});
      assertThat(seen(segment, 0)).isEqualTo(ofFile(10));
      assertThat(seen(segment, 1)).isNull();
      media.injector().inject(FaultSpec.of(FaultKind.EIO, pages(14, 2), 1));
      assertThat(seen(segment, 3)).isEqualTo(ofFile(13));
      assertThat(seen(segment, 4)).isNull();
      assertThat(seen(segment, 5)).isNull();
      media.injector().disarm(pages(11, 4));
      assertThat(seen(segment, 1)).isEqualTo(ofFile(11));
      assertThat(seen(segment, 4)).isEqualTo(ofFile(14));
      assertThat(seen(segment, 5)).isNull();
    }
  }

  @Test
  void shouldGiveMemoryOfCopiesBack() throws IOException {
    StitchedMapping mapping = new StitchedMapping((long) PAGES * PAGE, plenty);
    try (Media media = media(PlainFileTest.Place.MEMORY_MAPPED);
        Arena arena = Arena.ofShared()) {
      mapping.open(arena, () -> {});
      MemorySegment bytes = arena.allocate((long) PAGES * PAGE);
      for (int i = 0; i < 5; i++) {
        assertThat(mapping.stage(0, bytes)).isTrue();
        assertThat(mapping.copiedBytes()).isEqualTo((long) PAGES * PAGE);
      }
      assertThat(mapping.lay(PAGE, window(media, 0, PAGES - 2))).isTrue();
      assertThat(mapping.copiedBytes()).isEqualTo(2L * PAGE);
      assertThat(mapping.zero(pages(0, 1))).isTrue();
      assertThat(mapping.copiedBytes()).isEqualTo(PAGE);
    }
  }

  @Test
  void shouldEndWithEveryKindOfArena() throws IOException {
    try (Arena confined = Arena.ofConfined()) {
      open(confined);
    }
    assertThat(closings).hasValue(1);
    try (Arena shared = Arena.ofShared()) {
      open(shared);
    }
    assertThat(closings).hasValue(2);
    WeakReference<MemorySegment> gone = new WeakReference<>(open(Arena.ofAuto()));
    for (int i = 0; i < 1000 && closings.get() < 3; i++) {
      System.gc();
      Thread.onSpinWait();
    }
    assertThat(gone.get()).isNull();
    assertThat(closings).hasValue(3);
    assertThat(plenty.left()).isEqualTo(1000);
    open(Arena.global());
    assertThat(plenty.left()).isEqualTo(999);
  }

  private MemorySegment open(Arena arena) throws IOException {
    return new StitchedMapping(PAGE, plenty).open(arena, closings::incrementAndGet);
  }

  @Test
  void shouldDoNothingOnceTheArenaIsClosed() throws IOException {
    StitchedMapping mapping = new StitchedMapping(2L * PAGE, plenty);
    try (Media media = media(PlainFileTest.Place.MEMORY_MAPPED)) {
      try (Arena arena = Arena.ofShared()) {
        mapping.open(arena, closings::incrementAndGet);
      }
      assertThat(mapping.lay(0, window(media, 0, 2))).isTrue();
      assertThat(mapping.zero(pages(0, 1))).isTrue();
      assertThat(mapping.revoke(pages(0, 1))).isTrue();
      assertThat(mapping.restore(pages(0, 1))).isTrue();
      media.injector().inject(FaultSpec.of(FaultKind.POISON, pages(0, 1), 1));
      assertThatThrownBy(() -> mapping.open(Arena.global(), () -> {}))
          .isInstanceOf(IllegalStateException.class);
    }
    assertThat(plenty.left()).isEqualTo(1000);
    assertThat(closings).hasValue(1);
  }

  @Test
  void shouldGiveEverythingBackWhenTheArenaIsClosedAlready() throws IOException {
    Arena closed = Arena.ofShared();
    closed.close();
    StitchedMapping mapping = new StitchedMapping(PAGE, plenty);
    assertThatThrownBy(() -> mapping.open(closed, closings::incrementAndGet))
        .isInstanceOf(IllegalStateException.class);
    assertThat(closings).hasValue(1);
    assertThat(plenty.left()).isEqualTo(1000);
    VmaBudget none = VmaBudget.of(0);
    assertThatThrownBy(() -> new StitchedMapping(PAGE, none))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("max_map_count");
  }

  @Test
  void shouldMapNothing() throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment segment = new StitchedMapping(0, plenty).open(arena, () -> {});
      assertThat(segment.byteSize()).isZero();
      assertThat(segment.isMapped()).isTrue();
    }
    assertThat(plenty.left()).isEqualTo(1000);
  }

  /** Nothing is laid over addresses that were given back; a JVM that does it does not live long. */
  @Test
  void shouldStopChangingBeforeAddressesAreGivenBack() throws Exception {
    try (Media media = media(PlainFileTest.Place.MEMORY_MAPPED)) {
      MemorySegment window = window(media, 0, 4);
      for (int i = 0; i < 100; i++) {
        StitchedMapping mapping = new StitchedMapping(4L * PAGE, plenty);
        Arena arena = i % 2 == 0 ? Arena.ofShared() : Arena.ofConfined();
        mapping.open(arena, closings::incrementAndGet);
        AtomicBoolean stop = new AtomicBoolean();
        Thread changing =
            Thread.ofPlatform()
                .start(
                    () -> {
                      while (!stop.get()) {
                        change(mapping, window);
                      }
                    });
        for (int j = 0; j < 20; j++) {
          change(mapping, window);
        }
        arena.close();
        // Others get these addresses now, and keep their content.
        StitchedMapping next = new StitchedMapping(4L * PAGE, plenty);
        assertThat(next.lay(0, window)).isTrue();
        try (Arena other = Arena.ofConfined()) {
          MemorySegment segment = next.open(other, () -> {});
          stop.set(true);
          changing.join();
          assertThat(closings).hasValue(1);
          for (int page = 0; page < 4; page++) {
            assertThat(seen(segment, page)).isEqualTo(ofFile(page));
          }
        }
        closings.set(0);
      }
    }
  }

  private static void change(StitchedMapping mapping, MemorySegment window) {
    try {
      mapping.lay(0, window);
      mapping.revoke(pages(1, 2));
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }
}

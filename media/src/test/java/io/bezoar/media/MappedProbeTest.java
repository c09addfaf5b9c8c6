package io.bezoar.media;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Finding and curing poison that nobody told the media about. */
class MappedProbeTest {
  private static final int PAGE = Units.PAGE_BYTES;
  private static final int PAGES = 512;
  private static final long SIZE = (long) PAGES * PAGE;
  private static final MediaOptions MAPPED =
      new MediaOptions(Access.READ_WRITE, MediaChoice.MAPPED, Drills.ON);

  private final Path folder;
  private final Arena arena = Arena.ofConfined();

  MappedProbeTest() throws IOException {
    folder = MediaFolders.onTmpfs();
  }

  @AfterEach
  void removeFolder() throws IOException {
    arena.close();
    MediaFolders.remove(folder);
  }

  private Media media(Allocation allocation) throws IOException {
    return MediaFiles.create(folder.resolve("pool"), SIZE, allocation, MAPPED);
  }

  private MemorySegment pattern(int lengthBytes) {
    byte[] bytes = new byte[lengthBytes];
    new SplittableRandom(lengthBytes).nextBytes(bytes);
    return arena.allocateFrom(JAVA_BYTE, bytes);
  }

  private static List<ByteRange> ranges(Iterable<Integer> pages) {
    List<ByteRange> ranges = new ArrayList<>();
    for (int page : pages) {
      ByteRange range = ByteRange.ofLength((long) page * PAGE, PAGE);
      if (!ranges.isEmpty() && ranges.getLast().end() == range.start()) {
        range = ranges.removeLast().span(range);
      }
      ranges.add(range);
    }
    return ranges;
  }

  @ParameterizedTest
  @EnumSource(MappedProbe.Means.class)
  void shouldFindPoisonInThePageTableByEveryMeans(MappedProbe.Means means) throws Throwable {
    try (Media media = media(Allocation.PREALLOCATED)) {
      media.write(0, pattern((int) SIZE));
      MemorySegment window = media.window(new ByteRange(0, SIZE)).orElseThrow();
      long seed = Long.getLong("bezoar.seed", System.nanoTime());
      SplittableRandom random = new SplittableRandom(seed);
      try (UserfaultPoison poison = new UserfaultPoison(window)) {
        TreeSet<Integer> bad = new TreeSet<>(List.of(0, 1, PAGES - 1));
        for (int i = 0; i < 40; i++) {
          bad.add(random.nextInt(PAGES));
        }
        bad.forEach(page -> poison.strike(window, (long) page * PAGE));
        FileMedia file = (FileMedia) media;
        List<ByteRange> found =
            MappedProbe.unreadable(window, file.file, new ByteRange(0, SIZE), List.of(), means);
        assertThat(found).as("-Dbezoar.seed=%d", seed).isEqualTo(ranges(bad));
        assertThat(media.probe(new ByteRange(0, SIZE))).isEqualTo(found);
      }
    }
  }

  @Test
  void shouldReportAndCurePoisonThatItWasNotToldOf() throws Throwable {
    MemorySegment content = pattern((int) SIZE);
    try (Media media = media(Allocation.PREALLOCATED)) {
      media.write(0, content);
      MemorySegment window = media.window(new ByteRange(0, SIZE)).orElseThrow();
      try (UserfaultPoison poison = new UserfaultPoison(window)) {
        ByteRange bad = new ByteRange(10 * PAGE, 12 * PAGE);
        poison.strike(window, 10 * PAGE);
        poison.strike(window, 11 * PAGE);
        MemorySegment dst = arena.allocate(4 * PAGE);
        MediaFaultException e =
            catchThrowableOfType(MediaFaultException.class, () -> media.read(9 * PAGE + 5, dst));
        assertThat(e.goodPrefixBytes()).isEqualTo(PAGE - 5);
        assertThat(e.range()).isEqualTo(bad);
        assertThat(e.faultCause()).isEqualTo(Cause.TRAP);
        assertThat(MemorySegment.mismatch(dst, 0, PAGE - 5, content, 9 * PAGE + 5, 10 * PAGE))
            .isEqualTo(-1);
        assertThatThrownBy(() -> media.write(11 * PAGE + 1, arena.allocate(2)))
            .isInstanceOf(MediaFaultException.class);
        media.reinitialise(10 * PAGE, content.asSlice(20 * PAGE, 2 * PAGE));
        assertThat(media.probe(new ByteRange(0, SIZE))).isEmpty();
        media.read(10 * PAGE, dst);
        assertThat(dst.asSlice(0, 2 * PAGE).mismatch(content.asSlice(20 * PAGE, 2 * PAGE)))
            .isEqualTo(-1);
      }
    }
  }

  @Test
  void shouldNotFillTheHolesOfASparseFile() throws IOException {
    try (Media media = media(Allocation.SPARSE)) {
      media.write(100 * PAGE + 9, arena.allocate(2 * PAGE));
      ByteRange bad = new ByteRange(300 * PAGE, 301 * PAGE);
      media.injector().inject(FaultSpec.of(FaultKind.POISON, bad, 1));
      for (MappedProbe.Means means : MappedProbe.Means.values()) {
        FileMedia file = (FileMedia) media;
        MemorySegment window = media.window(new ByteRange(0, SIZE)).orElseThrow();
        assertThat(
                MappedProbe.unreadable(
                    window, file.file, new ByteRange(0, SIZE), List.of(bad), means))
            .containsExactly(bad);
      }
      assertThat(media.probe(new ByteRange(0, SIZE))).containsExactly(bad);
      assertThat(allocatedPages()).isEqualTo(3);
    }
  }

  private long allocatedPages() throws IOException {
    String[] words =
        LoopDisk.run("stat", "-c", "%b %B", folder.resolve("pool").toString())
            .strip()
            .split(" ", 2);
    return Long.parseLong(words[0]) * Long.parseLong(words[1]) / PAGE;
  }
}

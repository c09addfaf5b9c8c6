package io.bezoar.fs;

import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bezoar.media.ByteRange;
import io.bezoar.media.FaultKind;
import io.bezoar.media.FaultSpec;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.MappedByteBuffer;
import java.nio.file.FileSystemException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Mappings of files: how long they live, what is taken from them, and readers that never rest. */
class FileMappingTest {
  private static final int PAGE = MapRig.PAGE;

  private final Arena arena = Arena.ofShared();

  @AfterEach
  void closeArena() {
    if (arena.scope().isAlive()) {
      arena.close();
    }
  }

  private static byte[] bytes(int length, int value) {
    byte[] bytes = new byte[length];
    Arrays.fill(bytes, (byte) value);
    return bytes;
  }

  private void write(OpenFile file, long offset, byte[] bytes) throws IOException {
    try (Arena buffer = Arena.ofConfined()) {
      file.write(offset, FsObserver.segment(buffer, bytes));
    }
  }

  /** Device bytes of a page of a file. */
  private static ByteRange device(OpenFile file, long page) throws IOException {
    ByteRange range = ByteRange.ofLength(page * PAGE, PAGE);
    FileExtent extent = file.extents(range).getFirst();
    long at = extent.device().start() + range.start() - extent.file().start();
    return ByteRange.ofLength(at, PAGE);
  }

  @ParameterizedTest
  @EnumSource
  void shouldBeOneMappedSegmentOverWhateverThereIs(MapRig.Below below) throws Exception {
    try (MapRig rig = new MapRig(below, 1000);
        OpenFile file = rig.create("a")) {
      write(file, 0, bytes(3 * PAGE, 1));
      write(file, 5 * PAGE + 10, bytes(PAGE, 2));
      long size = file.sizeBytes();
      MemorySegment segment = file.map(100, size - 100, arena);
      assertThat(segment.isMapped()).isTrue();
      assertThat(segment.isReadOnly()).isTrue();
      assertThat(segment.byteSize()).isEqualTo(size - 100);
      segment.load();
      assertThat(segment.asByteBuffer()).isInstanceOf(MappedByteBuffer.class);
      assertThat(MapRig.load(segment, 0, size - 100))
          .isEqualTo(FsObserver.read(file, 100, (int) size - 100));
      assertThat(file.map(size, 0, arena).byteSize()).isZero();
      arena.close();
      assertThat(rig.vmas.left()).isEqualTo(1000);
    }
  }

  @Test
  void shouldRefuseWhatCannotBeMapped() throws Exception {
    try (MapRig rig = new MapRig(MapRig.Below.MEMORY, 1000)) {
      OpenFile file = rig.create("a");
      write(file, 0, bytes(PAGE, 1));
      assertThatThrownBy(() -> file.map(1, PAGE, arena))
          .isInstanceOf(FileSystemException.class)
          .hasMessageContaining("/a")
          .hasMessageContaining("beyond its end");
      assertThatThrownBy(() -> file.map(-1, 1, arena)).isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> file.map(1, Long.MAX_VALUE, arena))
          .isInstanceOf(IllegalArgumentException.class);
      Arena closed = Arena.ofConfined();
      closed.close();
      assertThatThrownBy(() -> file.map(0, 1, closed)).isInstanceOf(IllegalStateException.class);
      file.close();
      assertThatThrownBy(() -> file.map(0, 1, arena)).isInstanceOf(IllegalStateException.class);
      assertThat(rig.vmas.left()).isEqualTo(1000);
      rig.fs.unlink(FileId.ROOT, FileName.of("a"));
      rig.settle();
      assertThat(rig.fs.check().files()).isZero();
    }
  }

  @Test
  void shouldKeepADeletedFileUntilTheArenaIsClosed() throws Exception {
    try (MapRig rig = new MapRig(MapRig.Below.MEMORY, 1000)) {
      OpenFile file = rig.create("a");
      write(file, 0, bytes(20 * PAGE, 7));
      MemorySegment one = file.map(0, 20 * PAGE, arena);
      Arena second = Arena.ofShared();
      MemorySegment two = file.map(5 * PAGE, 2 * PAGE, second);
      rig.fs.unlink(FileId.ROOT, FileName.of("a"));
      file.close();
      churn(rig);
      assertThat(MapRig.load(one, 0, 20 * PAGE)).containsOnly(7);
      arena.close();
      churn(rig);
      assertThat(MapRig.load(two, 0, 2 * PAGE)).containsOnly(7);
      assertThat(rig.fs.attributes(file.id()).sizeBytes()).isEqualTo(20 * PAGE);
      second.close();
      churn(rig);
      assertThatThrownBy(() -> rig.fs.attributes(file.id()))
          .isInstanceOf(InvalidFileException.class);
    }
  }

  /** Uses every page again that can be. */
  private void churn(MapRig rig) throws IOException {
    rig.settle();
    for (int i = 0; i < 4; i++) {
      rig.fs.sync();
    }
    try (OpenFile other = rig.create("other")) {
      for (int i = 0; i < 6; i++) {
        write(other, (long) i << 20, bytes(1 << 20, 0x55));
      }
      rig.fs.unlink(FileId.ROOT, FileName.of("other"));
    }
    rig.settle();
    rig.fs.sync();
  }

  @Test
  void shouldNotShowPagesThatAreUsedAgain() throws Exception {
    try (MapRig rig = new MapRig(MapRig.Below.MEMORY, 1000);
        OpenFile file = rig.create("a")) {
      write(file, 0, bytes(10 * PAGE, 1));
      MemorySegment segment = file.map(0, 10 * PAGE, arena);
      write(file, 2 * PAGE, bytes(2 * PAGE, 2));
      file.punch(ByteRange.ofLength(6 * PAGE, PAGE));
      churn(rig);
      assertThat(MapRig.load(segment, 0, 10 * PAGE)).isEqualTo(FsObserver.read(file, 0, 10 * PAGE));
      file.truncate(PAGE + 5);
      churn(rig);
      assertThat(MapRig.load(segment, PAGE, 5)).containsOnly(1);
      assertThat(MapRig.load(segment, PAGE + 5, PAGE - 5)).containsOnly(0);
      assertThat(MapRig.load(segment, 2 * PAGE, 1)).isNull();
    }
  }

  @Test
  void shouldFaultOnceTheFilesystemIsClosed() throws Exception {
    try (MapRig rig = new MapRig(MapRig.Below.MEMORY, 1000)) {
      OpenFile file = rig.create("a");
      write(file, 0, bytes(PAGE, 1));
      MemorySegment segment = file.map(0, PAGE, arena);
      rig.fs.close();
      assertThat(MapRig.load(segment, 0, 1)).isNull();
      file.close();
      arena.close();
      assertThat(rig.vmas.left()).isEqualTo(1000);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"MEMORY", "DISK"})
  void shouldNameWhatIsLost(MapRig.Below below) throws Exception {
    try (MapRig rig = new MapRig(below, 1000);
        OpenFile file = rig.create("a")) {
      write(file, 0, bytes(10 * PAGE, 1));
      ByteRange bad = device(file, 6);
      rig.media.getFirst().injector().inject(FaultSpec.of(FaultKind.POISON, bad, 1));
      try {
        MemorySegment segment = file.map(0, 10 * PAGE, arena);
        // A device without checksums does not look; then the page alone faults.
        assertThat(MapRig.load(segment, 6 * PAGE, 1)).isNull();
        assertThat(MapRig.load(segment, 5 * PAGE, PAGE)).containsOnly(1);
      } catch (DamagedRangeException lost) {
        assertThat(lost.getFile()).isEqualTo("/a");
        assertThat(lost.range()).isEqualTo(ByteRange.ofLength(6 * PAGE, PAGE));
        assertThat(lost.device()).isEqualTo(bad);
      }
    }
  }

  @Test
  void shouldHealOrNameWhatIsLostOfAVerifiedDevice() throws Exception {
    try (MapRig rig = new MapRig(MapRig.Below.PROTECTED_MEMORY, 1000);
        OpenFile file = rig.create("a")) {
      write(file, 0, bytes(10 * PAGE, 1));
      rig.fs.sync();
      rig.device.retire(device(file, 6));
      assertThatThrownBy(() -> file.map(0, 10 * PAGE, arena))
          .isInstanceOfSatisfying(
              DamagedRangeException.class,
              lost -> {
                assertThat(lost.getFile()).isEqualTo("/a");
                assertThat(lost.range()).isEqualTo(ByteRange.ofLength(6 * PAGE, PAGE));
              });
      assertThat(rig.vmas.left()).isEqualTo(1000);
      assertThat(MapRig.load(file.map(0, 6 * PAGE, arena), 0, 6 * PAGE)).containsOnly(1);
    }
  }

  @Test
  void shouldRevokeAPageInEveryMappingOfIt() throws Exception {
    try (MapRig rig = new MapRig(MapRig.Below.MEMORY, 1000);
        OpenFile a = rig.create("a");
        OpenFile b = rig.create("b")) {
      write(a, 0, bytes(8 * PAGE, 1));
      rig.fs.reflink(a, ByteRange.ofLength(0, 8 * PAGE), b, 4 * PAGE);
      SnapshotInfo info = rig.fs.snapshot(FileName.of("s"));
      OpenFile kept = rig.fs.open(new FileId(info.commit(), a.id().inode()));
      MemorySegment inA = a.map(10, 8 * PAGE - 10, arena);
      MemorySegment inB = b.map(0, 12 * PAGE, arena);
      MemorySegment inSnapshot = kept.map(0, 8 * PAGE, arena);
      MemorySegment elsewhere = a.map(0, 3 * PAGE, arena);
      kept.close();
      ByteRange page = device(a, 3);
      assertThat(rig.fs.revoke(ByteRange.ofLength(page.start() + 100, 1))).isEqualTo(3);
      assertThat(MapRig.load(inA, 3 * PAGE - 10, 1)).isNull();
      assertThat(MapRig.load(inA, 3 * PAGE - 11, 1)).isNotNull();
      assertThat(MapRig.load(inA, 4 * PAGE - 10, 1)).isNotNull();
      assertThat(MapRig.load(inB, 7 * PAGE, 1)).isNull();
      assertThat(MapRig.load(inSnapshot, 3 * PAGE, 1)).isNull();
      assertThat(MapRig.load(inSnapshot, 4 * PAGE, 4 * PAGE)).containsOnly(1);
      assertThat(MapRig.load(elsewhere, 0, 3 * PAGE)).containsOnly(1);
      // What is written anew is not what was revoked.
      write(b, 7 * PAGE, bytes(PAGE, 2));
      assertThat(MapRig.load(inB, 0, 12 * PAGE)).isEqualTo(FsObserver.read(b, 0, 12 * PAGE));
      assertThat(rig.fs.restore(page)).isEqualTo(2);
      assertThat(MapRig.load(inA, 0, 8 * PAGE - 10)).containsOnly(1);
      assertThat(MapRig.load(inSnapshot, 0, 8 * PAGE)).containsOnly(1);
      assertThat(rig.fs.restore(page)).isZero();
    }
  }

  @Test
  void shouldRevokeMoreRatherThanNothing() throws Exception {
    try (MapRig rig = new MapRig(MapRig.Below.MEMORY, 2);
        OpenFile file = rig.create("a")) {
      write(file, 0, bytes(8 * PAGE, 1));
      MemorySegment segment = file.map(0, 8 * PAGE, arena);
      file.truncate(5 * PAGE);
      write(file, 0, bytes(5 * PAGE, 2));
      ByteRange page = device(file, 3);
      int count = rig.fs.revoke(page);
      byte[] seen = MapRig.load(segment, 3 * PAGE, 1);
      // With no mapping to spare it was copied when the file was cut: then it has what it had.
      assertThat(count == 1 ? seen == null : seen != null && seen[0] == 2).isTrue();
      rig.fs.restore(page);
      assertThat(MapRig.load(segment, 0, 5 * PAGE)).containsOnly(2);
    }
  }

  @Test
  void shouldMapHundredsOfFragmentedFilesWithinABudget() throws Exception {
    int budget = 1200;
    try (MapRig rig = new MapRig(MapRig.Below.MEMORY, budget)) {
      List<OpenFile> files = new ArrayList<>();
      SplittableRandom random = new SplittableRandom(3);
      for (int i = 0; i < 60; i++) {
        files.add(rig.create("file" + i));
      }
      for (int page = 0; page < 24; page++) {
        for (int i = 0; i < files.size(); i++) {
          if (random.nextInt(3) > 0) {
            write(files.get(i), (long) page * PAGE, bytes(PAGE, i + page));
          }
        }
      }
      List<MemorySegment> segments = new ArrayList<>();
      for (int i = 0; i < 300; i++) {
        OpenFile file = files.get(i % files.size());
        segments.add(file.map(0, file.sizeBytes(), arena));
        assertThat(rig.vmas.left()).isNotNegative();
      }
      assertThat(rig.vmas.left()).isLessThan(budget / 2);
      for (int round = 0; round < 20; round++) {
        int which = random.nextInt(files.size());
        write(files.get(which), random.nextLong(20) * PAGE, bytes(random.nextInt(9000), round));
        for (int i = which; i < segments.size(); i += files.size()) {
          long size = segments.get(i).byteSize();
          assertThat(MapRig.load(segments.get(i), 0, size))
              .isEqualTo(FsObserver.read(files.get(which), 0, (int) size));
        }
      }
      arena.close();
      assertThat(rig.vmas.left()).isEqualTo(budget);
    }
  }

  /** Each page holds one number over and over: the version of its file, and which page. */
  private static MemorySegment versioned(Arena memory, int page, int count, long version) {
    MemorySegment bytes = memory.allocate((long) count * PAGE, PAGE);
    for (int i = 0; i < count * PAGE; i += 8) {
      bytes.set(JAVA_LONG, i, version * 1000 + page + i / PAGE);
    }
    return bytes;
  }

  /** Reads a mapping until told to stop; the first thing that is wrong, or an empty text. */
  private static String watch(MemorySegment segment, int pages, AtomicBoolean done, long tag) {
    SplittableRandom random = new SplittableRandom(Thread.currentThread().threadId());
    long[] newest = new long[pages];
    while (!done.get()) {
      int page = random.nextInt(pages);
      byte[] bytes = MapRig.load(segment, (long) page * PAGE, PAGE);
      if (bytes == null) {
        return "page " + page + " faults";
      }
      MemorySegment copy = MemorySegment.ofArray(bytes);
      long oldest = Long.MAX_VALUE;
      for (int i = 0; i < PAGE; i += 8) {
        long value = copy.get(java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED, i);
        if (value % 1000 != page || value / 1000 < newest[page] || value / 1000 % 2 != tag) {
          return "page " + page + " holds " + value + " after version " + newest[page];
        }
        oldest = Math.min(oldest, value / 1000);
      }
      newest[page] = oldest;
    }
    return "";
  }

  @ParameterizedTest
  @EnumSource(names = {"MEMORY", "PROTECTED_MEMORY", "SIMULATION"})
  void shouldSwapPagesUnderHotReaders(MapRig.Below below) throws Exception {
    int pages = 32;
    try (MapRig rig = new MapRig(below, 10_000);
        OpenFile file = rig.create("a");
        ExecutorService executor = Executors.newFixedThreadPool(4)) {
      try (Arena buffer = Arena.ofConfined()) {
        file.write(0, versioned(buffer, 0, pages, 2));
      }
      MemorySegment segment = file.map(0, (long) pages * PAGE, arena);
      AtomicBoolean done = new AtomicBoolean();
      List<Future<String>> readers = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        readers.add(executor.submit((Callable<String>) () -> watch(segment, pages, done, 0)));
      }
      try {
        SplittableRandom random = new SplittableRandom(5);
        for (int version = 4; version < 1200; version += 2) {
          int page = random.nextInt(pages);
          int count = 1 + random.nextInt(Math.min(4, pages - page));
          try (Arena buffer = Arena.ofConfined()) {
            file.write((long) page * PAGE, versioned(buffer, page, count, version));
          }
          if (random.nextInt(10) == 0) {
            rig.fs.sync();
            rig.fs.sync();
          }
        }
      } finally {
        done.set(true);
      }
      for (Future<String> reader : readers) {
        assertThat(reader.get()).isEmpty();
      }
    }
  }

  /**
   * Two files share pages of the running commit. One is mapped and lets go of them; the other is
   * their only owner then, and writes them at once: not in place, while they are still shown.
   */
  @Test
  void shouldNotShowWhatASharerWrites() throws Exception {
    int pages = 8;
    try (MapRig rig = new MapRig(MapRig.Below.MEMORY, 10_000);
        OpenFile mapped = rig.create("mapped");
        OpenFile sharer = rig.create("sharer");
        ExecutorService executor = Executors.newFixedThreadPool(2)) {
      try (Arena buffer = Arena.ofConfined()) {
        mapped.write(0, versioned(buffer, 0, pages, 2));
      }
      MemorySegment segment = mapped.map(0, (long) pages * PAGE, arena);
      AtomicBoolean done = new AtomicBoolean();
      Future<String> reader = executor.submit(() -> watch(segment, pages, done, 0));
      try (Arena buffer = Arena.ofShared()) {
        for (int version = 4; version < 600; version += 2) {
          rig.fs.reflink(mapped, ByteRange.ofLength(0, (long) pages * PAGE), sharer, 0);
          MemorySegment other = versioned(buffer, 0, pages, version + 1);
          Future<?> writing =
              executor.submit(
                  () -> {
                    for (int page = 0; page < pages; page++) {
                      sharer.write((long) page * PAGE, other.asSlice((long) page * PAGE, PAGE));
                    }
                    return null;
                  });
          mapped.write(0, versioned(buffer, 0, pages, version));
          writing.get();
        }
      } finally {
        done.set(true);
      }
      assertThat(reader.get()).isEmpty();
    }
  }
}

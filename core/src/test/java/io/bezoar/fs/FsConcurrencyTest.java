package io.bezoar.fs;

import static org.assertj.core.api.Assertions.assertThat;

import io.bezoar.media.ByteRange;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

/**
 * Writers, readers, renames, snapshots and deletes at once. Content says what it is: every 8 bytes
 * carry the file, the version of the write and the place; so a read shows a mixture, a stranger's
 * byte or a byte from elsewhere.
 */
class FsConcurrencyTest {
  private static final int PAGE = FsRig.PAGE;
  private static final int REGION = 64 << 10;
  private static final int REGIONS = 4;
  private static final int WRITERS = 3;

  private final long seed = Long.getLong("bezoar.seed", System.nanoTime());
  private final int rounds = Integer.getInteger("bezoar.rounds", 1);
  private final AtomicBoolean done = new AtomicBoolean();
  private final List<FileId> files = new ArrayList<>();
  private FsRig rig = FsRig.create(FsRig.Below.LEAF, 5, seed);

  FsConcurrencyTest() throws IOException {}

  private static FileName name(String text) throws IOException {
    return FileName.of(text);
  }

  private static long word(long file, long version, long offset) {
    return file << 48 | version << 24 | offset / 8;
  }

  private static void fill(MemorySegment segment, long file, long version, long offset) {
    for (long i = 0; i < segment.byteSize(); i += 8) {
      segment.set(ValueLayout.JAVA_LONG_UNALIGNED, i, word(file, version, offset + i));
    }
  }

  /** All of it from one write; which. */
  private static long version(MemorySegment segment, long file, long offset) {
    long first = segment.get(ValueLayout.JAVA_LONG_UNALIGNED, 0);
    long version = first >>> 24 & 0xffffff;
    for (long i = 0; i < segment.byteSize(); i += 8) {
      long word = segment.get(ValueLayout.JAVA_LONG_UNALIGNED, i);
      if (word != word(file, version, offset + i)) {
        throw new AssertionError(
            "file "
                + file
                + " at "
                + (offset + i)
                + ": "
                + Long.toHexString(word)
                + " in version "
                + version);
      }
    }
    return version;
  }

  private interface Body {
    void run() throws Exception;
  }

  private void seeded(Body body) {
    try {
      body.run();
    } catch (Throwable failed) {
      throw new AssertionError(
          "seed "
              + seed
              + "; run again: mvn -pl core -am test -Dtest=FsConcurrencyTest -Dbezoar.rounds="
              + rounds
              + " -Dbezoar.seed="
              + seed,
          failed);
    }
  }

  /** Runs everything at once, until those that count are done. */
  private void atOnce(List<Callable<Void>> counted, List<Callable<Void>> beside) throws Exception {
    try (ExecutorService threads = Executors.newCachedThreadPool()) {
      CountDownLatch left = new CountDownLatch(counted.size());
      List<Future<Void>> running = new ArrayList<>();
      for (Callable<Void> one : counted) {
        running.add(
            threads.submit(
                () -> {
                  try {
                    return one.call();
                  } finally {
                    left.countDown();
                  }
                }));
      }
      for (Callable<Void> one : beside) {
        running.add(
            threads.submit(
                () -> {
                  try {
                    return one.call();
                  } catch (Throwable failed) {
                    done.set(true);
                    throw failed;
                  }
                }));
      }
      left.await();
      done.set(true);
      for (Future<Void> one : running) {
        one.get();
      }
    }
  }

  @Test
  void shouldShowEachWriteWholeOrNotAtAll() {
    seeded(
        () -> {
          try (ExecutorService background = Executors.newFixedThreadPool(1)) {
            rig = FsRig.create(FsRig.Below.LEAF, 32, seed, background);
            writersAndReaders();
          }
        });
  }

  private void writersAndReaders() throws Exception {
    FileId d =
        rig.fs.create(
            FileId.ROOT, name("d"), FileType.DIRECTORY, NewFile.standard(FileType.DIRECTORY));
    for (int f = 0; f < WRITERS; f++) {
      files.add(
          rig.fs.create(d, name("0-" + f), FileType.REGULAR, NewFile.standard(FileType.REGULAR)));
      try (OpenFile file = rig.fs.open(files.get(f));
          Arena arena = Arena.ofConfined()) {
        MemorySegment all = arena.allocate(REGION, PAGE);
        for (int r = 0; r < REGIONS; r++) {
          fill(all, f, 0, (long) r * REGION);
          file.write((long) r * REGION, all);
        }
      }
    }
    List<Callable<Void>> counted = new ArrayList<>();
    List<Callable<Void>> beside = new ArrayList<>();
    for (int f = 0; f < WRITERS; f++) {
      int file = f;
      counted.add(() -> write(file));
      beside.add(() -> rename(d, file));
    }
    counted.add(this::makeAndUnlink);
    beside.add(() -> read(1));
    beside.add(() -> read(2));
    beside.add(() -> list(d));
    beside.add(this::takeSnapshots);
    beside.add(this::background);
    atOnce(counted, beside);
    for (SnapshotInfo info : rig.fs.snapshots()) {
      rig.fs.deleteSnapshot(name(info.name()));
    }
    rig.settle();
    CheckReport report = rig.assertClean();
    assertThat(report.files()).isEqualTo(WRITERS);
    rig.reopen();
    done.set(false);
    readOnce(new SplittableRandom(seed));
    rig.assertClean();
  }

  /** Whole regions and parts of them, each version once, some of them synced. */
  private Void write(int f) throws IOException {
    SplittableRandom random = new SplittableRandom(seed + f);
    try (OpenFile file = rig.fs.open(files.get(f));
        Arena arena = Arena.ofConfined()) {
      MemorySegment all = arena.allocate(REGION, PAGE);
      for (int version = 1; version <= 150 * rounds && !done.get(); version++) {
        long offset = (long) random.nextInt(REGIONS) * REGION;
        fill(all, f, version, offset);
        file.write(offset, all);
        if (random.nextInt(8) == 0) {
          file.sync();
        }
        if (random.nextInt(10) == 0) {
          // What was just written stays when another place is cut off, shared or taken in advance.
          file.write((long) REGIONS * REGION, all);
          file.allocate(ByteRange.ofLength((long) REGIONS * REGION, 3L * REGION));
          file.punch(ByteRange.ofLength((long) REGIONS * REGION, PAGE));
          file.truncate((long) REGIONS * REGION);
        }
        if (version(readAll(file, arena, offset), f, offset) != version) {
          throw new AssertionError("file " + f + " does not show its own write");
        }
      }
    }
    return null;
  }

  private static MemorySegment readAll(OpenFile file, Arena arena, long offset) throws IOException {
    MemorySegment all = arena.allocate(REGION, PAGE);
    assertThat(file.read(offset, all)).isEqualTo(REGION);
    return all;
  }

  private Void read(int reader) throws IOException {
    SplittableRandom random = new SplittableRandom(seed + 100 + reader);
    while (!done.get()) {
      readOnce(random);
    }
    return null;
  }

  /** Parts of regions, at any multiple of 8. */
  private void readOnce(SplittableRandom random) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      int f = random.nextInt(WRITERS);
      try (OpenFile file = rig.fs.open(files.get(f))) {
        long last = -1;
        for (int i = 0; i < 20; i++) {
          int from = random.nextInt(REGION / 8) * 8;
          int length = 8 + random.nextInt((REGION - from) / 8) * 8;
          MemorySegment some = arena.allocate(length, 8);
          long offset = from + (i < 10 ? 0L : (long) random.nextInt(REGIONS) * REGION);
          assertThat(file.read(offset, some)).isEqualTo(length);
          long version = version(some, f, offset);
          if (i < 10) {
            assertThat(version).isGreaterThanOrEqualTo(last);
            last = version;
          }
        }
      }
    }
  }

  /** Each file has exactly one name at any moment. */
  private Void rename(FileId d, int f) throws IOException {
    SplittableRandom random = new SplittableRandom(seed + 200 + f);
    String now = "0-" + f;
    for (int i = 1; !done.get(); i++) {
      String next = random.nextInt(1000) + "-" + f;
      if (!next.equals(now)) {
        rig.fs.rename(d, name(now), d, name(next), Filesystem.Replace.REFUSE);
        now = next;
      }
      if (i % 50 == 0) {
        assertThat(rig.fs.paths(files.get(f))).containsExactly("/d/" + now);
      }
    }
    return null;
  }

  private Void list(FileId d) throws IOException {
    while (!done.get()) {
      // One call sees one state.
      List<DirectoryEntry> entries = rig.fs.list(d, null, 100);
      assertThat(entries).extracting(DirectoryEntry::id).containsExactlyInAnyOrderElementsOf(files);
    }
    return null;
  }

  /** Files that are deleted while they are open, and links to them. */
  private Void makeAndUnlink() throws IOException {
    SplittableRandom random = new SplittableRandom(seed + 300);
    NewFile how = NewFile.standard(FileType.REGULAR);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment some = arena.allocate(PAGE * 5, PAGE);
      for (int i = 0; i < 150 * rounds && !done.get(); i++) {
        FileId made = rig.fs.create(FileId.ROOT, name("t"), FileType.REGULAR, how);
        try (OpenFile file = rig.fs.open(made)) {
          fill(some, 99, i, 0);
          file.write(0, some);
          if (random.nextBoolean()) {
            rig.fs.link(made, FileId.ROOT, name("u"));
            rig.fs.unlink(FileId.ROOT, name("u"));
          }
          rig.fs.unlink(FileId.ROOT, name("t"));
          MemorySegment back = arena.allocate(PAGE * 5L, PAGE);
          assertThat(file.read(0, back)).isEqualTo(PAGE * 5);
          assertThat(version(back, 99, 0)).isEqualTo(i);
        }
      }
    }
    return null;
  }

  /** What a snapshot shows never changes. */
  private Void takeSnapshots() throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      while (!done.get()) {
        SnapshotInfo info = rig.fs.snapshot(name("s"));
        FileId root = rig.fs.lookup(FileId.SNAPSHOTS, name("s")).orElseThrow().id();
        FileId directory = rig.fs.lookup(root, name("d")).orElseThrow().id();
        assertThat(rig.fs.list(directory, null, 100)).hasSize(WRITERS);
        List<Long> versions = new ArrayList<>();
        for (int again = 0; again < 3; again++) {
          List<Long> found = new ArrayList<>();
          for (int f = 0; f < WRITERS; f++) {
            FileId id = new FileId(info.commit(), files.get(f).inode());
            try (OpenFile file = rig.fs.open(id)) {
              for (int r = 0; r < REGIONS; r++) {
                long offset = (long) r * REGION;
                found.add(version(readAll(file, arena, offset), f, offset));
              }
            }
          }
          assertThat(again == 0 ? found : versions).isEqualTo(found);
          versions = found;
        }
        rig.fs.deleteSnapshot(name("s"));
      }
    }
    return null;
  }

  private Void background() throws IOException {
    while (!done.get()) {
      rig.fs.tick();
      CheckReport report = rig.fs.check();
      assertThat(report.problems()).isEmpty();
    }
    return null;
  }

  @Test
  void shouldLetOneWinWhenManyWantAName() {
    seeded(
        () -> {
          List<Callable<Void>> all = new ArrayList<>();
          FileId d =
              rig.fs.create(
                  FileId.ROOT, name("d"), FileType.DIRECTORY, NewFile.standard(FileType.DIRECTORY));
          int[] made = new int[4];
          int[] gone = new int[4];
          for (int t = 0; t < 4; t++) {
            int thread = t;
            all.add(() -> makeAndMove(d, thread, made, gone));
          }
          atOnce(all, List.of());
          int left = rig.fs.list(d, null, 100).size() + rig.fs.list(FileId.ROOT, null, 100).size();
          // Each that is made and is not there was unlinked, or replaced by a rename.
          int ended = 0;
          int begun = 0;
          for (int t = 0; t < 4; t++) {
            begun += made[t];
            ended += gone[t];
          }
          rig.settle();
          CheckReport report = rig.assertClean();
          assertThat(report.files()).isEqualTo(left - 1);
          assertThat(begun - ended).isGreaterThanOrEqualTo(left - 1);
        });
  }

  private Void makeAndMove(FileId d, int thread, int[] made, int[] gone) throws IOException {
    SplittableRandom random = new SplittableRandom(seed + thread);
    for (int i = 0; i < 300 * rounds; i++) {
      FileId from = random.nextBoolean() ? d : FileId.ROOT;
      FileId to = random.nextBoolean() ? d : FileId.ROOT;
      FileName one = name("f" + random.nextInt(5));
      FileName other = name("f" + random.nextInt(5));
      try {
        switch (random.nextInt(4)) {
          case 0 -> {
            rig.fs.unlink(from, one);
            gone[thread]++;
          }
          case 1 -> rig.fs.rename(from, one, to, other, Filesystem.Replace.REPLACE);
          case 2 -> {
            Optional<DirectoryEntry> there = rig.fs.lookup(from, one);
            if (there.isPresent()) {
              try (OpenFile file = rig.fs.open(there.get().id())) {
                file.truncate(random.nextInt(3 * PAGE));
              }
            }
          }
          default -> {
            rig.fs.create(from, one, FileType.REGULAR, NewFile.standard(FileType.REGULAR));
            made[thread]++;
          }
        }
      } catch (NoSuchFileException | FileAlreadyExistsException expected) {
        // Somebody else was first.
      } catch (InvalidFileException expected) {
        assertThat(expected.problem()).isEqualTo(InvalidFileException.Problem.GONE);
      }
    }
    return null;
  }
}

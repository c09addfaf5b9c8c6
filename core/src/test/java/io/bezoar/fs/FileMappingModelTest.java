package io.bezoar.fs;

import static org.assertj.core.api.Assertions.assertThat;

import io.bezoar.media.ByteRange;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Mappings of files are what the files are, after every change of a random sequence: on media that
 * can be mapped and on such that cannot, with mappings of memory to spare and without.
 */
class FileMappingModelTest {
  private static final int PAGE = MapRig.PAGE;
  private static final int FILES = 3;
  private static final int MAPPINGS_MAX = 6;
  private static final int SIZE_MAX = 40 * PAGE;
  private static final int STEPS = Integer.getInteger("bezoar.steps", 400);

  /** A mapping, and what it is of; {@code kept}: what that holds, if it never changes again. */
  @SuppressWarnings("ArrayRecordComponent") // nobody compares them
  private record Mapped(
      OpenFile file, long position, MemorySegment segment, Arena arena, byte @Nullable [] kept) {
    Mapped keeping(byte[] content) {
      return kept == null ? new Mapped(file, position, segment, arena, content) : this;
    }
  }

  private final List<OpenFile> files = new ArrayList<>();
  private final List<Mapped> mappings = new ArrayList<>();
  private int snapshots;

  @ParameterizedTest
  @CsvSource({
    "SIMULATION, 10000",
    "SIMULATION, 24",
    "MEMORY, 10000",
    "MEMORY, 60",
    "MEMORY, 24",
    "DISK, 10000",
    "PROTECTED_MEMORY, 10000",
    "PROTECTED_DISK, 10000",
    "STRIPED_MEMORY, 10000",
    "STRIPED_MEMORY, 24",
  })
  void shouldShowTheFileAfterEveryChange(MapRig.Below below, int vmas) throws Exception {
    long seed = Long.getLong("bezoar.seed", System.nanoTime());
    String replay =
        "%s with %d, seed %d; replay: mvn -pl core -am test -Dtest=FileMappingModelTest -Dbezoar.seed=%d"
            .formatted(below, vmas, seed, seed);
    System.out.println(replay);
    SplittableRandom random = new SplittableRandom(seed);
    boolean plenty = vmas == 10000;
    try (MapRig rig = new MapRig(below, vmas)) {
      for (int i = 0; i < FILES; i++) {
        files.add(rig.create("file" + i));
      }
      for (int i = 0; i < STEPS; i++) {
        String done = step(rig, random);
        for (Mapped mapped : mappings) {
          check(mapped, plenty, "step %d, %s: %s".formatted(i, done, replay));
        }
      }
      while (!mappings.isEmpty()) {
        mappings.removeLast().arena().close();
      }
      assertThat(rig.vmas.left()).as(replay).isEqualTo(vmas);
      for (OpenFile file : files) {
        file.close();
      }
      rig.settle();
      assertThat(rig.fs.check().problems()).as(replay).isEmpty();
    }
  }

  private String step(MapRig rig, SplittableRandom random) throws IOException {
    OpenFile file = files.get(random.nextInt(FILES));
    long size = file.sizeBytes();
    long at = random.nextLong(Math.max(1, Math.min(size + 3 * PAGE, SIZE_MAX)));
    int length = 1 + random.nextInt(random.nextBoolean() ? 100 : 6 * PAGE);
    String what = " of inode " + file.id().inode() + " of " + size + " at " + at + "+" + length;
    return switch (random.nextInt(14)) {
      case 0, 1, 2, 3 -> {
        write(file, at, length, random);
        yield "write" + what;
      }
      case 4 -> {
        long to = random.nextLong(SIZE_MAX);
        file.truncate(to);
        yield "truncate to " + to + what;
      }
      case 5 -> {
        file.punch(ByteRange.ofLength(at, length));
        yield "punch" + what;
      }
      case 6 -> {
        file.allocate(ByteRange.ofLength(at, length));
        yield "allocate" + what;
      }
      case 7, 8 -> {
        OpenFile from = files.get(random.nextInt(FILES));
        long pages = from.sizeBytes() / PAGE;
        long first = pages == 0 ? 0 : random.nextLong(pages);
        long count = Math.min(pages - first, 1 + random.nextInt(6));
        long to = random.nextLong(34);
        ByteRange range = ByteRange.ofLength(first * PAGE, count * PAGE);
        if (from == file && range.overlaps(ByteRange.ofLength(to * PAGE, count * PAGE))) {
          yield "nothing";
        }
        rig.fs.reflink(from, range, file, to * PAGE);
        yield "reflink of " + range + " of inode " + from.id().inode() + " to page " + to + what;
      }
      case 9 -> {
        rig.fs.sync();
        rig.settle();
        yield "sync";
      }
      case 10, 11 -> {
        if (mappings.size() < MAPPINGS_MAX && size > 0) {
          long position = random.nextLong(size);
          map(file, position, 1 + random.nextLong(size - position), null);
          yield "map" + what;
        }
        if (!mappings.isEmpty()) {
          mappings.removeFirst().arena().close();
        }
        yield "unmap";
      }
      case 12 -> mapKept(rig, file) + what;
      default -> {
        int i = files.indexOf(file);
        FileName name = FileName.of("file" + i);
        rig.fs.unlink(FileId.ROOT, name);
        byte[] last = FsObserver.read(file, 0, (int) size);
        mappings.replaceAll(mapped -> mapped.file() == file ? mapped.keeping(last) : mapped);
        file.close();
        files.set(i, rig.create("file" + i));
        yield "unlink" + what;
      }
    };
  }

  private static void write(OpenFile file, long at, int length, SplittableRandom random)
      throws IOException {
    byte[] bytes = new byte[length];
    random.nextBytes(bytes);
    try (Arena arena = Arena.ofConfined()) {
      file.write(at, FsObserver.segment(arena, bytes));
    }
  }

  private void map(OpenFile file, long position, long length, byte @Nullable [] kept)
      throws IOException {
    if (mappings.size() == MAPPINGS_MAX) {
      mappings.removeFirst().arena().close();
    }
    Arena arena = Arena.ofShared();
    boolean done = false;
    try {
      mappings.add(new Mapped(file, position, file.map(position, length, arena), arena, kept));
      done = true;
    } finally {
      if (!done) {
        arena.close();
      }
    }
  }

  /** A file of a snapshot that is deleted again: the mapping keeps it. */
  private String mapKept(MapRig rig, OpenFile file) throws IOException {
    long size = file.sizeBytes();
    byte[] content = FsObserver.read(file, 0, (int) size);
    FileName name = FileName.of("snapshot" + snapshots++);
    SnapshotInfo info = rig.fs.snapshot(name);
    try (OpenFile kept = rig.fs.open(new FileId(info.commit(), file.id().inode()))) {
      map(kept, 0, size, content);
    }
    rig.fs.deleteSnapshot(name);
    return "map of a snapshot";
  }

  private static void check(Mapped mapped, boolean plenty, String about) throws IOException {
    long end = mapped.position() + mapped.segment().byteSize();
    byte[] kept = mapped.kept();
    byte[] content =
        kept != null ? kept : FsObserver.read(mapped.file(), 0, (int) Math.max(1, end));
    long at = mapped.position();
    while (at < end) {
      long to = Math.min(end, at / PAGE * PAGE + PAGE);
      byte[] seen = MapRig.load(mapped.segment(), at - mapped.position(), to - at);
      byte[] expected = new byte[(int) (to - at)];
      long behind = (long) Math.ceilDiv(content.length, PAGE) * PAGE;
      if (at >= behind) {
        assertThat(seen == null || (!plenty && Arrays.equals(seen, expected)))
            .as("bytes at %d, behind the end at %d, fault after %s", at, content.length, about)
            .isTrue();
      } else {
        int length = (int) Math.clamp(content.length - at, 0, to - at);
        if (length > 0) {
          System.arraycopy(content, (int) at, expected, 0, length);
        }
        assertThat(seen).as("bytes at %d after %s", at, about).isEqualTo(expected);
      }
      at = to;
    }
  }
}

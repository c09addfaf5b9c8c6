package io.bezoar.media;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.bezoar.testing.SickDisk;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Single bad sectors, with good ones before, between and behind them in the same page. */
class BadSectorsTest {
  private static final int SECTOR = Units.SECTOR_BYTES;
  private static final int PAGE = Units.PAGE_BYTES;
  private static final int SIZE = 1 << 20;
  private static final MediaOptions CHANNEL =
      new MediaOptions(Access.READ_ONLY, MediaChoice.CHANNEL, Drills.OFF);
  private static final List<ByteRange> BAD =
      List.of(
          ByteRange.ofLength(3 * PAGE + SECTOR, SECTOR),
          ByteRange.ofLength(3 * PAGE + 3 * SECTOR, SECTOR),
          ByteRange.ofLength(20 * PAGE, SECTOR),
          ByteRange.ofLength(30 * PAGE + 7 * SECTOR, 2 * SECTOR),
          ByteRange.ofLength(50 * PAGE + 2 * SECTOR, 3 * PAGE),
          ByteRange.ofLength(SIZE - SECTOR, SECTOR));

  @TempDir private Path folder;

  @Test
  void shouldWithholdNoGoodSectorForItsNeighbours() throws Exception {
    byte[] content = new byte[SIZE];
    new SplittableRandom(1).nextBytes(content);
    Path path = Files.write(folder.resolve("content"), content);
    try (SickDisk disk = SickDisk.of(path, BAD);
        Arena arena = Arena.ofConfined()) {
      for (Path sick : List.of(disk.file(), disk.device())) {
        try (Media media = MediaFiles.open(sick, CHANNEL)) {
          assertThat(media.probe(new ByteRange(0, SIZE))).isEqualTo(BAD);
          MemorySegment good = arena.allocateFrom(JAVA_BYTE, content);
          for (int sector = 0; sector < SIZE / SECTOR; sector++) {
            check(media, (long) sector * SECTOR, SECTOR, good, arena);
          }
          SplittableRandom random = new SplittableRandom(2);
          for (int i = 0; i < 300; i++) {
            long offset = random.nextLong(SIZE - 1);
            long length = 1 + random.nextLong(Math.min(64 << 10, SIZE - offset));
            check(media, offset, length, good, arena);
          }
        }
      }
    }
  }

  @Test
  void shouldNotTakeADiskForGoneBecauseItIsBadWhereItIsAsked() throws Exception {
    Path path = Files.write(folder.resolve("content"), new byte[SIZE]);
    List<ByteRange> bad =
        IntStream.range(0, 8).mapToObj(i -> ByteRange.ofLength(i * (SIZE / 8L), SECTOR)).toList();
    try (SickDisk disk = SickDisk.of(path, bad);
        Arena arena = Arena.ofConfined()) {
      for (Path sick : List.of(disk.file(), disk.device())) {
        try (Media media = MediaFiles.open(sick, CHANNEL)) {
          assertThat(media.probe(new ByteRange(0, SIZE))).isEqualTo(bad);
          assertThat(media.presence()).isEqualTo(Presence.PRESENT);
        }
        try (Media media = MediaFiles.open(sick, CHANNEL)) {
          MediaFaultException fault =
              catchThrowableOfType(
                  MediaFaultException.class,
                  () -> media.read(SIZE / 8 - PAGE, arena.allocate(2L * PAGE)));
          assertThat(fault).isNotNull();
          assertThat(fault.range()).isEqualTo(bad.get(1));
        }
      }
    }
  }

  @Test
  void shouldTellATinyFileWithABadSectorFromADiskThatIsGone() throws Exception {
    byte[] content = new byte[PAGE];
    new SplittableRandom(1).nextBytes(content);
    Path path = Files.write(folder.resolve("content"), content);
    ByteRange first = ByteRange.ofLength(0, SECTOR);
    try (SickDisk disk = SickDisk.of(path, List.of(first));
        Arena arena = Arena.ofConfined();
        Media media = MediaFiles.open(disk.file(), CHANNEL)) {
      MemorySegment dst = arena.allocate(PAGE);
      MediaFaultException fault =
          catchThrowableOfType(MediaFaultException.class, () -> media.read(0, dst));
      assertThat(fault.range()).isEqualTo(first);
      assertThat(media.presence()).isEqualTo(Presence.PRESENT);
      media.read(SECTOR, dst.asSlice(SECTOR));
      assertThat(dst.asSlice(SECTOR).toArray(JAVA_BYTE))
          .isEqualTo(java.util.Arrays.copyOfRange(content, SECTOR, PAGE));
    }
  }

  private static void check(Media media, long offset, long length, MemorySegment good, Arena arena)
      throws IOException {
    ByteRange access = ByteRange.ofLength(offset, length);
    List<ByteRange> hit = BAD.stream().filter(access::overlaps).toList();
    for (boolean past : new boolean[] {false, true}) {
      MemorySegment dst = arena.allocate(length);
      MediaFaultException fault =
          catchThrowableOfType(
              MediaFaultException.class,
              () -> {
                if (past) {
                  media.readPastCache(offset, dst);
                } else {
                  media.read(offset, dst);
                }
              });
      long prefix = length;
      if (hit.isEmpty()) {
        assertThat(fault).as("read of %s, past cache %s", access, past).isNull();
      } else {
        prefix = Math.max(0, hit.getFirst().start() - offset);
        assertThat(fault).as("read of %s, past cache %s", access, past).isNotNull();
        assertThat(fault.goodPrefixBytes()).as("read of %s", access).isEqualTo(prefix);
        assertThat(fault.range())
            .as("read of %s, past cache %s", access, past)
            .isEqualTo(hit.getFirst().intersect(access.alignOutward(SECTOR)));
      }
      assertThat(MemorySegment.mismatch(dst, 0, prefix, good, offset, offset + prefix))
          .isEqualTo(-1);
    }
  }
}

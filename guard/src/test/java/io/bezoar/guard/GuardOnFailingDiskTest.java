package io.bezoar.guard;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.bezoar.guard.sidecar.Progress;
import io.bezoar.guard.sidecar.Protection;
import io.bezoar.guard.sidecar.Redundancy;
import io.bezoar.guard.sidecar.Sidecar;
import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import io.bezoar.media.LoopDisk;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** A file on an ext4 whose disk really fails: page-ins of the mapping raise SIGBUS. */
class GuardOnFailingDiskTest {
  private static final int PAGE = 4096;
  private static final long MIB = 1 << 20;
  private static final int SIZE = 1024 * PAGE;

  /** The first bad sector: the fourth of page 1000. From here to its end the file is bad. */
  private static final int BAD = 1000 * PAGE + 3 * 512;

  private final byte[] content = new byte[SIZE];

  /** A file whose sidecar lies before it on the disk, so that a disk that lost its end has it. */
  private Path protectedFile(LoopDisk disk) throws Exception {
    new SplittableRandom(1).nextBytes(content);
    Path folder = disk.mountExt4();
    Path room = Files.write(folder.resolve("room"), new byte[(int) MIB]);
    LoopDisk.run("sync");
    Path file = Files.write(folder.resolve("file"), content);
    LoopDisk.run("sync");
    Files.delete(room);
    LoopDisk.run("sync");
    Protection.protect(file, Redundancy.DEFAULT, Progress.UNWATCHED);
    LoopDisk.run("sync");
    assertThat(LoopDisk.placeOf(Sidecar.pathOf(file)) + MIB)
        .isLessThan(LoopDisk.placeOf(file) + MIB);
    return file;
  }

  private static void lose(LoopDisk disk, Path file) throws IOException {
    disk.cut(LoopDisk.placeOf(file) + BAD);
    Files.writeString(Path.of("/proc/sys/vm/drop_caches"), "1");
  }

  private static long sum(MemorySegment segment) {
    long sum = 0;
    for (long i = 0; i < segment.byteSize(); i++) {
      sum = sum * 31 + segment.get(JAVA_BYTE, i);
    }
    return sum;
  }

  @Test
  void shouldNameTheLostSectorsAndServeAllOthers() throws Exception {
    try (LoopDisk disk = LoopDisk.of(64 * MIB, 128 * MIB)) {
      Path file = protectedFile(disk);
      lose(disk, file);
      try (Guard guard = Guard.map(file, GuardOptions.DEFAULT)) {
        byte[] read = new byte[SIZE];
        DamagedRangeException lost =
            catchThrowableOfType(DamagedRangeException.class, () -> guard.copy(0, read, 0, SIZE));
        assertThat(lost.ranges()).containsExactly(new ByteRange(BAD, SIZE));
        assertThat(lost.goodPrefixBytes()).isEqualTo(BAD);
        assertThat(Arrays.mismatch(read, 0, BAD, content, 0, BAD)).isNegative();
        DamagedRangeException run =
            catchThrowableOfType(
                DamagedRangeException.class,
                () -> guard.<Long, RuntimeException>run(() -> sum(guard.segment())));
        assertThat(run.ranges()).containsExactly(new ByteRange(BAD, SIZE));
        byte[] tail = new byte[2 * PAGE];
        Recovery recovery = guard.recoveryCopy(999 * PAGE, MemorySegment.ofArray(tail));
        assertThat(recovery.holes()).isEqualTo(ByteRanges.of(new ByteRange(BAD, 1001 * PAGE)));
        assertThat(recovery.unverified()).isEqualTo(ByteRanges.of(new ByteRange(999 * PAGE, BAD)));
      }
    }
  }

  private static GuardEvent.Source sourceOf(ByteRange healed) {
    return healed.end() <= BAD ? GuardEvent.Source.FILE : GuardEvent.Source.SIDECAR;
  }

  @Test
  void shouldServeFromMemoryWhatTheDiskTakesNoMore() throws Exception {
    try (LoopDisk disk = LoopDisk.of(64 * MIB, 128 * MIB)) {
      Path file = protectedFile(disk);
      List<GuardEvent> events = new ArrayList<>();
      lose(disk, file);
      GuardOptions options = GuardOptions.SIDECAR.verify(Verify.ON_COPY);
      try (Guard guard = Guard.map(file, options);
          AutoCloseable watching = guard.subscribe(events::add)) {
        byte[] read = new byte[SIZE];
        guard.copy(0, read, 0, SIZE);
        assertThat(read).isEqualTo(content);
        assertThat(guard.segment().toArray(JAVA_BYTE)).isEqualTo(content);
        assertThat(guard.damage()).isEmpty();
        // A read-ahead across the edge may fail as a whole: then good pages before it trap as well.
        assertThat(events)
            .isNotEmpty()
            .allMatch(
                event ->
                    event instanceof GuardEvent.Healed healed
                        && healed.source() == sourceOf(healed.range())
                        && healed.place() == GuardEvent.Place.MEMORY);
        assertThat(watching).isNotNull();
      }
      // The sectors are there again and hold something else; ext4 has gone read-only meanwhile.
      disk.cut(64 * MIB);
      try (Guard guard = Guard.map(file, GuardOptions.SIDECAR)) {
        assertThat(guard.damage()).isEmpty();
        byte[] read = new byte[SIZE];
        guard.copy(0, read, 0, SIZE);
        assertThat(read).isEqualTo(content);
        assertThat(guard.segment().toArray(JAVA_BYTE)).isEqualTo(content);
      }
    }
  }
}

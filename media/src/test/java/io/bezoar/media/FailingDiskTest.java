package io.bezoar.media;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Disks that really are full, bad in part, or gone. */
class FailingDiskTest {
  private static final int PAGE = Units.PAGE_BYTES;
  private static final long MIB = 1 << 20;
  private static final MediaOptions CHANNEL =
      new MediaOptions(Access.READ_WRITE, MediaChoice.CHANNEL, Drills.ON);

  private final Arena arena = Arena.ofShared();

  @AfterEach
  void freeBuffers() {
    arena.close();
  }

  private MemorySegment pattern(long lengthBytes) {
    byte[] bytes = new byte[(int) lengthBytes];
    new SplittableRandom(lengthBytes).nextBytes(bytes);
    return arena.allocateFrom(JAVA_BYTE, bytes);
  }

  @Test
  void shouldStayFailedAfterTheFirstFailedPersist() throws Exception {
    try (LoopDisk disk = LoopDisk.of(64 * MIB, 40 * MIB)) {
      Path path = disk.mountExt4().resolve("pool");
      try (Media media = MediaFiles.create(path, 16 * MIB, Allocation.PREALLOCATED, CHANNEL)) {
        media.write(0, pattern(MIB));
        media.persist();
        disk.fillHost();
        media.write(0, pattern(16 * MIB));
        assertThatThrownBy(media::persist).isInstanceOf(PersistFailedException.class);
        // What this is for: asked again, the kernel says that all is well, or fails by another
        // name.
        long again = ((FileMedia) media).file.call(Posix::fdatasync);
        System.out.println("fdatasync after the failed one: " + again);
        for (int i = 0; i < 3; i++) {
          assertThatThrownBy(media::persist).isInstanceOf(PersistFailedException.class);
        }
        assertThatThrownBy(() -> media.write(0, pattern(PAGE)))
            .isInstanceOf(PersistFailedException.class);
        assertThatThrownBy(() -> media.reinitialise(0, pattern(PAGE)))
            .isInstanceOf(PersistFailedException.class);
        media.read(0, arena.allocate(PAGE));
      }
    }
  }

  @Test
  void shouldNameTheBadSectorsOfADisk() throws Exception {
    try (LoopDisk disk = LoopDisk.of(128 * MIB, 256 * MIB)) {
      Path path = disk.mountExt4().resolve("pool");
      long size = 8 * MIB;
      MemorySegment content = pattern(size);
      try (Media media = MediaFiles.create(path, size, Allocation.PREALLOCATED, CHANNEL)) {
        media.write(0, content);
        media.persist();
        LoopDisk.run("sync");
        // The disk now ends within page 1000 of the file, after its third sector.
        long bad = 1000L * PAGE + 3 * 512;
        disk.cut(LoopDisk.placeOf(path) + bad);
        FileMedia file = (FileMedia) media;
        file.file.call(fd -> Posix.fadvise(fd, 0, 0, Posix.POSIX_FADV_DONTNEED));

        for (long before : new long[] {0, 1, 511, 512, PAGE, 5 * PAGE + 77, MIB}) {
          assertFault(media, bad - before, 3L * PAGE + before, content, bad);
        }
        assertThat(media.probe(new ByteRange(0, size))).containsExactly(new ByteRange(bad, size));
        MediaFaultException e =
            catchThrowableOfType(
                MediaFaultException.class, () -> media.reinitialise(1500L * PAGE, pattern(PAGE)));
        assertThat(e).as("a disk that cannot rewrite condemns the range").isNotNull();
        media.read(0, arena.allocate(PAGE));
        assertThat(media.presence()).isEqualTo(Presence.PRESENT);
        media.persist();
        disk.cut(128 * MIB);
        media.reinitialise(1500L * PAGE, pattern(PAGE));
      }
    }
  }

  private void assertFault(Media media, long offset, long length, MemorySegment content, long bad)
      throws IOException {
    for (boolean past : new boolean[] {false, true}) {
      MemorySegment dst = arena.allocate(length);
      MediaFaultException e =
          catchThrowableOfType(
              MediaFaultException.class,
              () -> {
                if (past) {
                  media.readPastCache(offset, dst);
                } else {
                  media.read(offset, dst);
                }
              });
      assertThat(e).as("read at %d past cache %s", offset, past).isNotNull();
      long good = bad - offset;
      assertThat(e.faultCause()).isEqualTo(Cause.IO_ERROR);
      assertThat(e.goodPrefixBytes()).as("offset %d past cache %s", offset, past).isEqualTo(good);
      assertThat(e.range().start()).isEqualTo(bad);
      assertThat(MemorySegment.mismatch(dst, 0, good, content, offset, bad)).isEqualTo(-1);
    }
  }

  @Test
  void shouldTellAFileSystemThatShutDownFromDamage() throws Exception {
    try (LoopDisk disk = LoopDisk.of(64 * MIB, 128 * MIB)) {
      Path path = disk.mountExt4().resolve("pool");
      try (Media media = MediaFiles.create(path, 4 * MIB, Allocation.PREALLOCATED, CHANNEL);
          Arena own = Arena.ofConfined()) {
        media.write(0, pattern(4 * MIB));
        media.persist();
        long shutdown = 0x8004587dL; // EXT4_IOC_SHUTDOWN
        MemorySegment flags = own.allocate(4, 4);
        assertThat(((FileMedia) media).file.call(fd -> Posix.ioctl(fd, shutdown, flags))).isZero();
        MediaUnavailableException e =
            catchThrowableOfType(
                MediaUnavailableException.class, () -> media.read(PAGE, arena.allocate(PAGE)));
        assertThat(e).isNotNull();
        assertThat(e.presence()).isEqualTo(Presence.GONE);
        assertThat(media.presence()).isEqualTo(Presence.GONE);
        assertThatThrownBy(() -> media.probe(new ByteRange(0, 4 * MIB)))
            .isInstanceOf(MediaUnavailableException.class);
        assertThatThrownBy(() -> media.write(0, pattern(PAGE)))
            .isInstanceOf(MediaUnavailableException.class);
      }
    }
  }

  @Test
  void shouldReportAFullFileSystemBeforeAnythingIsAcknowledged() throws Exception {
    try (LoopDisk disk = LoopDisk.of(MIB, 16 * MIB)) {
      for (MediaChoice choice : new MediaChoice[] {MediaChoice.MAPPED, MediaChoice.CHANNEL}) {
        Path path = disk.host().resolve(choice.name());
        MediaOptions options = new MediaOptions(Access.READ_WRITE, choice, Drills.OFF);
        try (Media media = MediaFiles.create(path, 12 * MIB, Allocation.SPARSE, options)) {
          media.write(MIB, pattern(PAGE));
          disk.fillHost();
          assertThatThrownBy(() -> media.write(4 * MIB, pattern(4 * PAGE)))
              .isInstanceOf(MediaFullException.class);
          MemorySegment dst = pattern(4 * PAGE);
          media.read(MIB - 2 * PAGE, dst);
          assertThat(dst.asSlice(2 * PAGE, PAGE).mismatch(pattern(PAGE))).isEqualTo(-1);
          assertThat(dst.asSlice(0, 2 * PAGE).toArray(JAVA_BYTE)).containsOnly(0);
          assertThat(dst.asSlice(3 * PAGE).toArray(JAVA_BYTE)).containsOnly(0);
          assertThat(media.probe(new ByteRange(0, 12 * MIB))).isEmpty();
          Path second = disk.host().resolve("second");
          assertThatThrownBy(() -> MediaFiles.create(second, MIB, Allocation.PREALLOCATED, options))
              .isInstanceOf(MediaFullException.class);
          assertThat(second).doesNotExist();
          java.nio.file.Files.delete(disk.host().resolve("filler"));
          media.write(4 * MIB, pattern(4 * PAGE));
          media.persist();
        }
        java.nio.file.Files.delete(path);
      }
    }
  }

  @Test
  void shouldTakeABlockDevice() throws Exception {
    try (LoopDisk disk = LoopDisk.of(8 * MIB, 16 * MIB)) {
      try (Media media = MediaFiles.open(disk.device(), CHANNEL)) {
        assertThat(media.info().kind()).isEqualTo(MediaKind.CHANNEL);
        assertThat(media.sizeBytes()).isEqualTo(8 * MIB);
        media.write(77, pattern(PAGE));
        media.persist();
        MemorySegment dst = arena.allocate(PAGE);
        media.readPastCache(77, dst);
        assertThat(dst.mismatch(pattern(PAGE))).isEqualTo(-1);
        media.reinitialise(4 * MIB, pattern(PAGE));
        assertThat(media.window(new ByteRange(77, 77 + PAGE)).orElseThrow().mismatch(dst))
            .isEqualTo(-1);
        disk.cut(4 * MIB);
        assertThat(media.presence()).isEqualTo(Presence.TRUNCATED);
        assertThatThrownBy(() -> media.read(5 * MIB, dst))
            .isInstanceOf(MediaUnavailableException.class);
        disk.cut(8 * MIB);
        assertThat(media.presence()).isEqualTo(Presence.PRESENT);
      }
      disk.mountExt4();
      MediaOpenException e =
          catchThrowableOfType(
              MediaOpenException.class, () -> MediaFiles.open(disk.device(), CHANNEL));
      assertThat(e).as("a mounted disk is in use").isNotNull();
      assertThat(e.openReason()).isEqualTo(MediaOpenException.Reason.LOCKED);
    }
  }
}

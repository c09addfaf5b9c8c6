package io.bezoar.fs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.DeviceState;
import io.bezoar.dax.DeviceUnavailableException;
import io.bezoar.media.ByteRange;
import io.bezoar.media.FaultKind;
import io.bezoar.media.SimMedia;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Synced writes are in the log, and what they are to be done again on is not as it was. */
class ReplayTroubleTest {
  private static final int PAGE = FsRig.PAGE;
  private static final NewFile FILE = NewFile.standard(FileType.REGULAR);

  private static OpenFile make(Filesystem fs, String name) throws IOException {
    return fs.open(fs.create(FileId.ROOT, FileName.of(name), FileType.REGULAR, FILE));
  }

  private static OpenFile open(Filesystem fs, String name) throws IOException {
    return fs.open(fs.lookup(FileId.ROOT, FileName.of(name)).orElseThrow().id());
  }

  private static void write(OpenFile file, long offset, int length, int value) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      file.write(offset, arena.allocate(length, PAGE).fill((byte) value));
    }
  }

  private static byte[] read(OpenFile file, long offset, int length) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment bytes = arena.allocate(length, PAGE);
      assertThat(file.read(offset, bytes)).isEqualTo(length);
      return bytes.toArray(ValueLayout.JAVA_BYTE);
    }
  }

  private static SimMedia powerCut(FsRig rig) {
    return rig.media.crash(new SplittableRandom(7));
  }

  /** The newest commit has a page of 1 in a file, and the log of 2. */
  private static FsRig cutOffAfterASyncedWrite() throws IOException {
    FsRig rig = FsRig.create(FsRig.Below.LEAF, 6, 2);
    try (OpenFile file = make(rig.fs, "a")) {
      write(file, 0, PAGE, 1);
      rig.fs.sync();
      file.sync();
      write(file, 0, PAGE, 2);
      file.sync();
    }
    rig.media = powerCut(rig);
    return rig;
  }

  /** One lost page of one file's data must not keep everything else away. */
  @Test
  void shouldOpenWhenAPageIsLostThatASyncedWriteIsToBeDoneAgainOn() throws Exception {
    FsRig rig = FsRig.create(FsRig.Below.LEAF, 6, 1);
    long lost;
    try (OpenFile file = make(rig.fs, "a");
        OpenFile other = make(rig.fs, "b")) {
      write(file, 0, PAGE, 1);
      write(other, 0, PAGE, 2);
      rig.fs.sync();
      file.sync();
      other.sync();
      lost = file.extents(new ByteRange(0, PAGE)).getFirst().device().start();
      write(file, 100, 10, 3);
      file.sync();
      write(other, 100, 10, 4);
      other.sync();
    }
    SimMedia survivors = powerCut(rig);
    rig.media = survivors;
    rig.strike(FaultKind.EIO, lost, 5);
    rig.reopenOn(survivors);
    try (OpenFile other = open(rig.fs, "b")) {
      assertThat(read(other, 100, 10)).containsOnly(4);
    }
    assertThat(rig.fs.notes()).isNotEmpty();
  }

  /** A device that takes no writes yet when it is opened, and does later. */
  @Test
  void shouldNotForgetSyncedWritesWhenTheDeviceTakesWritesAgainOnlyAfterOpening() throws Exception {
    FsRig rig = cutOffAfterASyncedWrite();
    AtomicReference<@Nullable DeviceState> pretended = new AtomicReference<>(DeviceState.READ_ONLY);
    DaxDevice device =
        Interposed.on(
            rig.deviceAlone(), (method, _) -> method.equals("state") ? pretended.get() : null);
    try (Filesystem fs = Filesystem.open(device, rig.options)) {
      assertThat(fs.notes()).hasSize(1);
      pretended.set(null);
      assertThatThrownBy(() -> make(fs, "b"))
          .isInstanceOf(FilesystemReadOnlyException.class)
          .hasMessageContaining("open it again");
      fs.sync();
    }
    try (Filesystem fs = Filesystem.open(device, rig.options);
        OpenFile file = open(fs, "a")) {
      assertThat(read(file, 0, PAGE)).containsOnly(2);
    }
  }

  @Test
  void shouldOpenForReadingWhenSyncedWritesCannotBeDoneAgainNow() throws Exception {
    FsRig rig = cutOffAfterASyncedWrite();
    AtomicBoolean away = new AtomicBoolean(true);
    DaxDevice device =
        Interposed.on(
            rig.deviceAlone(),
            (method, _) -> {
              if (method.equals("write") && away.get()) {
                throw new DeviceUnavailableException(
                    "part", DeviceState.PARTIAL, "away for a moment", null);
              }
              return null;
            });
    try (Filesystem fs = Filesystem.open(device, rig.options);
        OpenFile file = open(fs, "a")) {
      assertThat(fs.notes()).singleElement().asString().contains("1 synced writes");
      assertThat(read(file, 0, PAGE)).containsOnly(1);
      away.set(false);
      assertThatThrownBy(() -> make(fs, "b")).isInstanceOf(FilesystemReadOnlyException.class);
    }
    try (Filesystem fs = Filesystem.open(device, rig.options);
        OpenFile file = open(fs, "a")) {
      assertThat(fs.notes()).isEmpty();
      assertThat(read(file, 0, PAGE)).containsOnly(2);
    }
  }

  /** The pages may be somebody else's by then. */
  @Test
  void shouldReadNothingFromAFilesystemThatWasClosed() throws Exception {
    FsRig rig = FsRig.create(FsRig.Below.LEAF, 6, 3);
    OpenFile file = make(rig.fs, "a");
    write(file, 0, PAGE, 1);
    assertThat(read(file, 0, PAGE)).containsOnly(1);
    rig.reopen();
    rig.fs.unlink(FileId.ROOT, FileName.of("a"));
    rig.settle();
    rig.fs.sync();
    try (OpenFile other = make(rig.fs, "b")) {
      for (int i = 0; i < 1000; i++) {
        write(other, (long) i * PAGE, PAGE, 9);
        if (i % 100 == 0) {
          rig.fs.sync();
        }
      }
      assertThatThrownBy(() -> read(file, 0, PAGE)).isInstanceOf(IllegalStateException.class);
    }
  }
}

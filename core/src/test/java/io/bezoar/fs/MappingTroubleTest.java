package io.bezoar.fs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bezoar.dax.DeviceUnavailableException;
import io.bezoar.media.ByteRange;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * A change cannot be shown in a mapping: nobody sees its old pages again, which are somebody else's
 * soon.
 */
class MappingTroubleTest {
  private static final int PAGE = FsRig.PAGE;

  /** What the device throws when it is asked for a window. */
  private final AtomicReference<@Nullable Throwable> trouble = new AtomicReference<>();

  private final MapRig rig = new MapRig(MapRig.Below.MEMORY, 1000);
  private Filesystem fs = rig.fs;

  MappingTroubleTest() throws IOException {}

  @BeforeEach
  void open() throws IOException {
    rig.fs.close();
    fs =
        Opening.open(
            Interposed.on(
                rig.device,
                (method, _) -> {
                  Throwable thrown = trouble.get();
                  if (thrown != null && method.equals("window")) {
                    throw thrown;
                  }
                  return null;
                }),
            rig.options,
            rig.vmas);
  }

  @AfterEach
  void close() throws Exception {
    fs.close();
    rig.close();
  }

  private OpenFile make(String name) throws IOException {
    return fs.open(
        fs.create(
            FileId.ROOT, FileName.of(name), FileType.REGULAR, NewFile.standard(FileType.REGULAR)));
  }

  /** Whatever is free belongs to this file then. */
  private void useFreePages(MemorySegment page) throws IOException {
    try (OpenFile other = make("other")) {
      for (int i = 0; i < 200; i++) {
        other.write(2L * i * PAGE, page.fill((byte) 9));
        if (i % 20 == 0) {
          fs.sync();
        }
      }
    }
  }

  @Test
  void shouldKeepOldPagesWhileAMappingShowsThemAfterAnError() throws IOException {
    try (Arena arena = Arena.ofConfined();
        OpenFile file = make("a")) {
      MemorySegment page = arena.allocate(PAGE, PAGE);
      file.write(0, page.fill((byte) 1));
      fs.sync();
      MemorySegment mapped = file.map(0, PAGE, arena);
      trouble.set(new OutOfMemoryError("as it may happen anywhere"));
      assertThatThrownBy(() -> file.write(0, page.fill((byte) 2)))
          .isInstanceOf(OutOfMemoryError.class);
      trouble.set(null);
      useFreePages(page);
      assertThat(MapRig.load(mapped, 0, PAGE)).isNotNull().containsOnly(1);
    }
  }

  @Test
  void shouldNotGiveBackAnOldPageWithItsNeighbour() throws IOException {
    try (Arena arena = Arena.ofConfined();
        OpenFile file = make("a")) {
      MemorySegment pages = arena.allocate(2L * PAGE, PAGE);
      MemorySegment page = pages.asSlice(0, PAGE);
      file.write(0, pages.fill((byte) 1));
      fs.sync();
      MemorySegment mapped = file.map(0, 2L * PAGE, arena);
      trouble.set(
          new DeviceUnavailableException(
              "part", new ByteRange(0, PAGE), "away for a moment", null));
      file.write(0, page.fill((byte) 2));
      trouble.set(null);
      assertThat(MapRig.load(mapped, 0, PAGE)).as("cannot be shown").isNull();
      useFreePages(page);
      ByteRange neighbour = file.extents(new ByteRange(PAGE, 2L * PAGE)).getFirst().device();
      fs.revoke(neighbour);
      assertThat(MapRig.load(mapped, PAGE, PAGE)).isNull();
      fs.restore(neighbour);
      assertThat(MapRig.load(mapped, PAGE, PAGE)).containsOnly(1);
      assertThat(MapRig.load(mapped, 0, PAGE)).isNull();
    }
  }
}

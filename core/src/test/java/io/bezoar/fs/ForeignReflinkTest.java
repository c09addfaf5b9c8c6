package io.bezoar.fs;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bezoar.media.ByteRange;
import java.io.IOException;
import java.lang.foreign.Arena;
import org.junit.jupiter.api.Test;

/** A file of another filesystem has nothing that could be shared. */
class ForeignReflinkTest {
  private static OpenFile make(FsRig rig, int value) throws IOException {
    OpenFile file =
        rig.fs.open(
            rig.fs.create(
                FileId.ROOT,
                FileName.of("f" + value),
                FileType.REGULAR,
                NewFile.standard(FileType.REGULAR)));
    try (Arena arena = Arena.ofConfined()) {
      file.write(0, arena.allocate(FsRig.PAGE, FsRig.PAGE).fill((byte) value));
    }
    return file;
  }

  @Test
  void shouldRefuseAFileOfAnotherFilesystem() throws IOException {
    FsRig here = FsRig.create(FsRig.Below.LEAF, 6, 1);
    FsRig there = FsRig.create(FsRig.Below.LEAF, 6, 2);
    try (OpenFile _ = make(here, 1);
        OpenFile to = make(here, 2);
        OpenFile from = make(there, 3)) {
      ByteRange page = new ByteRange(0, FsRig.PAGE);
      assertThatThrownBy(() -> here.fs.reflink(from, page, to, 0))
          .isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> there.fs.reflink(to, page, to, 0))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }
}

package io.bezoar.fs;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bezoar.tree.ForestFailedException;
import java.io.IOException;
import java.lang.foreign.Arena;
import org.junit.jupiter.api.Test;

/** What closing makes durable, it says when it does not. */
class CloseAfterFailureTest {
  @Test
  void shouldSayThatWhatWasWrittenIsNotDurable() throws IOException {
    FsRig rig = FsRig.create(FsRig.Below.LEAF, 6, 1);
    FileId id =
        rig.fs.create(
            FileId.ROOT, FileName.of("a"), FileType.REGULAR, NewFile.standard(FileType.REGULAR));
    rig.fs.sync();
    try (OpenFile file = rig.fs.open(id);
        Arena arena = Arena.ofConfined()) {
      file.write(0, arena.allocate(FsRig.PAGE, FsRig.PAGE));
    }
    // As the background does it, which tells nobody but the log.
    rig.media.failNextPersist();
    assertThatThrownBy(() -> rig.fs.tick()).isInstanceOf(IOException.class);
    assertThatThrownBy(() -> rig.fs.close()).isInstanceOf(ForestFailedException.class);
  }
}

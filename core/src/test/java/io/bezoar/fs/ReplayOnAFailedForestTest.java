package io.bezoar.fs;

import static org.assertj.core.api.Assertions.assertThat;

import io.bezoar.media.ByteRange;
import io.bezoar.media.FaultKind;
import io.bezoar.media.SimMedia;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** It is not known what snapshots keep: the files can be read all the same. */
class ReplayOnAFailedForestTest {
  private static final int PAGE = FsRig.PAGE;

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void shouldOpenForReading(boolean syncedWrites) throws IOException {
    FsRig rig = FsRig.create(FsRig.Below.LEAF, 6, 1);
    FileId id =
        rig.fs.create(
            FileId.ROOT, FileName.of("a"), FileType.REGULAR, NewFile.standard(FileType.REGULAR));
    rig.fs.snapshot(FileName.of("s"));
    for (String name : List.of("b", "c")) {
      rig.fs.create(
          FileId.ROOT, FileName.of(name), FileType.REGULAR, NewFile.standard(FileType.REGULAR));
      rig.fs.sync();
    }
    List<Long> holds = new ArrayList<>();
    for (Owner owner : rig.fs.owners(new ByteRange(0, rig.device.sizeBytes()))) {
      if (owner instanceof Owner.Metadata metadata && metadata.structure().contains("holds")) {
        for (long at = owner.device().start(); at < owner.device().end(); at += PAGE) {
          holds.add(at);
        }
      }
    }
    assertThat(holds).hasSize(2);
    try (OpenFile file = rig.fs.open(id);
        Arena arena = Arena.ofConfined()) {
      MemorySegment bytes = arena.allocate(100);
      file.sync();
      if (syncedWrites) {
        file.write(0, bytes);
        file.sync();
      }
    }
    SimMedia survivors = rig.media.crash(new SplittableRandom(1));
    rig.media = survivors;
    for (long page : holds) {
      rig.strike(FaultKind.EIO, page, 2);
    }
    rig.reopenOn(survivors);
    assertThat(rig.fs.lookup(FileId.ROOT, FileName.of("a"))).isPresent();
  }
}

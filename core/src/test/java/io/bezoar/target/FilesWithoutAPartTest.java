package io.bezoar.target;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bezoar.dax.DeviceState;
import io.bezoar.dax.DeviceUnavailableException;
import io.bezoar.fs.FileId;
import io.bezoar.fs.FileName;
import io.bezoar.fs.FileType;
import io.bezoar.fs.Filesystem;
import io.bezoar.fs.FilesystemOptions;
import io.bezoar.fs.NewFile;
import io.bezoar.media.ByteRange;
import io.bezoar.media.Presence;
import io.bezoar.media.Units;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A filesystem of which a part is away for a while. */
class FilesWithoutAPartTest {
  private static final long PART = 1024L * Units.PAGE_BYTES;
  private static final NewFile FILE = NewFile.standard(FileType.REGULAR);

  /** Nothing was written before the part was missed: so nothing has to be given up. */
  @Test
  void shouldGoOnWhenAPartIsBackThatTheFirstChangeMissed() throws IOException {
    List<SimChild> children = new ArrayList<>();
    List<LinearTarget.Piece> pieces = new ArrayList<>();
    for (int slot = 0; slot < 3; slot++) {
      children.add(SimChild.leaf("leaf" + slot, 1024, slot + 1));
      pieces.add(new LinearTarget.Piece(children.get(slot).device(), new ByteRange(0, PART)));
    }
    LinearTarget device = LinearTarget.open("joined", pieces, SimChild.dispatcher("joined"));
    FilesystemOptions options =
        new FilesystemOptions(
            InstantSource.fixed(Instant.EPOCH), Runnable::run, Duration.ZERO, 256 << 10);
    Filesystem.format(device, 7, NewFile.standard(FileType.DIRECTORY), options);
    try (Filesystem fs = Filesystem.open(device, options);
        Arena arena = Arena.ofConfined()) {
      children.get(1).media().setPresence(Presence.GONE);
      assertThatThrownBy(() -> children.get(1).device().read(0, arena.allocate(4096, 4096)))
          .isInstanceOf(DeviceUnavailableException.class);
      assertThat(device.state()).isEqualTo(DeviceState.PARTIAL);
      assertThatThrownBy(() -> fs.create(FileId.ROOT, FileName.of("a"), FileType.REGULAR, FILE))
          .isInstanceOf(DeviceUnavailableException.class);
      children.get(1).media().setPresence(Presence.PRESENT);
      children.get(1).put(children.get(1).media().reopen());
      children.get(1).start();
      device.childReturned(1, children.get(1).device());
      assertThat(device.state()).isEqualTo(DeviceState.ONLINE);
      fs.create(FileId.ROOT, FileName.of("a"), FileType.REGULAR, FILE);
      fs.sync();
    }
  }
}

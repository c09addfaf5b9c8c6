package io.bezoar.guard.sidecar;

import static java.nio.file.StandardCopyOption.ATOMIC_MOVE;
import static java.nio.file.StandardCopyOption.REPLACE_EXISTING;

import io.bezoar.guard.sidecar.SidecarLayout.Copy;
import io.bezoar.media.Access;
import io.bezoar.media.Drills;
import io.bezoar.media.Media;
import io.bezoar.media.MediaChoice;
import io.bezoar.media.MediaFaultException;
import io.bezoar.media.MediaFiles;
import io.bezoar.media.MediaOptions;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.UUID;

/**
 * Makes one sidecar; {@link Protection} says how and when.
 *
 * @param file the file, without symbolic links
 * @param stamp what it looked like before anything was read
 * @param redundancy how much is to be survived
 * @param check sees every page
 */
record SidecarMaker(
    Path file, FileStamp stamp, Redundancy redundancy, ParityMaker.PageCheck check) {
  private static final MediaOptions READ =
      new MediaOptions(Access.READ_ONLY, MediaChoice.CHANNEL, Drills.OFF);

  SidecarGeometry make(Progress progress) throws IOException, InterruptedException {
    InstantSource clock = InstantSource.system();
    stamp.awaitSettled(clock);
    SidecarGeometry geometry = SidecarGeometry.of(stamp.sizeBytes(), redundancy);
    SidecarLayout layout = new SidecarLayout(geometry);
    SidecarHeader header =
        new SidecarHeader(
            UUID.randomUUID(), clock.millis(), stamp.modifiedNanos(), redundancy, geometry);
    try (Media source = MediaFiles.open(file, READ);
        FreshFile fresh = FreshFile.beside(Sidecar.pathOf(file), layout.sizeBytes());
        TableBuilder table = new TableBuilder(layout)) {
      fresh.shareLike(file);
      stamp.requireUnchanged(file);
      Workers.run(
          ParityMaker.pieces(geometry),
          geometry.fileSizeBytes(),
          progress,
          () -> new ParityMaker(source, fresh.media(), layout, table, check));
      stamp.requireUnchanged(file);
      for (Copy copy : Copy.values()) {
        table.write(fresh.media(), copy, header.id());
        write(fresh.media(), layout.headerOffset(copy), header);
      }
      fresh.publish(ATOMIC_MOVE, REPLACE_EXISTING);
      return geometry;
    } catch (MediaFaultException unreadable) {
      SidecarException refused = damaged(file, "bytes " + unreadable.range() + " cannot be read");
      refused.initCause(unreadable);
      throw refused;
    }
  }

  private static void write(Media sidecar, long at, SidecarHeader header) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment buffer = arena.allocate(SidecarLayout.HEADER_BYTES, Long.BYTES);
      SidecarLayout.encodeHeader(buffer, at, header);
      sidecar.write(at, buffer);
    }
  }

  static SidecarException damaged(Path file, String how) {
    return new SidecarException(
        file,
        SidecarException.Reason.FILE_DAMAGED,
        "is damaged ("
            + how
            + "), and a new sidecar would protect the damage: repair it first, or restore it");
  }
}

package io.bezoar.guard.sidecar;

import static io.bezoar.media.Units.PAGE_BYTES;

import io.bezoar.guard.sidecar.SidecarLayout.Copy;
import io.bezoar.media.Access;
import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import io.bezoar.media.Drills;
import io.bezoar.media.Media;
import io.bezoar.media.MediaChoice;
import io.bezoar.media.MediaFaultException;
import io.bezoar.media.MediaFiles;
import io.bezoar.media.MediaOptions;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * Makes what is bad in a sidecar anew, where it is: headers and checksums from their other copy,
 * parity from the file. Nothing is stored that does not verify: a block of checksums that is bad in
 * both copies, and parity of a row that is not whole, stay bad.
 *
 * <p>Not thread-safe.
 *
 * @param sidecar as it was opened
 * @param source the file, repaired as far as it goes
 */
record SidecarMender(Sidecar sidecar, PageSource source) {
  private static final int PIECE_BYTES = 1 << 18;

  /** Repairs; what is still bad. */
  ByteRanges mend(ByteRanges bad) throws IOException {
    long sizeBytes = sidecar.layout().sizeBytes();
    ByteRange behind = new ByteRange(sizeBytes, Long.MAX_VALUE);
    if (sidecar.bytes().sizeBytes() < sizeBytes || bad.overlaps(behind)) {
      restoreLength(sizeBytes);
    }
    MediaOptions options = new MediaOptions(Access.REPAIR, MediaChoice.CHANNEL, Drills.OFF);
    try (Media media = MediaFiles.open(sidecar.path(), options);
        Work work = new Work(sidecar, source, media, bad.minus(behind))) {
      sidecar.requireInPlace();
      for (ByteRange range : bad.minus(behind).alignOutward(work.unitBytes).asList()) {
        long end = Math.min(range.end(), media.sizeBytes());
        for (long at = range.start(); at < end; at += PIECE_BYTES) {
          work.mend(new ByteRange(at, Math.min(end, at + PIECE_BYTES)));
        }
      }
      return ByteRanges.of(work.left);
    }
  }

  private void restoreLength(long sizeBytes) throws IOException {
    try (RandomAccessFile file = new RandomAccessFile(sidecar.path().toFile(), "rw")) {
      sidecar.requireInPlace();
      file.setLength(sizeBytes);
      file.getFD().sync();
    }
  }

  /** One run over the bad pieces. */
  private static final class Work implements AutoCloseable {
    private final Sidecar sidecar;
    private final SidecarLayout layout;
    private final PageSource source;
    private final Media media;
    private final ByteRanges bad;
    private final int unitBytes;
    private final Arena arena = Arena.ofConfined();
    private final MemorySegment image = arena.allocate(PIECE_BYTES, PAGE_BYTES);
    private final MemorySegment structure = arena.allocate(PAGE_BYTES, PAGE_BYTES);
    private final List<ByteRange> left = new ArrayList<>();

    Work(Sidecar sidecar, PageSource source, Media media, ByteRanges bad) {
      this.sidecar = sidecar;
      this.layout = sidecar.layout();
      this.source = source;
      this.media = media;
      this.bad = bad;
      this.unitBytes = Math.max(PAGE_BYTES, media.info().clearUnitBytes());
    }

    void mend(ByteRange piece) throws IOException {
      List<ByteRange> missing = new ArrayList<>();
      readWhatIsThere(piece);
      structure.fill((byte) 0);
      lay(piece, layout.padding());
      for (Copy copy : Copy.values()) {
        layHeader(piece, copy);
        layBlocks(piece, copy, missing);
      }
      layParity(piece, missing);
      left.addAll(missing);
      ByteRanges whole = ByteRanges.of(piece).minus(ByteRanges.of(missing).alignOutward(unitBytes));
      for (ByteRange run : whole.asList()) {
        MemorySegment content = image.asSlice(run.start() - piece.start(), run.length());
        if (!store(run, content)) {
          left.addAll(bad.intersect(run).asList());
        }
      }
    }

    private void readWhatIsThere(ByteRange piece) throws IOException {
      SidecarBytes bytes = new SidecarBytes(media);
      for (long at = piece.start(); at < piece.end(); at += unitBytes) {
        MemorySegment unit =
            image.asSlice(at - piece.start(), Math.min(unitBytes, piece.end() - at));
        if (!bytes.read(at, unit)) {
          unit.fill((byte) 0);
        }
      }
    }

    /** Copies what of {@link #structure} lies in the piece into its image. */
    private void lay(ByteRange piece, ByteRange place) {
      if (!piece.overlaps(place)) {
        return;
      }
      ByteRange shared = piece.intersect(place);
      MemorySegment.copy(
          structure,
          shared.start() - place.start(),
          image,
          shared.start() - piece.start(),
          shared.length());
    }

    private void layHeader(ByteRange piece, Copy copy) {
      ByteRange place = ByteRange.ofLength(layout.headerOffset(copy), SidecarLayout.HEADER_BYTES);
      SidecarLayout.encodeHeader(structure, place.start(), sidecar.header());
      lay(piece, place);
    }

    private void layBlocks(ByteRange piece, Copy copy, List<ByteRange> missing) throws IOException {
      long start = layout.tableOffset(copy);
      long first = Math.max(0, (piece.start() - start) / PAGE_BYTES);
      for (long index = first; index < layout.blocks(); index++) {
        ByteRange place = layout.blockRange(copy, index);
        if (place.start() >= piece.end()) {
          return;
        }
        if (!piece.overlaps(place) || !bad.overlaps(place)) {
          continue;
        }
        long entry = index * SidecarLayout.BLOCK_ENTRIES;
        if (sidecar.table().get(entry) == ChecksumTable.UNKNOWN) {
          missing.add(place.intersect(piece));
          continue;
        }
        for (int i = 0; i < layout.entriesOf(index); i++) {
          SidecarLayout.setEntry(structure, i, (int) sidecar.table().get(entry + i));
        }
        layout.sealBlock(structure, copy, index, sidecar.header().id());
        lay(piece, place);
      }
    }

    private void layParity(ByteRange piece, List<ByteRange> missing) throws IOException {
      SidecarGeometry geometry = sidecar.geometry();
      if (geometry.parityPages() == 0) {
        return;
      }
      long first = Math.max(0, (piece.start() - layout.parityOffset()) / PAGE_BYTES);
      try (RowRebuilder rebuilder =
          new RowRebuilder(layout, sidecar.table(), sidecar.bytes(), source)) {
        for (long page = first; page < geometry.parityPages(); page++) {
          int column = (int) (page / geometry.rows());
          long row = geometry.row(page);
          ByteRange place = ByteRange.ofLength(layout.parityOffset(column, row), PAGE_BYTES);
          if (place.start() >= piece.end()) {
            return;
          }
          if (!piece.overlaps(place) || !bad.overlaps(place)) {
            continue;
          }
          if (rebuilder.makeParity(row, column, structure)) {
            lay(piece, place);
          } else {
            missing.add(place.intersect(piece));
          }
        }
      }
    }

    /** Stores durably and reads back; false when the media does not keep it. */
    private boolean store(ByteRange run, MemorySegment content) throws IOException {
      try (Arena reading = Arena.ofConfined()) {
        media.reinitialise(run.start(), content);
        MemorySegment back = reading.allocate(run.length(), PAGE_BYTES);
        media.readPastCache(run.start(), back);
        return content.mismatch(back) < 0;
      } catch (MediaFaultException refused) {
        return false;
      }
    }

    @Override
    public void close() {
      arena.close();
    }
  }
}

package io.bezoar.guard.sidecar;

import io.bezoar.guard.sidecar.SidecarLayout.Copy;
import io.bezoar.media.ByteRange;
import io.bezoar.media.Media;
import io.bezoar.media.Units;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.UUID;

/**
 * The checksums of a sidecar that is being made, in the form in which they are stored: 0.1% of the
 * file, outside of the heap. Several threads may set different entries.
 */
final class TableBuilder implements AutoCloseable {
  private final SidecarLayout layout;
  private final Arena arena = Arena.ofShared();
  private final MemorySegment blocks;

  TableBuilder(SidecarLayout layout) {
    this.layout = layout;
    this.blocks = arena.allocate(layout.blocks() * Units.PAGE_BYTES, Units.PAGE_BYTES);
  }

  void set(long entry, long crc) {
    long block = entry / SidecarLayout.BLOCK_ENTRIES;
    int index = (int) (entry % SidecarLayout.BLOCK_ENTRIES);
    SidecarLayout.setEntry(blocks.asSlice(block * Units.PAGE_BYTES), index, (int) crc);
  }

  /** Stores one copy. */
  void write(Media sidecar, Copy copy, UUID id) throws IOException {
    for (long index = 0; index < layout.blocks(); index++) {
      ByteRange range = layout.blockRange(copy, index);
      MemorySegment block = blocks.asSlice(index * Units.PAGE_BYTES, range.length());
      layout.sealBlock(block, copy, index, id);
    }
    if (layout.blocks() > 0) {
      ByteRange all = layout.blockRange(copy, 0).span(layout.blockRange(copy, layout.blocks() - 1));
      sidecar.write(all.start(), blocks.asSlice(0, all.length()));
    }
  }

  @Override
  public void close() {
    arena.close();
  }
}

package io.bezoar.guard.sidecar;

import io.bezoar.guard.sidecar.SidecarLayout.Copy;
import io.bezoar.media.ByteRange;
import io.bezoar.media.Units;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.ref.SoftReference;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The checksums of a sidecar, read block by block when they are asked for: from the copy at its
 * head where that block is good there, else from the copy at its tail.
 *
 * <p><b>Invariant.</b> A checksum that is given out stood in a block that verified. A block that is
 * bad in both copies gives none: its pages are {@link #UNKNOWN}, neither good nor bad.
 *
 * <p>Thread-safe. What was read stays in memory as long as there is room.
 */
final class ChecksumTable {
  /** No checksum, which is never negative. */
  static final long UNKNOWN = -1;

  private static final int[] NONE = {};

  private final SidecarBytes bytes;
  private final SidecarLayout layout;
  private final UUID id;
  private final ConcurrentHashMap<Long, SoftReference<int[]>> blocks = new ConcurrentHashMap<>();

  ChecksumTable(SidecarBytes bytes, SidecarLayout layout, UUID id) {
    this.bytes = bytes;
    this.layout = layout;
    this.id = id;
  }

  /** The checksum of page {@code entry} of the file, or of a parity page; or {@link #UNKNOWN}. */
  long get(long entry) throws IOException {
    int[] block = block(entry / SidecarLayout.BLOCK_ENTRIES);
    return block.length == 0
        ? UNKNOWN
        : Integer.toUnsignedLong(block[(int) (entry % SidecarLayout.BLOCK_ENTRIES)]);
  }

  private int[] block(long index) throws IOException {
    SoftReference<int[]> held = blocks.get(index);
    int[] block = held == null ? null : held.get();
    if (block == null) {
      block = load(index);
      blocks.put(index, new SoftReference<>(block));
    }
    return block;
  }

  private int[] load(long index) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment buffer = arena.allocate(Units.PAGE_BYTES, Long.BYTES);
      if (!isGood(Copy.HEAD, index, buffer) && !isGood(Copy.TAIL, index, buffer)) {
        return NONE;
      }
      int[] entries = new int[layout.entriesOf(index)];
      for (int i = 0; i < entries.length; i++) {
        entries[i] = SidecarLayout.entry(buffer, i);
      }
      return entries;
    }
  }

  /** Whether this copy of the block verifies; {@code buffer}, of a page, then holds it. */
  boolean isGood(Copy copy, long index, MemorySegment buffer) throws IOException {
    ByteRange range = layout.blockRange(copy, index);
    return bytes.read(range.start(), buffer.asSlice(0, range.length()))
        && layout.isBlock(buffer, copy, index, id);
  }
}

package io.bezoar.target;

import io.bezoar.media.ByteRange;
import java.nio.file.FileSystemException;
import java.util.List;

/**
 * Both copies of entries of a write cache are gone: which pages their blocks held, and whether the
 * origin has them, nobody knows.
 */
public final class WriteCacheUnknownException extends FileSystemException {
  private static final long serialVersionUID = 1L;

  private final int blocks;
  private final ByteRange[] blockRanges;

  WriteCacheUnknownException(String device, int blocks, List<ByteRange> blockRanges) {
    super(
        device,
        null,
        "both copies of the entries of "
            + blocks
            + " cache blocks are gone, first at "
            + blockRanges.getFirst()
            + " of the fast device: pages of the origin may be older than what was acknowledged,"
            + " and nobody knows which; bring the fast device's bytes back, or open the cache"
            + " accepting that they are gone");
    this.blocks = blocks;
    this.blockRanges = blockRanges.toArray(ByteRange[]::new);
  }

  /** Number of blocks. */
  public int blocks() {
    return blocks;
  }

  /** The blocks' bytes on the fast device, which may still be readable; ascending, disjoint. */
  public List<ByteRange> blockRanges() {
    return List.of(blockRanges);
  }
}

package io.bezoar.fs;

import io.bezoar.dax.PoisonedRangeException;
import io.bezoar.media.ByteRange;
import io.bezoar.media.Units;

/**
 * Bytes of a file are lost: no redundancy of the device brings them back. Everything else of the
 * file can be read; writing whole pages over what is lost replaces it.
 */
public final class DamagedRangeException extends FilesystemException {
  private static final long serialVersionUID = 1L;

  private final ByteRange range;
  private final ByteRange device;
  private final long goodPrefixBytes;

  private DamagedRangeException(
      String path, ByteRange range, ByteRange device, long goodPrefixBytes, Throwable cause) {
    super(
        path,
        "bytes "
            + range
            + " are lost (device "
            + device
            + "): restore them from a backup or a snapshot; the rest of the file can be read, and"
            + " writing the whole range replaces it",
        cause);
    this.range = range;
    this.device = device;
    this.goodPrefixBytes = goodPrefixBytes;
  }

  /**
   * What the loss of bytes of the device is to a file that has them.
   *
   * @param extent of the file, in which they are
   * @param goodPrefixBytes from the start of the access
   */
  static DamagedRangeException of(
      String path, Extent extent, PoisonedRangeException lost, long goodPrefixBytes) {
    ByteRange device = lost.range().intersect(extent.device());
    ByteRange range = device.shift((extent.page() - extent.start()) * Units.PAGE_BYTES);
    return new DamagedRangeException(path, range, device, goodPrefixBytes, lost);
  }

  /** What is lost: bytes of the file, half-open; the first range that was met. */
  public ByteRange range() {
    return range;
  }

  /** Where that is on the device. */
  public ByteRange device() {
    return device;
  }

  /** Good bytes from the start of the access that failed, which the caller has; 0 for a write. */
  public long goodPrefixBytes() {
    return goodPrefixBytes;
  }
}

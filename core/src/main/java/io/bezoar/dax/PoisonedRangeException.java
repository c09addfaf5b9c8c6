package io.bezoar.dax;

import io.bezoar.media.ByteRange;
import io.bezoar.media.Cause;
import org.jspecify.annotations.Nullable;

/**
 * Bytes of a device are lost. After a read the destination holds {@link #goodPrefixBytes()} good
 * bytes, and every byte behind them is unspecified. After a write nothing was stored.
 */
public final class PoisonedRangeException extends DeviceException {
  private static final long serialVersionUID = 1L;

  private final ByteRange range;
  private final Cause poisonCause;
  private final long goodPrefixBytes;

  /**
   * Creates the exception.
   *
   * @param device the device's name
   * @param range the first bad range met, in the device's address space
   * @param poisonCause how it was found
   * @param goodPrefixBytes good bytes from the start of the access
   * @param cause the failure below, if there was one
   */
  public PoisonedRangeException(
      String device,
      ByteRange range,
      Cause poisonCause,
      long goodPrefixBytes,
      @Nullable Throwable cause) {
    super(
        device,
        "bytes "
            + range
            + " are lost ("
            + poisonCause
            + "); the "
            + goodPrefixBytes
            + " bytes before them are good; use a recovery read for what is readable,"
            + " a recovery write to replace them",
        cause);
    this.range = range;
    this.poisonCause = poisonCause;
    this.goodPrefixBytes = goodPrefixBytes;
  }

  /** The first bad range met. */
  public ByteRange range() {
    return range;
  }

  /** How it was found. */
  public Cause poisonCause() {
    return poisonCause;
  }

  /** Good bytes from the start of the access; ends at a page boundary on verified devices. */
  public long goodPrefixBytes() {
    return goodPrefixBytes;
  }
}

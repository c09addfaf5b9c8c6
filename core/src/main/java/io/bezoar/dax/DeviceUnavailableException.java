package io.bezoar.dax;

import io.bezoar.media.ByteRange;
import org.jspecify.annotations.Nullable;

/** The device, or a range of it, cannot be used now; no byte of it is known to be lost. */
public final class DeviceUnavailableException extends DeviceException {
  private static final long serialVersionUID = 1L;

  private final DeviceState state;
  private final @Nullable ByteRange range;

  /** Creates the exception for a device in {@code state}. */
  public DeviceUnavailableException(
      String device, DeviceState state, String detail, @Nullable Throwable cause) {
    super(device, detail, cause);
    this.state = state;
    this.range = null;
  }

  /**
   * Creates the exception for a range of a device that serves others.
   *
   * @param device the device's name
   * @param range the first unavailable range met, in the device's address space
   * @param detail why, and what to do
   * @param cause the failure below
   */
  public DeviceUnavailableException(
      String device, ByteRange range, String detail, @Nullable Throwable cause) {
    super(device, "bytes " + range + " are unavailable, not lost: " + detail, cause);
    this.state = DeviceState.PARTIAL;
    this.range = range;
  }

  /** The state that forbids the access. */
  public DeviceState state() {
    return state;
  }

  /** The unavailable bytes met, when the rest of the device is served; null for all of it. */
  public @Nullable ByteRange range() {
    return range;
  }
}

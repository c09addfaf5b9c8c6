package io.bezoar.dax;

import org.jspecify.annotations.Nullable;

/** The device as a whole cannot do this now; no byte of it is known to be lost. */
public final class DeviceUnavailableException extends DeviceException {
  private static final long serialVersionUID = 1L;

  private final DeviceState state;

  /** Creates the exception for a device in {@code state}. */
  public DeviceUnavailableException(
      String device, DeviceState state, String detail, @Nullable Throwable cause) {
    super(device, detail, cause);
    this.state = state;
  }

  /** The state that forbids the access. */
  public DeviceState state() {
    return state;
  }
}

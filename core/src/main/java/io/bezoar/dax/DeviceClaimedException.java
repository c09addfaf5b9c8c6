package io.bezoar.dax;

/** Another holder has the device. */
public final class DeviceClaimedException extends DeviceException {
  private static final long serialVersionUID = 1L;

  /** Creates the exception; {@code holderName} has the device. */
  public DeviceClaimedException(String device, String holderName) {
    super(device, "held by " + holderName + ": close that holder's claim first", null);
  }
}

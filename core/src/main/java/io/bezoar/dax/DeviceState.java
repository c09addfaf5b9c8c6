package io.bezoar.dax;

/** Whether a device as a whole can be used. None of these is poison. */
public enum DeviceState {
  /** In use. */
  ONLINE,
  /** In use for reading only, until it is reopened: a persist failed, or it was opened so. */
  READ_ONLY,
  /** Does not answer in time; accesses may still complete. */
  HUNG,
  /**
   * Some of its ranges are unavailable, because a device below is; the others are served. Only a
   * device made of several is ever in it; {@link DaxDevice#unavailable} says which ranges.
   */
  PARTIAL,
  /** Gone, truncated or closed: its ranges are unavailable, not lost. */
  OFFLINE,
  /** Something is there, but it is not the device that was expected. */
  FOREIGN
}

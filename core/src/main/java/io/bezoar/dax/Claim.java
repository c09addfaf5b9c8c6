package io.bezoar.dax;

import java.util.List;

/**
 * The right of one {@link Holder} to use a device. A holder that comes late misses nothing: it gets
 * the list as it was at {@link #sequence()}, and then every notice with a greater number.
 */
public interface Claim extends AutoCloseable {
  /** Everything known to be bad when the claim was made, ascending. */
  List<PoisonEntry> poisonAtClaim();

  /** The number of the last notice that {@link #poisonAtClaim()} already includes. */
  long sequence();

  /**
   * Returns when everything that was raised before, on this device and on those below it, has been
   * told to the holder; delivers it in this thread if no other is doing so. Called from within a
   * notice of this device it waits for nothing.
   */
  void drain();

  /** Gives the device back; no notice is delivered after this returns. Idempotent. */
  @Override
  void close();
}

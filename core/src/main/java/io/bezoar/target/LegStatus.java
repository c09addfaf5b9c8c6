package io.bezoar.target;

import org.jspecify.annotations.Nullable;

/**
 * One leg of a mirror, for people and for the layer above.
 *
 * @param slot its number, 0 to 7
 * @param name the device's name; empty for one that has not been seen since the mirror was opened
 * @param state what it is doing
 * @param event number of the latest change of membership that is stored on it; of a missing leg,
 *     the latest that the others know of
 * @param behindBytes at most so many bytes of its content are not those of the mirror
 * @param resync how far its resync is; null when there is none
 * @param detail why, for a leg that is not in sync; may be empty
 */
public record LegStatus(
    int slot,
    String name,
    State state,
    long event,
    long behindBytes,
    @Nullable ResyncProgress resync,
    String detail) {

  /** What a leg is doing. */
  public enum State {
    /** Holds everything, and serves reads. */
    IN_SYNC,
    /** Gets all writes, while what it missed is copied to it. */
    RESYNCING,
    /** A member that is not there. */
    MISSING,
    /** There, but not used: it failed, or it is not what belongs in this slot. */
    FAILED
  }
}

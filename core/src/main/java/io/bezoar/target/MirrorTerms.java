package io.bezoar.target;

import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.DeviceState;
import io.bezoar.dax.DeviceUnavailableException;
import io.bezoar.dax.PoisonedRangeException;
import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import io.bezoar.media.Cause;
import io.bezoar.target.MirrorLegException.Reason;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/**
 * What cannot be done, as the mirror says it: in its name, of its content. A leg knows only its own
 * name, and has notes behind the content that nobody above has heard of.
 */
final class MirrorTerms {
  private final String name;
  private final MirrorLayout layout;

  MirrorTerms(String name, MirrorLayout layout) {
    this.name = name;
    this.layout = layout;
  }

  // About the content.

  /** What the only leg has lost. */
  PoisonedRangeException lost(PoisonedRangeException below) {
    return new PoisonedRangeException(
        name, below.range(), below.poisonCause(), below.goodPrefixBytes(), below);
  }

  /** What no leg has. */
  PoisonedRangeException lost(
      ByteRange range, Cause cause, long goodPrefixBytes, @Nullable Throwable met) {
    return new PoisonedRangeException(name, range, cause, goodPrefixBytes, met);
  }

  /** Bytes that one leg or another may have once it is all there. */
  DeviceUnavailableException absent(ByteRanges absent) {
    return new DeviceUnavailableException(
        name,
        absent.asList().getFirst(),
        "no leg in sync has them: bring back the devices that are missing below the legs",
        null);
  }

  // About the device.

  DeviceUnavailableException unavailable(DeviceState state, String detail) {
    return new DeviceUnavailableException(name, state, detail, null);
  }

  /** A device too small for a leg; {@code advice} stands behind that. */
  MirrorLegException tooSmall(int slot, DaxDevice device, String advice) {
    return refused(
        slot,
        Reason.WRONG_SIZE,
        device.info().name()
            + " has "
            + device.sizeBytes()
            + " bytes, and a leg needs "
            + layout.legBytes()
            + advice);
  }

  /** What a leg that has to stay in use cannot do. */
  IOException ofLast(MirrorLeg leg, IOException why) {
    if (!(why instanceof DeviceUnavailableException gone)) {
      return why;
    }
    String detail = leg + ", the last one in sync: " + gone.getReason();
    ByteRange range = gone.range();
    if (range == null) {
      return new DeviceUnavailableException(name, gone.state(), detail, gone);
    }
    if (range.start() >= layout.dataBytes()) {
      return new DeviceUnavailableException(
          name,
          gone.state(),
          "nothing can be written or made durable, since its notes cannot be stored on " + detail,
          gone);
    }
    return new DeviceUnavailableException(name, range.intersect(layout.data()), detail, gone);
  }

  // About legs.

  MirrorLegException refused(int slot, Reason reason, String detail) {
    return new MirrorLegException(name, slot, reason, detail, null);
  }

  /** Why a device is not used. */
  MirrorLegException refused(int slot, IOException why) {
    return why instanceof MirrorLegException typed
        ? typed
        : new MirrorLegException(name, slot, Reason.FOREIGN, "cannot be read", why);
  }

  MirrorConflictException conflict(int one, int other, String detail) {
    return new MirrorConflictException(name, one, other, detail);
  }
}

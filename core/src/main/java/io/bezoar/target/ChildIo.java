package io.bezoar.target;

import io.bezoar.dax.Confidence;
import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.PoisonEntry;
import io.bezoar.dax.PoisonedRangeException;
import io.bezoar.dax.RecoveryPatch;
import io.bezoar.dax.RecoveryRead;
import io.bezoar.dax.RecoveryWrite;
import io.bezoar.media.ByteRange;
import io.bezoar.media.Cause;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The few ways in which a target stores to and looks at its child, poison or not. */
final class ChildIo {
  private final DaxDevice child;

  ChildIo(DaxDevice child) {
    this.child = child;
  }

  DaxDevice device() {
    return child;
  }

  /**
   * Stores bytes, clearing poison that is in the way.
   *
   * @return false when the child could not clear it: the bytes are not stored
   */
  boolean store(long offset, MemorySegment bytes) throws IOException {
    try {
      child.write(offset, bytes);
      return true;
    } catch (PoisonedRangeException inTheWay) {
      return child.recoveryWrite(offset, bytes).complete();
    }
  }

  /** Clears, stores, verifies and forgets, for several places at the price of one. */
  RecoveryWrite repair(List<RecoveryPatch> patches) throws IOException {
    return child.recoveryWrite(patches);
  }

  /** Records that bytes are not the ones that were written; the media did not notice. */
  void report(ByteRange range, Cause cause) throws IOException {
    child.report(range, cause, Confidence.EXACT);
  }

  /** Why ordinary reads of a range are refused, as far as the child knows; null when none is. */
  @Nullable Cause refusal(ByteRange range) {
    for (PoisonEntry entry : child.poison(range)) {
      if (entry.isExact()) {
        return entry.cause();
      }
    }
    return null;
  }

  /**
   * Reads a range carefully: past caches, without throwing for what is lost.
   *
   * @return true when every byte was brought out
   */
  boolean reread(long offset, MemorySegment dst) throws IOException {
    RecoveryRead result = child.recoveryRead(offset, dst);
    return result.holes().isEmpty();
  }
}

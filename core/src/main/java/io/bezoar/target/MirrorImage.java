package io.bezoar.target;

import io.bezoar.dax.DeviceState;
import io.bezoar.dax.DeviceUnavailableException;
import io.bezoar.dax.PoisonEntry;
import io.bezoar.dax.PoisonedRangeException;
import io.bezoar.dax.RecoveryRead;
import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import io.bezoar.media.Cause;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.util.ArrayList;
import java.util.List;

/** What one leg holds of one range, and which of it is bad there. Not thread-safe. */
final class MirrorImage {
  private record Bad(ByteRange range, Cause cause) {}

  final MirrorLeg leg;
  final ByteRange range;
  final MemorySegment bytes;
  private final List<Bad> causes = new ArrayList<>();
  private ByteRanges bad = ByteRanges.EMPTY;
  private ByteRanges absent = ByteRanges.EMPTY;

  private MirrorImage(MirrorLeg leg, ByteRange range, MemorySegment bytes) {
    this.leg = leg;
    this.range = range;
    this.bytes = bytes;
  }

  /**
   * Reads a range, bad or not.
   *
   * @throws DeviceUnavailableException when the leg is not there
   */
  static MirrorImage read(MirrorLeg leg, ByteRange range, SegmentAllocator memory)
      throws IOException {
    MirrorImage image = new MirrorImage(leg, range, memory.allocate(range.length(), Long.BYTES));
    try {
      leg.device.read(range.start(), image.bytes);
    } catch (PoisonedRangeException lost) {
      image.readAround();
    } catch (DeviceUnavailableException part) {
      if (part.state() != DeviceState.PARTIAL) {
        throw part;
      }
      image.readAround();
    }
    return image;
  }

  /** As {@link #read}, past every cache. */
  static MirrorImage readPastCaches(MirrorLeg leg, ByteRange range, SegmentAllocator memory)
      throws IOException {
    MirrorImage image = new MirrorImage(leg, range, memory.allocate(range.length(), Long.BYTES));
    image.readAround();
    return image;
  }

  private void readAround() throws IOException {
    boolean verified = leg.verified();
    for (RecoveryRead.Run run : leg.device.recoveryRead(range.start(), bytes).runs()) {
      switch (run) {
        case RecoveryRead.Verified _ -> {}
        case RecoveryRead.Unverified(ByteRange some) -> {
          if (verified) {
            bad(some, Cause.CHECKSUM);
          }
        }
        case RecoveryRead.Hole(ByteRange some, Cause cause) -> bad(some, cause);
        case RecoveryRead.Absent(ByteRange some) -> {
          bad(some, Cause.IO_ERROR);
          absent = absent.plus(some);
        }
      }
    }
    // What the leg knows to be bad on a part of it that is gone does not come back with that.
    if (!absent.isEmpty()) {
      absent = absent.minus(MirrorHealer.exact(leg, range));
    }
    if (!verified) {
      // Readable, and known to be wrong all the same.
      for (PoisonEntry entry : leg.device.poison(range)) {
        if (entry.isExact()) {
          bad(entry.range(), entry.cause());
        }
      }
    }
  }

  /** From now on these bytes count as bad. */
  void bad(ByteRange some, Cause cause) {
    causes.add(new Bad(some, cause));
    bad = bad.plus(some);
  }

  ByteRanges bad() {
    return bad;
  }

  /** The bad bytes that may be good: they are on a part of the leg that is not there. */
  ByteRanges absent() {
    return absent;
  }

  /** How a bad byte was found to be. */
  Cause causeAt(long offset) {
    for (Bad each : causes) {
      if (each.range().contains(offset)) {
        return each.cause();
      }
    }
    return Cause.IO_ERROR;
  }

  MemorySegment slice(ByteRange part) {
    return bytes.asSlice(part.start() - range.start(), part.length());
  }

  boolean equalIn(ByteRange part, MirrorImage other) {
    long from = part.start() - range.start();
    long to = part.end() - range.start();
    return MemorySegment.mismatch(bytes, from, to, other.bytes, from, to) == -1;
  }
}

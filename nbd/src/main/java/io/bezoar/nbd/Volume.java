package io.bezoar.nbd;

import io.bezoar.dax.Confidence;
import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.DeviceException;
import io.bezoar.dax.DeviceState;
import io.bezoar.dax.DeviceUnavailableException;
import io.bezoar.dax.PoisonEntry;
import io.bezoar.dax.PoisonedRangeException;
import io.bezoar.dax.RecoveryRead;
import io.bezoar.dax.RecoveryWrite;
import io.bezoar.media.ByteRange;
import io.bezoar.media.Cause;
import io.bezoar.media.MediaFullException;
import io.bezoar.media.PersistFailedException;
import io.bezoar.media.Units;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A device with the manners of a disk: the one place where what a device says becomes what an NBD
 * client hears. Nothing thrown by the device gets past it.
 *
 * <p>Over lost bytes, as on a disk that reallocates a sector when it is written:
 *
 * <ul>
 *   <li>a read brings out everything that is readable, and names the first byte of each run that is
 *       lost, or unavailable;
 *   <li>a write replaces the whole pages that it covers (a recovery write) and fails, at the exact
 *       byte, for a page that it covers in part, because the rest of that page is not known;
 *   <li>zeroes are written as any other bytes; a trim clears nothing.
 * </ul>
 *
 * <p>Thread-safe, as the device is. May block when the device does.
 */
final class Volume {
  private static final System.Logger LOG = System.getLogger(Volume.class.getName());

  /** How much is zeroed at a time; whole pages, so that cutting makes no page partial. */
  private static final int ZERO_STEP_BYTES = 1 << 20;

  private static final MemorySegment ZEROES = Arena.global().allocate(ZERO_STEP_BYTES, 4096);

  private final DaxDevice device;

  Volume(DaxDevice device) {
    this.device = device;
  }

  /** Fills {@code dst} from {@code offset} as far as bytes are good. */
  ReadOutcome read(long offset, MemorySegment dst) {
    try {
      device.read(offset, dst);
      return ReadOutcome.WHOLE;
    } catch (PoisonedRangeException lost) {
      return readAround(offset, dst);
    } catch (DeviceUnavailableException gone) {
      // The parts that are there are served.
      return gone.state() == DeviceState.PARTIAL
          ? readAround(offset, dst)
          : new ReadOutcome.Failed(explain(gone));
    } catch (Throwable failed) {
      return new ReadOutcome.Failed(explain(failed));
    }
  }

  private ReadOutcome readAround(long offset, MemorySegment dst) {
    RecoveryRead result;
    boolean verified;
    try {
      verified = device.info().verified();
      result = device.recoveryRead(offset, dst);
    } catch (Throwable failed) {
      return new ReadOutcome.Failed(explain(failed));
    }
    Around around = new Around();
    try {
      for (RecoveryRead.Run run : result.runs()) {
        switch (run) {
          case RecoveryRead.Verified(ByteRange range) -> append(around.good, range);
          case RecoveryRead.Hole(ByteRange range, Cause cause) -> around.lost(range, cause);
          case RecoveryRead.Absent(ByteRange range) ->
              around.missing(range, "unavailable, not lost: a device is not there");
          case RecoveryRead.Unverified(ByteRange range) -> {
            if (verified) {
              // What a verifying device cannot vouch for, an ordinary read of it refuses.
              around.missing(range, "lost: unverified");
            } else {
              addUnverified(range, around);
            }
          }
        }
      }
    } catch (Throwable failed) {
      return new ReadOutcome.Failed(explain(failed));
    }
    // Healed between the two reads: then nothing is missing any more.
    return around.lost.isEmpty()
        ? ReadOutcome.WHOLE
        : new ReadOutcome.Damaged(around.good, around.lost);
  }

  /** Bytes that can be read may be known to be wrong all the same: legs that contradict. */
  private void addUnverified(ByteRange range, Around around) {
    long at = range.start();
    for (PoisonEntry entry : device.poison(range)) {
      if (entry.confidence() == Confidence.EXACT) {
        append(around.good, new ByteRange(at, entry.range().start()));
        around.lost(entry.range(), entry.cause());
        at = entry.range().end();
      }
    }
    append(around.good, new ByteRange(at, range.end()));
  }

  /** What a recovery read brought out, and the first byte of each run that it did not. */
  private static final class Around {
    final List<ByteRange> good = new ArrayList<>();
    final List<Failure> lost = new ArrayList<>();
    private long lostUpTo = -1;

    void lost(ByteRange range, Cause cause) {
      missing(range, "lost: " + cause.name());
    }

    void missing(ByteRange range, String why) {
      if (range.start() != lostUpTo) {
        lost.add(new Failure(NbdError.EIO, "bytes " + range + " are " + why, range.start()));
      }
      lostUpTo = range.end();
    }
  }

  private static void append(List<ByteRange> ranges, ByteRange next) {
    if (next.isEmpty()) {
      return;
    }
    if (!ranges.isEmpty() && ranges.getLast().end() == next.start()) {
      ranges.set(ranges.size() - 1, ranges.getLast().span(next));
    } else {
      ranges.add(next);
    }
  }

  /** Stores {@code src}; what went wrong first, or null. Durable after {@link #persist}. */
  @Nullable Failure write(long offset, MemorySegment src) {
    try {
      device.write(offset, src);
      return null;
    } catch (PoisonedRangeException lost) {
      return writeOverLost(offset, src);
    } catch (Throwable failed) {
      return explain(failed);
    }
  }

  /**
   * The three parts of a write that met lost bytes: the partial page in front, whole pages, the
   * partial page behind. Each is tried; the first failure by place is the answer.
   */
  private @Nullable Failure writeOverLost(long offset, MemorySegment src) {
    long end = offset + src.byteSize();
    long wholeFrom =
        Math.min(end, Math.ceilDiv(offset, Units.PAGE_BYTES) * (long) Units.PAGE_BYTES);
    long wholeTo =
        Math.max(wholeFrom, Math.floorDiv(end, Units.PAGE_BYTES) * (long) Units.PAGE_BYTES);
    Failure front = writePart(offset, src.asSlice(0, wholeFrom - offset));
    Failure whole = replace(wholeFrom, src.asSlice(wholeFrom - offset, wholeTo - wholeFrom));
    Failure back = writePart(wholeTo, src.asSlice(wholeTo - offset, end - wholeTo));
    return front != null ? front : whole != null ? whole : back;
  }

  private @Nullable Failure writePart(long offset, MemorySegment src) {
    if (src.byteSize() == 0) {
      return null;
    }
    try {
      device.write(offset, src);
      return null;
    } catch (PoisonedRangeException lost) {
      return new Failure(
          NbdError.EIO,
          "bytes "
              + lost.range()
              + " are lost, and a write of part of a page needs the rest of it:"
              + " write whole pages of "
              + Units.PAGE_BYTES
              + " bytes",
          clamp(lost.range().start(), offset, src.byteSize()));
    } catch (Throwable failed) {
      return explain(failed);
    }
  }

  private @Nullable Failure replace(long offset, MemorySegment src) {
    if (src.byteSize() == 0) {
      return null;
    }
    try {
      RecoveryWrite result = device.recoveryWrite(offset, src);
      if (result.complete()) {
        return null;
      }
      ByteRange bad = result.notCleared().getFirst();
      return new Failure(
          NbdError.EIO,
          "the media under bytes " + bad + " cannot be cleared: replace it",
          clamp(bad.start(), offset, src.byteSize()));
    } catch (Throwable failed) {
      return explain(failed);
    }
  }

  private static long clamp(long at, long offset, long lengthBytes) {
    return Math.clamp(at, offset, offset + lengthBytes - 1);
  }

  /** Stores zeroes; stops at the first failure. */
  @Nullable Failure writeZeroes(long offset, long lengthBytes) {
    long end = offset + lengthBytes;
    long at = offset;
    while (at < end) {
      long stepEnd = Math.min(end, (at / ZERO_STEP_BYTES + 1) * ZERO_STEP_BYTES);
      Failure failure = write(at, ZEROES.asSlice(0, stepEnd - at));
      if (failure != null) {
        return failure;
      }
      at = stepEnd;
    }
    return null;
  }

  /** Makes every write that returned before this call durable. */
  @Nullable Failure persist() {
    try {
      device.persist();
      return null;
    } catch (Throwable failed) {
      return explain(failed);
    }
  }

  private static Failure explain(Throwable failed) {
    return switch (failed) {
      case MediaFullException full -> Failure.whole(NbdError.ENOSPC, text(full));
      case DeviceUnavailableException gone when gone.state() == DeviceState.READ_ONLY ->
          Failure.whole(NbdError.EPERM, text(gone));
      case PersistFailedException sticky -> Failure.whole(NbdError.EIO, text(sticky));
      case DeviceException said -> Failure.whole(NbdError.EIO, text(said));
      case IOException io -> Failure.whole(NbdError.EIO, text(io));
      default -> {
        // A bug or a dying JVM: this request fails, the others have a right to be served.
        LOG.log(System.Logger.Level.ERROR, "a device failed in a way it must not", failed);
        yield Failure.whole(NbdError.EIO, "internal error: " + failed);
      }
    };
  }

  private static String text(Throwable failed) {
    String message = failed.getMessage();
    return message == null ? failed.toString() : message;
  }
}

package io.bezoar.health;

import io.bezoar.dax.DeviceState;
import io.bezoar.dax.Role;
import io.bezoar.dax.Severity;
import io.bezoar.media.ByteRange;
import io.bezoar.media.Cause;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * One thing that happened to a pool, as its durable log tells it.
 *
 * <p>The log explains; it decides nothing. What is bad <em>now</em> is said by the poison list and
 * by the target's own marks, which are durable before an event is written.
 */
public sealed interface Event {
  /** In place of a device's number: not known, or the whole volume. */
  int NO_DEVICE = -1;

  /** Position in the pool's history, starting at 1, never used twice. */
  long sequence();

  /** When it happened, by the wall clock, in whole milliseconds. */
  Instant at();

  /**
   * A range of media failed, and this became of it. One strike is one event, so that every strike
   * can be found by where it was.
   *
   * @param sequence see {@link Event#sequence()}
   * @param at see {@link Event#at()}
   * @param outcome healed, served by reconstruction only, or lost
   * @param cause how it was found
   * @param role what the struck media held
   * @param device number of the struck device in its pool, or {@link #NO_DEVICE}
   * @param volume the affected bytes of the volume; null when only redundancy was struck
   * @param media the struck bytes of that device; null when they are not known
   */
  record Failure(
      long sequence,
      Instant at,
      Severity outcome,
      Cause cause,
      Role role,
      int device,
      @Nullable ByteRange volume,
      @Nullable ByteRange media)
      implements Event {
    /** Checks the number. */
    public Failure {
      checkNumber(device);
    }
  }

  /**
   * The volume as a whole, or one device, changed state: a failed persist made it read-only, its
   * file went away.
   *
   * @param sequence see {@link Event#sequence()}
   * @param at see {@link Event#at()}
   * @param device number of the device, or {@link #NO_DEVICE} for the volume
   * @param state the new state
   * @param detail why, for people; cut to {@link EventLayout#DETAIL_BYTES} bytes
   */
  record StateChange(long sequence, Instant at, int device, DeviceState state, String detail)
      implements Event {
    /** Checks the number. */
    public StateChange {
      checkNumber(device);
    }
  }

  /**
   * A step in the pool's life.
   *
   * @param sequence see {@link Event#sequence()}
   * @param at see {@link Event#at()}
   * @param step which one
   * @param detail what there is to add, for people; cut as above
   */
  record Lifecycle(long sequence, Instant at, Step step, String detail) implements Event {}

  /**
   * A scrub started, paused or ended.
   *
   * @param sequence see {@link Event#sequence()}
   * @param at see {@link Event#at()}
   * @param phase which
   * @param totals what it had checked and found until then
   */
  record Scrub(long sequence, Instant at, Phase phase, ScrubTotals totals) implements Event {}

  /**
   * Lost bytes were replaced by new ones: by a write over NBD, or by {@code bad clear}.
   *
   * @param sequence see {@link Event#sequence()}
   * @param at see {@link Event#at()}
   * @param volume the bytes of the volume that are no longer lost
   * @param how who replaced them
   */
  record Replaced(long sequence, Instant at, ByteRange volume, Replacement how) implements Event {}

  /**
   * A device of the pool came, went, or changed its place.
   *
   * @param sequence see {@link Event#sequence()}
   * @param at see {@link Event#at()}
   * @param device its number; {@link #NO_DEVICE} for one that has none
   * @param step what happened to it
   * @param detail what there is to add, for people; cut as above
   */
  record Device(long sequence, Instant at, int device, DeviceStep step, String detail)
      implements Event {
    /** Checks the number. */
    public Device {
      checkNumber(device);
    }
  }

  private static void checkNumber(int device) {
    if (device < NO_DEVICE || device == Integer.MAX_VALUE) {
      throw new IllegalArgumentException("no device has number " + device);
    }
  }

  /** What happens to devices. The codes are stored on media. */
  enum DeviceStep {
    /** Became one more leg of a mirror. */
    ATTACHED(1),
    /** Left its mirror, and the pool with it. */
    DETACHED(2),
    /** Gone without a word. */
    LOST(3),
    /** Taken out after everything on it had been made durable. */
    OFFLINE(4),
    /** There again, and the same. */
    RETURNED(5),
    /** There, but stale or another's: not used, and nothing of it was changed. */
    REFUSED(6),
    /** Gets what it missed. */
    RESYNC_STARTED(7),
    /** Has everything again. */
    RESYNC_FINISHED(8),
    /** Is being filled, to take the place of another. */
    REPLACING(9),
    /** Another one took its place. */
    REPLACED(10),
    /** Nothing of the pool is on it any more. */
    EVACUATED(11),
    /** Waits to take the place of one that fails. */
    SPARE_ADDED(12),
    /** Was waiting, and takes the place of one that failed. */
    SPARE_USED(13),
    /** Does not wait any more. */
    SPARE_REMOVED(14),
    /** Its mirror is without it; what it holds has fewer copies than it should. */
    DEGRADED(15),
    /** Differs from the other legs of its mirror, and nobody knows which is right. */
    CONFLICT(16);

    private final int code;

    DeviceStep(int code) {
      this.code = code;
    }

    int code() {
      return code;
    }

    static DeviceStep ofCode(int code) {
      for (DeviceStep step : values()) {
        if (step.code == code) {
          return step;
        }
      }
      throw new IllegalArgumentException("unknown device step code " + code);
    }
  }

  /** Steps in a pool's life. The codes are stored on media. */
  enum Step {
    /** Made. */
    CREATED(1),
    /** Opened for writing. */
    OPENED(2),
    /** Closed after everything had been made durable. */
    CLOSED(3),
    /** Opened after its last user had died without closing it. */
    CRASH_RECOVERED(4),
    /** One copy of the label was damaged and was rewritten from the other. */
    LABEL_HEALED(5),
    /** A drill struck the media on purpose. */
    DRILL(6),
    /** Files were opened without something that had been made durable; the detail says what. */
    FILES_INCOMPLETE(7);

    private final int code;

    Step(int code) {
      this.code = code;
    }

    int code() {
      return code;
    }

    static Step ofCode(int code) {
      for (Step step : values()) {
        if (step.code == code) {
          return step;
        }
      }
      throw new IllegalArgumentException("unknown step code " + code);
    }
  }

  /** Phases of a scrub. The codes are stored on media. */
  enum Phase {
    /** Begun at its first row. */
    STARTED(1),
    /** Went on where it had stopped. */
    RESUMED(2),
    /** Waits to be resumed. */
    PAUSED(3),
    /** Was told to stop; can be resumed. */
    STOPPED(4),
    /** Reached its end. */
    FINISHED(5),
    /** Could not go on: the volume became unavailable. */
    FAILED(6);

    private final int code;

    Phase(int code) {
      this.code = code;
    }

    int code() {
      return code;
    }

    static Phase ofCode(int code) {
      for (Phase phase : values()) {
        if (phase.code == code) {
          return phase;
        }
      }
      throw new IllegalArgumentException("unknown phase code " + code);
    }
  }

  /** Who replaced lost bytes. The codes are stored on media. */
  enum Replacement {
    /** A client wrote whole pages over them. */
    OVERWRITTEN(1),
    /** Somebody accepted the loss and had them filled. */
    FILLED(2);

    private final int code;

    Replacement(int code) {
      this.code = code;
    }

    int code() {
      return code;
    }

    static Replacement ofCode(int code) {
      for (Replacement replacement : values()) {
        if (replacement.code == code) {
          return replacement;
        }
      }
      throw new IllegalArgumentException("unknown replacement code " + code);
    }
  }
}

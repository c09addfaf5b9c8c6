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
   * @param volume the affected bytes of the volume; null when only redundancy was struck
   * @param media the struck bytes of the pool file; null when they are not known
   */
  record Failure(
      long sequence,
      Instant at,
      Severity outcome,
      Cause cause,
      Role role,
      @Nullable ByteRange volume,
      @Nullable ByteRange media)
      implements Event {}

  /**
   * The volume as a whole changed state: a failed persist made it read-only, its file went away.
   *
   * @param sequence see {@link Event#sequence()}
   * @param at see {@link Event#at()}
   * @param state the new state
   * @param detail why, for people; cut to {@link EventLayout#DETAIL_BYTES} bytes
   */
  record StateChange(long sequence, Instant at, DeviceState state, String detail)
      implements Event {}

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
    DRILL(6);

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

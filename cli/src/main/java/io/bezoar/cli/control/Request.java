package io.bezoar.cli.control;

import io.bezoar.health.EventQuery;
import io.bezoar.health.ScrubRequest;
import io.bezoar.media.ByteRange;
import io.bezoar.media.FaultKind;
import io.bezoar.pool.Fill;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** One thing asked of a pool. */
public sealed interface Request {
  /** How the pool is. */
  record Status() implements Request {}

  /** What is bad now. */
  record BadList() implements Request {}

  /**
   * Make media go bad.
   *
   * @param kinds one or more kinds, dealt in turn
   * @param at offset in the volume; null to strike {@code count} places chosen by {@code seed}
   * @param lengthBytes bytes to strike at each place
   * @param count how many places
   * @param seed decides places and wrong bytes
   * @param overlap whether two strikes may hit one row
   */
  record Inject(
      List<FaultKind> kinds,
      @Nullable Long at,
      long lengthBytes,
      int count,
      long seed,
      Overlap overlap)
      implements Request {
    /** Copies the list. */
    public Inject {
      kinds = List.copyOf(kinds);
    }
  }

  /** Whether two strikes may hit one row. */
  enum Overlap {
    /** Every strike in a row of its own, so that each can be repaired. */
    FORBIDDEN,
    /** Anywhere; what must be lost is said beforehand. */
    ALLOWED
  }

  /**
   * Fill lost bytes and call them good.
   *
   * @param fill with what
   * @param range only within these bytes of the volume; null for all that is lost
   */
  record Clear(Fill fill, @Nullable ByteRange range) implements Request {}

  /** Start a scrub and follow it to its end. */
  record Scrub(ScrubRequest request) implements Request {}

  /** Change what a scrub in progress does. */
  record ScrubControl(Action action) implements Request {
    /** What to do with it. */
    public enum Action {
      /** Wait between two chunks. */
      PAUSE,
      /** Go on after a pause. */
      RESUME,
      /** End it; it can be started again where it was. */
      STOP
    }
  }

  /**
   * What happened.
   *
   * @param query which events
   * @param mode whether to go on with those to come
   */
  record Events(EventQuery query, Mode mode) implements Request {
    /** When the answer ends. */
    public enum Mode {
      /** With the newest event. */
      HISTORY,
      /** When the asker goes away. */
      FOLLOW
    }
  }

  /** What the pool must be opened for to answer it. */
  default Purpose purpose() {
    return switch (this) {
      case Status _, BadList _, Events _ -> Purpose.LOOK;
      case Inject _, Clear _, Scrub _, ScrubControl _ -> Purpose.WORK;
    };
  }

  /** What a pool is opened for. */
  enum Purpose {
    /** To look at it. */
    LOOK,
    /** To work on it. */
    WORK
  }
}

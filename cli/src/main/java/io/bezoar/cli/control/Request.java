package io.bezoar.cli.control;

import io.bezoar.health.EventQuery;
import io.bezoar.health.ScrubRequest;
import io.bezoar.media.ByteRange;
import io.bezoar.media.FaultKind;
import io.bezoar.pool.Fill;
import io.bezoar.pool.NewDevice;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** One thing asked of a pool. */
public sealed interface Request
    permits Request.Status,
        Request.BadList,
        Request.Inject,
        Request.Clear,
        Request.Scrub,
        Request.ScrubControl,
        Request.Events,
        Request.DeviceChange,
        Request.DeviceProgress,
        FileRequest {
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
   * @param device the only device to strike: number, path, file name or beginning of its uuid; null
   *     for all of the pool's
   */
  record Inject(
      List<FaultKind> kinds,
      @Nullable Long at,
      long lengthBytes,
      int count,
      long seed,
      Overlap overlap,
      @Nullable String device)
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

  /**
   * A change of the pool's devices. Devices are named as {@link io.bezoar.pool.DeviceAdmin} says.
   */
  sealed interface DeviceChange extends Request {
    /** The device that it is about; null for a new one beside none. */
    @Nullable String device();

    /** When the answer ends. */
    Wait waiting();

    /**
     * One more copy of what a device holds.
     *
     * @param device the device that holds it
     * @param made where the copy shall be
     */
    record Attach(String device, NewDevice made, Wait waiting) implements DeviceChange {}

    /** A device less. */
    record Detach(String device) implements DeviceChange {
      @Override
      public Wait waiting() {
        return Wait.FOR_NOTHING;
      }
    }

    /** A device is going to be taken away for a while. */
    record Offline(String device) implements DeviceChange {
      @Override
      public Wait waiting() {
        return Wait.FOR_NOTHING;
      }
    }

    /**
     * A device is back.
     *
     * @param at where it lies now; null for where it was
     */
    record Online(String device, @Nullable Path at, Wait waiting) implements DeviceChange {}

    /**
     * Another device instead of one.
     *
     * @param by the new one; null for a spare
     */
    record Replace(String device, @Nullable NewDevice by, Wait waiting) implements DeviceChange {}

    /**
     * Nothing shall lie on a device any more, which then leaves the pool.
     *
     * @param to a new one in its place; null for a spare, or for none when others hold it all
     */
    record Evacuate(String device, @Nullable NewDevice to, Wait waiting) implements DeviceChange {}

    /**
     * A device that waits to take the place of another.
     *
     * @param made where
     */
    record Spare(NewDevice made) implements DeviceChange {
      @Override
      public @Nullable String device() {
        return null;
      }

      @Override
      public Wait waiting() {
        return Wait.FOR_NOTHING;
      }
    }
  }

  /** What the answer to a change waits for. */
  enum Wait {
    /** The change has been made; what follows from it goes on. */
    FOR_NOTHING,
    /** Every byte is where the change wants it. */
    UNTIL_IN_SYNC
  }

  /** Follow the resyncs in progress to their end. */
  record DeviceProgress() implements Request {}

  /** True when others may have something to ask or to say before it is answered. */
  default boolean takesLong() {
    return switch (this) {
      case Scrub _, DeviceProgress _ -> true;
      case DeviceChange change -> change.waiting() == Wait.UNTIL_IN_SYNC;
      case FileRequest.Cp _, FileRequest.Cat _, FileRequest.Rm _, FileRequest.Check _ -> true;
      case FileRequest _ -> false;
      case Status _, BadList _, Inject _, Clear _, ScrubControl _, Events _ -> false;
    };
  }

  /** What the pool must be opened for to answer it. */
  default Purpose purpose() {
    return switch (this) {
      case Status _, BadList _, Events _ -> Purpose.LOOK;
      case Inject _, Clear _, Scrub _, ScrubControl _, DeviceChange _, DeviceProgress _ ->
          Purpose.WORK;
      case FileRequest files -> files.changes() ? Purpose.WORK : Purpose.LOOK;
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

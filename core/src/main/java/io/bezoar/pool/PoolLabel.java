package io.bezoar.pool;

import io.bezoar.health.ScrubRecord;
import io.bezoar.target.Geometry;
import java.time.Instant;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * What a pool says about itself.
 *
 * @param uuid of this pool and no other
 * @param generation number of this state of the label; the greater one of two copies is right
 * @param content what the payload holds
 * @param redundancy how the payload is protected
 * @param layout where everything lies
 * @param geometry where everything lies in the payload; null for a bare volume
 * @param drill whether media may be made to go bad on purpose
 * @param createdAt when it was made, in whole milliseconds
 * @param shutdown whether its last user closed it
 * @param eventSequence number of an event that had been recorded when the label was written
 * @param scrub the scrub's place and results
 */
public record PoolLabel(
    UUID uuid,
    long generation,
    Content content,
    Redundancy redundancy,
    PoolLayout layout,
    @Nullable Geometry geometry,
    Drill drill,
    Instant createdAt,
    Shutdown shutdown,
    long eventSequence,
    ScrubRecord scrub) {

  /** Checks that redundancy and geometry say the same. */
  public PoolLabel {
    boolean fits =
        geometry == null
            ? !redundancy.isProtected()
            : geometry.columns() == redundancy.columns()
                && geometry.region().equals(layout.payload());
    if (!fits) {
      throw new IllegalArgumentException(
          "redundancy " + redundancy + " does not go with " + geometry + " in " + layout);
    }
  }

  /** What the payload holds. The codes are stored on media. */
  public enum Content {
    /** A block volume. */
    RAW(1),
    /** A filesystem. */
    FS(2);

    private final int code;

    Content(int code) {
      this.code = code;
    }

    int code() {
      return code;
    }
  }

  /** Whether drills may strike. The codes are stored on media. */
  public enum Drill {
    /** Data is kept here. */
    FORBIDDEN(0),
    /** Made with {@code --drill}. */
    ALLOWED(1);

    private final int code;

    Drill(int code) {
      this.code = code;
    }

    int code() {
      return code;
    }
  }

  /** How the last user left. The codes are stored on media. */
  public enum Shutdown {
    /** Everything had been made durable. */
    CLEAN(0),
    /** In use, or its user died. */
    IN_USE(1);

    private final int code;

    Shutdown(int code) {
      this.code = code;
    }

    int code() {
      return code;
    }
  }

  /** The next generation with another way of leaving. */
  PoolLabel withShutdown(Shutdown newShutdown, long newEventSequence) {
    return new PoolLabel(
        uuid,
        generation + 1,
        content,
        redundancy,
        layout,
        geometry,
        drill,
        createdAt,
        newShutdown,
        newEventSequence,
        scrub);
  }

  /** The next generation with another place of the scrub. */
  PoolLabel withScrub(ScrubRecord newScrub, long newEventSequence) {
    return new PoolLabel(
        uuid,
        generation + 1,
        content,
        redundancy,
        layout,
        geometry,
        drill,
        createdAt,
        shutdown,
        newEventSequence,
        newScrub);
  }
}

package io.bezoar.pool;

import io.bezoar.health.ScrubRecord;
import io.bezoar.target.Geometry;
import java.time.Instant;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * What a device of a pool says about itself and about the pool.
 *
 * @param uuid of this pool and no other; the same on all of its devices
 * @param generation number of this state of the label; the greater one of two is right
 * @param content what the volume holds
 * @param redundancy how the payload of this device is protected
 * @param layout where everything lies on this device
 * @param geometry where everything lies in its payload; null for a bare one
 * @param drill whether media may be made to go bad on purpose
 * @param createdAt when it was made, in whole milliseconds
 * @param shutdown whether its last user closed it
 * @param eventSequence number of an event that had been recorded when the label was written
 * @param scrub the scrub's place and results
 * @param config the pool's devices, and how the volume is made of them
 * @param deviceNumber which of them this label stands on
 * @param takenBy bit {@code n} is set when device {@code n} was to take this generation of the
 *     label, too; devices from 64 on have none. A device that is set here and has a much older
 *     label is an old copy of itself
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
    ScrubRecord scrub,
    PoolConfig config,
    int deviceNumber,
    long takenBy) {

  /** Checks that redundancy, geometry and the config's entry of this device say the same. */
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
    DeviceEntry entry = config.device(deviceNumber);
    if (!entry.redundancy().equals(redundancy) || entry.sizeBytes() != layout.sizeBytes()) {
      throw new IllegalArgumentException(
          "%s does not go with redundancy %s in %s".formatted(entry, redundancy, layout));
    }
  }

  /** The config's entry of the device that this label stands on. */
  public DeviceEntry device() {
    return config.device(deviceNumber);
  }

  /** What the volume holds. The codes are stored on media. */
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
    return next(newShutdown, newEventSequence, scrub, config);
  }

  /** The next generation with another place of the scrub. */
  PoolLabel withScrub(ScrubRecord newScrub, long newEventSequence) {
    return next(shutdown, newEventSequence, newScrub, config);
  }

  /**
   * The next generation with other devices.
   *
   * @throws IllegalArgumentException when {@code newConfig} is not newer than the one it replaces
   */
  PoolLabel withConfig(PoolConfig newConfig, long newEventSequence) {
    if (newConfig.generation() <= config.generation()) {
      throw new IllegalArgumentException(
          "config %d does not follow config %d"
              .formatted(newConfig.generation(), config.generation()));
    }
    return next(shutdown, newEventSequence, scrub, newConfig);
  }

  private PoolLabel next(
      Shutdown newShutdown, long newEventSequence, ScrubRecord newScrub, PoolConfig newConfig) {
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
        newScrub,
        newConfig,
        deviceNumber,
        takenBy);
  }

  /**
   * The label of this device that says of the pool what {@code other}, that of another device of
   * the same pool, says.
   *
   * @throws IllegalArgumentException when {@code other} is of another pool, or does not list this
   *     device
   */
  PoolLabel like(PoolLabel other) {
    if (!uuid.equals(other.uuid())) {
      throw new IllegalArgumentException("pool " + other.uuid() + " is not pool " + uuid);
    }
    return new PoolLabel(
        uuid,
        other.generation(),
        other.content(),
        redundancy,
        layout,
        geometry,
        other.drill(),
        other.createdAt(),
        other.shutdown(),
        other.eventSequence(),
        other.scrub(),
        other.config(),
        deviceNumber,
        other.takenBy());
  }

  /** The same, to be taken by these devices. */
  PoolLabel takenBy(long devices) {
    return new PoolLabel(
        uuid,
        generation,
        content,
        redundancy,
        layout,
        geometry,
        drill,
        createdAt,
        shutdown,
        eventSequence,
        scrub,
        config,
        deviceNumber,
        devices);
  }

  /** The bit of a device in {@link #takenBy()}. */
  static long bitOf(int device) {
    return device < Long.SIZE ? 1L << device : 0;
  }

  /** The uuid of the device that this label stands on. */
  UUID deviceUuid() {
    return config.device(deviceNumber).uuid();
  }
}

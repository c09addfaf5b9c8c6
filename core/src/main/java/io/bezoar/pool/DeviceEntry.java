package io.bezoar.pool;

import io.bezoar.media.Units;
import java.nio.charset.StandardCharsets;
import java.util.UUID;

/**
 * One device of a pool, as every label of the pool lists it.
 *
 * @param number stable, never used twice in a pool
 * @param uuid of this device and no other; in a pool made before there were several devices, that
 *     of the pool
 * @param path where it lay when the pool last had it: a hint, and its name for people; may be
 *     empty, when it was never noted
 * @param sizeBytes of the device, whole pages
 * @param redundancy how its own content is protected
 * @param use what it is there for
 * @param replaces number of the device whose place it takes once it is in sync, or {@link #NONE}
 */
public record DeviceEntry(
    int number,
    UUID uuid,
    String path,
    long sizeBytes,
    Redundancy redundancy,
    Use use,
    int replaces) {
  /** In place of a device's number: none. */
  public static final int NONE = -1;

  /** What a device is there for. The codes are stored on media. */
  public enum Use {
    /** Part of the stack. */
    MEMBER(1),
    /** Waits to take the place of one that fails. */
    SPARE(2);

    private final int code;

    Use(int code) {
      this.code = code;
    }

    int code() {
      return code;
    }

    static Use ofCode(int code) {
      for (Use use : values()) {
        if (use.code == code) {
          return use;
        }
      }
      throw new IllegalArgumentException("unknown use code " + code);
    }
  }

  /** Checks the values. */
  public DeviceEntry {
    if (number < 0 || number == Integer.MAX_VALUE) {
      throw new IllegalArgumentException("no device has number " + number);
    }
    if (sizeBytes < 0 || sizeBytes % Units.PAGE_BYTES != 0) {
      throw new IllegalArgumentException(
          "device %d of %d bytes is not whole pages".formatted(number, sizeBytes));
    }
    if (replaces < NONE || replaces == number || (replaces != NONE && use == Use.SPARE)) {
      throw new IllegalArgumentException(
          "device %d, a %s, cannot replace device %d".formatted(number, use, replaces));
    }
    // What would be stored as something else than it is.
    if (path.indexOf('\0') >= 0 || !StandardCharsets.UTF_8.newEncoder().canEncode(path)) {
      throw new IllegalArgumentException(
          "the path of device %d cannot be stored: %s".formatted(number, path));
    }
  }

  /** The same device, found elsewhere. */
  public DeviceEntry withPath(String newPath) {
    return new DeviceEntry(number, uuid, newPath, sizeBytes, redundancy, use, replaces);
  }

  /** The same device, there for something else. */
  public DeviceEntry withUse(Use newUse, int newReplaces) {
    return new DeviceEntry(number, uuid, path, sizeBytes, redundancy, newUse, newReplaces);
  }
}

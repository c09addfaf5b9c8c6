package io.bezoar.pool;

import io.bezoar.media.MediaOpenException;
import io.bezoar.media.MediaOpenException.Reason;
import java.nio.file.Path;
import java.util.List;

/**
 * Finds the device that somebody means: by number, path, file name or the beginning of its uuid.
 */
final class DeviceRef {
  private static final int MIN_UUID_CHARS = 4;

  private DeviceRef() {}

  /**
   * The one device that {@code said} means.
   *
   * @throws MediaOpenException MISSING when none is meant, REFUSED when several are
   */
  static DeviceEntry find(PoolConfig config, String said, MediaSource source)
      throws MediaOpenException {
    List<DeviceEntry> meant =
        config.devices().stream().filter(entry -> isExactly(entry, said, source)).toList();
    if (meant.isEmpty()) {
      meant = config.devices().stream().filter(entry -> isPartly(entry, said)).toList();
    }
    String all =
        String.join(
            ", ",
            config.devices().stream()
                .map(entry -> entry.number() + " (" + entry.path() + ")")
                .toList());
    if (meant.isEmpty()) {
      throw new MediaOpenException(
          said, Reason.MISSING, "the pool has no such device; it has: " + all);
    }
    if (meant.size() > 1) {
      throw new MediaOpenException(
          said,
          Reason.REFUSED,
          "more than one device is called so; name one by its number: " + all);
    }
    return meant.getFirst();
  }

  private static boolean isExactly(DeviceEntry entry, String said, MediaSource source) {
    return said.equals(Integer.toString(entry.number()))
        || said.equals("#" + entry.number())
        || said.equals(entry.path())
        || said.equals(entry.uuid().toString())
        || source.absolute(Path.of(said)).toString().equals(entry.path());
  }

  private static boolean isPartly(DeviceEntry entry, String said) {
    Path name = Path.of(entry.path()).getFileName();
    return (name != null && said.equals(name.toString()))
        || (said.length() >= MIN_UUID_CHARS && entry.uuid().toString().startsWith(said));
  }
}

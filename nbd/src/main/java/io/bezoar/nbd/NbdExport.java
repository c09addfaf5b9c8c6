package io.bezoar.nbd;

import io.bezoar.dax.DaxDevice;
import java.nio.charset.StandardCharsets;
import java.util.Objects;

/**
 * What a server serves. The device stays the caller's: the server persists it when it stops, and
 * never closes it.
 *
 * @param name how clients call it; the empty name is the default export, which clients get when
 *     they do not ask for a name
 * @param description one line for people, shown by {@code nbdinfo --list}
 * @param device where the bytes are
 * @param mode whether clients may change them
 * @param health what {@code bezoar:poison} reports
 */
public record NbdExport(
    String name, String description, DaxDevice device, Mode mode, RangeHealth health) {

  /** Whether clients may change the bytes. */
  public enum Mode {
    /** Reads, writes, zeroes, trims and flushes. */
    READ_WRITE,
    /** Everything that would change a byte is answered with EPERM. */
    READ_ONLY
  }

  /**
   * Checks the strings.
   *
   * @throws IllegalArgumentException when a string is longer than the 1,024 bytes of UTF-8 that
   *     this server allows itself (the protocol allows 4,096)
   */
  public NbdExport {
    requireShort("name", name);
    requireShort("description", description);
    Objects.requireNonNull(device);
    Objects.requireNonNull(mode);
    Objects.requireNonNull(health);
  }

  private static void requireShort(String what, String value) {
    int lengthBytes = value.getBytes(StandardCharsets.UTF_8).length;
    if (lengthBytes > 1024) {
      throw new IllegalArgumentException(
          "the " + what + " of an export has " + lengthBytes + " bytes, more than 1024");
    }
  }
}

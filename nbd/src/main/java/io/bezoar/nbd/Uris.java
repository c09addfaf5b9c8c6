package io.bezoar.nbd;

import java.nio.charset.StandardCharsets;

/** Escapes for NBD URIs, as the clients read them. */
final class Uris {
  private Uris() {}

  /** {@code text} for a path or query: everything but unreserved characters and slashes escaped. */
  static String escape(String text) {
    StringBuilder escaped = new StringBuilder();
    for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
      char c = (char) (b & 0xff);
      boolean plain =
          (c >= 'a' && c <= 'z')
              || (c >= 'A' && c <= 'Z')
              || (c >= '0' && c <= '9')
              || "-._~/".indexOf(c) >= 0;
      if (plain) {
        escaped.append(c);
      } else {
        escaped.append(String.format("%%%02X", b & 0xff));
      }
    }
    return escaped.toString();
  }
}

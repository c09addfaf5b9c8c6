package io.bezoar.cli;

import java.nio.charset.StandardCharsets;
import java.util.regex.Pattern;

/** Words for people to paste into a shell. */
final class Shell {
  private static final Pattern PLAIN = Pattern.compile("[A-Za-z0-9_@%+=:,./-]+");

  private Shell() {}

  /** The word, quoted where it has to be. */
  static String quote(String word) {
    return PLAIN.matcher(word).matches() ? word : "'" + word.replace("'", "'\\''") + "'";
  }

  /** The URI of the default export at a unix socket. */
  static String nbdUri(String socket) {
    StringBuilder uri = new StringBuilder("nbd+unix:///?socket=");
    for (byte b : socket.getBytes(StandardCharsets.UTF_8)) {
      char c = (char) (b & 0xFF);
      boolean plain = c < 0x80 && (Character.isLetterOrDigit(c) || "-._~/".indexOf(c) >= 0);
      uri.append(plain ? String.valueOf(c) : "%%%02X".formatted(b & 0xFF));
    }
    return uri.toString();
  }
}

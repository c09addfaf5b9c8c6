package io.bezoar.nio;

import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/**
 * {@code bezoar:/folder/data.pool!:/path/in/it}, and {@code bezoar:/folder/data.pool} for the pool.
 *
 * <p>What opens {@code jar:} URIs, the JDK's zip file system above all, cuts them at the first
 * {@code "!/"}. The colon keeps that from being ours, so that a zip in a pool has a URI {@code
 * jar:bezoar:/folder/data.pool!:/a.zip!/entry}. Without it, {@code data.pool!/path}, is understood,
 * too.
 *
 * <p>Bytes that a path of a URI cannot have stand as {@code %XX}, and so do exclamation marks, of
 * both paths: a bare one comes before the path in the pool and nowhere else.
 *
 * @param pool path of the pool, absolute
 * @param path absolute path in it; null when there is none
 */
record PoolUri(Path pool, @Nullable String path) {
  static final String SCHEME = "bezoar";
  private static final char MARK = '!';
  private static final char NO_ZIP = ':';
  private static final String PLAIN = "-._~/:@$&'()*+,;=";

  /** The URI of a path in a pool. */
  static URI of(Path pool, String path) {
    StringBuilder uri = new StringBuilder(SCHEME).append(':');
    encode(uri, pool.toString().getBytes(StandardCharsets.UTF_8));
    uri.append(MARK).append(NO_ZIP);
    encode(uri, PathText.bytes(path));
    return URI.create(uri.toString());
  }

  private static void encode(StringBuilder uri, byte[] bytes) {
    for (byte b : bytes) {
      char c = (char) (b & 0xff);
      boolean letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
      if (letter || PLAIN.indexOf(c) >= 0) {
        uri.append(c);
      } else {
        uri.append('%').append(HexFormat.of().withUpperCase().toHexDigits(b));
      }
    }
  }

  /**
   * Takes a URI apart.
   *
   * @throws IllegalArgumentException when it is none of these
   */
  static PoolUri parse(URI uri) {
    String raw = uri.getRawPath();
    if (!SCHEME.equalsIgnoreCase(uri.getScheme())
        || raw == null
        || !raw.startsWith("/")
        || uri.getRawAuthority() != null
        || uri.getRawQuery() != null
        || uri.getRawFragment() != null) {
      throw new IllegalArgumentException(
          uri + " is no URI of a pool: those are bezoar:/folder/data.pool!:/path");
    }
    int mark = raw.indexOf(MARK);
    String pool = mark < 0 ? raw : raw.substring(0, mark);
    Path file = Path.of(new String(decode(uri, pool), StandardCharsets.UTF_8));
    if (mark < 0) {
      return new PoolUri(file, null);
    }
    int start = mark + 1 < raw.length() && raw.charAt(mark + 1) == NO_ZIP ? mark + 2 : mark + 1;
    String path = io.bezoar.fs.PathWalk.text(decode(uri, raw.substring(start)));
    if (!path.startsWith("/")) {
      throw new IllegalArgumentException(uri + ": a path in a pool begins with \"/\"");
    }
    return new PoolUri(file, path);
  }

  /** What a URI lets through besides {@code %XX} is ASCII, or other letters as they are. */
  private static byte[] decode(URI uri, String raw) {
    java.io.ByteArrayOutputStream bytes = new java.io.ByteArrayOutputStream(raw.length());
    int i = 0;
    while (i < raw.length()) {
      if (raw.charAt(i) == '%') {
        int value = HexFormat.fromHexDigits(raw, i + 1, i + 3);
        if (value == 0) {
          throw new IllegalArgumentException(uri + ": no path has NUL in it");
        }
        bytes.write(value);
        i += 3;
      } else {
        int c = raw.codePointAt(i);
        bytes.writeBytes(Character.toString(c).getBytes(StandardCharsets.UTF_8));
        i += Character.charCount(c);
      }
    }
    return bytes.toByteArray();
  }
}

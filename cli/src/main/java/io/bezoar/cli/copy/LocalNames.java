package io.bezoar.cli.copy;

import io.bezoar.fs.FileName;
import io.bezoar.fs.PathWalk;
import java.io.ByteArrayOutputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Path;

/**
 * Names of this machine's files as bytes.
 *
 * <p>A {@link Path} holds the bytes, but as text it shows only those that the locale knows. Its URI
 * shows all of them, and a URI is read back as exactly these bytes; so that is the way for whatever
 * is not ASCII.
 */
final class LocalNames {
  private static final Path ROOT = Path.of("/");

  private LocalNames() {}

  /** The last name of a path. */
  static FileName name(Path path) throws FileSystemException {
    Path last = path.getFileName();
    if (last == null) {
      throw new FileSystemException(path.toString(), null, "has no name");
    }
    return FileName.of(bytes(last));
  }

  /** The bytes of a path, relative or absolute. */
  static byte[] bytes(Path path) {
    String text = path.toString();
    if (isAscii(text)) {
      return text.getBytes(StandardCharsets.US_ASCII);
    }
    // As text it may have lost bytes, and the URI ends with a slash if there is such a directory.
    String raw = ROOT.resolve(path).toUri().getRawPath();
    String whole =
        raw.endsWith("/") && !text.endsWith("/") ? raw.substring(0, raw.length() - 1) : raw;
    byte[] decoded = decode(whole);
    if (path.isAbsolute()) {
      return decoded;
    }
    return java.util.Arrays.copyOfRange(decoded, 1, decoded.length);
  }

  /** What is called {@code name} in a folder. */
  static Path resolve(Path folder, FileName name) {
    String text = name.toString();
    if (isAscii(text)) {
      return folder.resolve(text);
    }
    String raw = folder.toAbsolutePath().toUri().getRawPath();
    return path((raw.endsWith("/") ? raw : raw + "/") + encode(name.bytes()));
  }

  /** The path of this text, in which bytes that are no UTF-8 stand as in names in a pool. */
  static Path of(String text) throws FileSystemException {
    return isAscii(text) ? Path.of(text) : of(PathWalk.bytes(text));
  }

  /** The path of these bytes. */
  static Path of(byte[] bytes) {
    String text = new String(bytes, StandardCharsets.ISO_8859_1);
    if (isAscii(text)) {
      return Path.of(text);
    }
    if (text.startsWith("/")) {
      return path(encode(bytes));
    }
    Path absolute = path("/" + encode(bytes));
    return absolute.subpath(0, absolute.getNameCount());
  }

  private static Path path(String raw) {
    return Path.of(URI.create("file://" + raw));
  }

  private static boolean isAscii(String text) {
    for (int i = 0; i < text.length(); i++) {
      if (text.charAt(i) >= 0x80) {
        return false;
      }
    }
    return true;
  }

  private static String encode(byte[] bytes) {
    StringBuilder raw = new StringBuilder(3 * bytes.length);
    for (byte b : bytes) {
      char c = (char) (b & 0xFF);
      boolean plain = c < 0x80 && (Character.isLetterOrDigit(c) || "-._~/".indexOf(c) >= 0);
      raw.append(plain ? String.valueOf(c) : "%%%02X".formatted(b & 0xFF));
    }
    return raw.toString();
  }

  private static byte[] decode(String raw) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(raw.length());
    for (int i = 0; i < raw.length(); i++) {
      char c = raw.charAt(i);
      if (c == '%') {
        bytes.write(Integer.parseInt(raw, i + 1, i + 3, 16));
        i += 2;
      } else {
        bytes.write(c);
      }
    }
    return bytes.toByteArray();
  }
}

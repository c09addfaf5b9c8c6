package io.bezoar.nio;

import io.bezoar.fs.PathWalk;
import java.nio.file.FileSystemException;
import java.nio.file.InvalidPathException;

/**
 * The text of paths: one slash between names, none at the end but that of the root.
 *
 * <p>There is one text for one path: bytes that are not UTF-8 stand as {@link
 * io.bezoar.fs.FileName} says, and nothing else is written that way. So paths are equal when their
 * texts are.
 */
final class PathText {
  static final String ROOT = "/";

  private PathText() {}

  /**
   * What somebody wrote, in its one form.
   *
   * @throws InvalidPathException for NUL, and for what is no Unicode
   */
  static String of(String input) {
    boolean slashes = input.length() > 1 && input.charAt(input.length() - 1) == '/';
    boolean surrogates = false;
    char before = 'x';
    for (int i = 0; i < input.length(); i++) {
      char c = input.charAt(i);
      if (c == 0) {
        throw new InvalidPathException(input, "no path has NUL in it", i);
      }
      slashes |= c == '/' && before == '/';
      surrogates |= Character.isSurrogate(c);
      before = c;
    }
    String text = surrogates ? canonical(input) : input;
    return slashes ? withoutSlashes(text) : text;
  }

  private static String canonical(String input) {
    try {
      return PathWalk.text(PathWalk.bytes(input));
    } catch (FileSystemException broken) {
      throw new InvalidPathException(input, String.valueOf(broken.getReason()));
    }
  }

  private static String withoutSlashes(String input) {
    StringBuilder text = new StringBuilder(input.length());
    for (int i = 0; i < input.length(); i++) {
      char c = input.charAt(i);
      if (c != '/' || text.isEmpty() || text.charAt(text.length() - 1) != '/') {
        text.append(c);
      }
    }
    if (text.length() > 1 && text.charAt(text.length() - 1) == '/') {
      text.setLength(text.length() - 1);
    }
    return text.toString();
  }

  /** Bytes of a text that came from {@link #of}. */
  static byte[] bytes(String text) {
    try {
      return PathWalk.bytes(text);
    } catch (FileSystemException broken) {
      throw new AssertionError("a path that is no Unicode: " + text, broken);
    }
  }
}

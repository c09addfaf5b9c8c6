package io.bezoar.nio;

import java.util.regex.PatternSyntaxException;

/**
 * Turns a glob, as {@link java.nio.file.FileSystem#getPathMatcher} defines them, into a regular
 * expression.
 */
final class Glob {
  private final String glob;
  private final StringBuilder regex = new StringBuilder();
  private int at;
  private boolean inGroup;

  private Glob(String glob) {
    this.glob = glob;
  }

  /**
   * The regular expression that matches what the glob does.
   *
   * @throws PatternSyntaxException when the glob is none
   */
  static String toRegex(String glob) {
    Glob parser = new Glob(glob);
    while (parser.at < glob.length()) {
      parser.step();
    }
    if (parser.inGroup) {
      throw parser.error("a group is not closed by '}'", glob.length() - 1);
    }
    return parser.regex.toString();
  }

  private void step() {
    char c = glob.charAt(at);
    at++;
    switch (c) {
      case '\\' -> {
        if (at == glob.length()) {
          throw error("nothing comes after the backslash", at - 1);
        }
        literal(glob.charAt(at));
        at++;
      }
      case '*' -> {
        boolean crosses = at < glob.length() && glob.charAt(at) == '*';
        regex.append(crosses ? ".*" : "[^/]*");
        at += crosses ? 1 : 0;
      }
      case '?' -> regex.append("[^/]");
      case '[' -> bracket();
      case '{' -> {
        if (inGroup) {
          throw error("a group within a group", at - 1);
        }
        inGroup = true;
        regex.append("(?:(?:");
      }
      case '}' -> {
        regex.append(inGroup ? "))" : "\\}");
        inGroup = false;
      }
      case ',' -> regex.append(inGroup ? ")|(?:" : ",");
      default -> literal(c);
    }
  }

  private void literal(char c) {
    // Half a surrogate pair is no letter or digit, and must not be taken from its other half.
    if (c < 0x80 && !Character.isLetterOrDigit(c)) {
      regex.append('\\');
    }
    regex.append(c);
  }

  /**
   * One character of a set, and never a slash; within brackets nothing has a meaning of its own.
   */
  private void bracket() {
    int open = at - 1;
    regex.append("(?!/)[");
    if (at < glob.length() && glob.charAt(at) == '!') {
      regex.append('^');
      at++;
    }
    boolean first = true;
    while (at < glob.length() && glob.charAt(at) != ']') {
      int from = member();
      boolean isRange =
          at + 1 < glob.length() && glob.charAt(at) == '-' && glob.charAt(at + 1) != ']';
      if (isRange) {
        int hyphen = at;
        at++;
        int to = member();
        if (to < from) {
          throw error("a range that ends before it begins", hyphen);
        }
        append(from);
        regex.append('-');
        append(to);
      } else {
        append(from);
      }
      first = false;
    }
    if (at == glob.length()) {
      throw error("a bracket is not closed by ']'", open);
    }
    if (first) {
      throw error("a bracket with nothing in it", open);
    }
    at++;
    regex.append(']');
  }

  private int member() {
    int c = glob.codePointAt(at);
    if (c == '/') {
      throw error("a slash in a bracket", at);
    }
    at += Character.charCount(c);
    return c;
  }

  private void append(int c) {
    if (c < 0x80 && !Character.isLetterOrDigit(c)) {
      regex.append('\\');
    }
    regex.appendCodePoint(c);
  }

  private PatternSyntaxException error(String what, int index) {
    return new PatternSyntaxException(what, glob, index);
  }
}

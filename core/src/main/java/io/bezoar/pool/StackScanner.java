package io.bezoar.pool;

/** The characters of a stack file, one after the other, and where they stand. */
final class StackScanner {
  private final String file;
  private final String text;
  private int at;

  StackScanner(String file, String text) {
    this.file = file;
    this.text = text;
  }

  /** True for what ends a word that is not in quotes. */
  static boolean ends(int c) {
    return Character.isWhitespace(c) || c == '(' || c == ')' || c == ',';
  }

  /** Where the next thing stands, for {@link #problem(int, String, String)}. */
  int place() {
    skipBlank();
    return at;
  }

  private void skipBlank() {
    while (at < text.length()) {
      char c = text.charAt(at);
      if (c == '#') {
        int end = text.indexOf('\n', at);
        at = end < 0 ? text.length() : end;
      } else if (Character.isWhitespace(c) || c == '\uFEFF') {
        at++;
      } else {
        return;
      }
    }
  }

  boolean atEnd() {
    return place() == text.length();
  }

  boolean startsWith(char c) {
    return !atEnd() && text.charAt(at) == c;
  }

  /** Takes {@code c} if it is next. */
  boolean take(char c) {
    boolean is = startsWith(c);
    at += is ? 1 : 0;
    return is;
  }

  /** True when a word, not one of {@code ( ) ,} or the end, is next. */
  boolean startsWithWord() {
    return !atEnd() && !ends(text.charAt(at));
  }

  /** Takes everything up to what {@link #ends} a word; may be empty. */
  String word() {
    return word(','); // which ends it anyway
  }

  /** Takes everything up to what {@link #ends} a word, or up to {@code stop}; may be empty. */
  String word(char stop) {
    int start = place();
    while (at < text.length() && !ends(text.charAt(at)) && text.charAt(at) != stop) {
      at++;
    }
    return text.substring(start, at);
  }

  /** Takes a word, or what stands in quotes. */
  String wordOrQuoted() throws StackSyntaxException {
    int start = place();
    if (!take('"')) {
      return word();
    }
    StringBuilder inside = new StringBuilder();
    while (at < text.length() && text.charAt(at) != '"' && text.charAt(at) != '\n') {
      char c = text.charAt(at++);
      if (c == '\\') {
        if (at == text.length() || "\"\\n".indexOf(text.charAt(at)) < 0) {
          throw problem(at - 1, "expected \\\", \\\\ or \\n", "\"a \\\"b\\\".img\" 1G");
        }
        c = text.charAt(at++);
        c = c == 'n' ? '\n' : c;
      }
      inside.append(c);
    }
    if (at == text.length() || text.charAt(at) == '\n') {
      throw problem(start, "expected a closing quote in the same line", "\"/disk 2/b.img\" 10G");
    }
    at++;
    return inside.toString();
  }

  /** What is next, for people. */
  String found() {
    if (atEnd()) {
      return "the end of the text";
    }
    int end = at + 1;
    while (!ends(text.charAt(at)) && end < text.length() && !ends(text.charAt(end))) {
      end++;
    }
    return "'" + text.substring(at, end) + "'";
  }

  StackSyntaxException problem(int place, String problem, String example) {
    String before = text.substring(0, place);
    int line = 1 + (int) before.chars().filter(c -> c == '\n').count();
    int column = place - before.lastIndexOf('\n');
    return new StackSyntaxException(file, line, column, problem, example);
  }
}

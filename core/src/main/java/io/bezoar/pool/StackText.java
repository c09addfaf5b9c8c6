package io.bezoar.pool;

import java.nio.file.Path;
import java.util.stream.Collectors;

/**
 * The language of stack files.
 *
 * <pre>
 * # to the end of the line; white space and new lines are free
 * cache(
 *   fast.img 1G,
 *   mirror(/disk1/a.img 10G, "/disk 2/b.img" 10G none)
 * )
 * </pre>
 *
 * <p>A stack is {@code mirror(STACK, STACK, …)} of 2 to 8 legs, {@code linear(STACK, STACK, …)},
 * {@code stripe(CHUNK: STACK, STACK, …)}, {@code cache(FAST, ORIGIN)}, or a device: {@code PATH
 * [SIZE] [REDUNDANCY]}. A path with white space or one of {@code ( ) , " #} in it stands in double
 * quotes, where {@code \"}, {@code \\} and {@code \n} stand for a quote, a backslash and a new
 * line. Sizes are as {@link SizeText} reads them, in one word. Redundancy is {@code none}, or
 * columns as {@code 31+1}.
 *
 * <p>What {@link #format} writes, {@link #parse} reads to the same draft.
 */
public final class StackText {
  private static final int LINE_CHARS = 80;

  private StackText() {}

  /**
   * Reads a stack.
   *
   * @param file where {@code text} comes from, for messages
   * @throws StackSyntaxException when it is not written so, is deeper than {@link Stack#MAX_DEPTH},
   *     or names a file twice
   */
  public static StackDraft parse(String file, String text) throws StackSyntaxException {
    return new StackParser(new StackScanner(file, text)).parse();
  }

  /** Writes a stack; on several lines when it does not fit on one, without one at the end. */
  public static String format(StackDraft draft) {
    return format(draft, "");
  }

  private static String format(StackDraft draft, String indent) {
    String line =
        switch (draft) {
          case StackDraft.Device device -> device(device);
          default ->
              head(draft)
                  + draft.below().stream()
                      .map(below -> format(below, indent))
                      .collect(Collectors.joining(", "))
                  + ")";
        };
    boolean fits = indent.length() + line.length() <= LINE_CHARS && line.indexOf('\n') < 0;
    if (fits || draft instanceof StackDraft.Device) {
      return line;
    }
    String deeper = indent + "  ";
    return draft.below().stream()
        .map(below -> deeper + format(below, deeper))
        .collect(
            Collectors.joining(",\n", head(draft).stripTrailing() + "\n", "\n" + indent + ")"));
  }

  private static String head(StackDraft draft) {
    return switch (draft) {
      case StackDraft.Device _ -> "";
      case StackDraft.Mirror _ -> "mirror(";
      case StackDraft.Linear _ -> "linear(";
      case StackDraft.Striped striped -> "stripe(" + SizeText.exact(striped.chunkBytes()) + ": ";
      case StackDraft.Cached _ -> "cache(";
    };
  }

  private static String device(StackDraft.Device device) {
    StringBuilder text = new StringBuilder(quoted(device.path()));
    if (device.sizeBytes() != StackDraft.ANY_SIZE) {
      text.append(' ').append(SizeText.exact(device.sizeBytes()));
    }
    Redundancy redundancy = device.redundancy();
    if (redundancy != null) {
      text.append(' ').append(redundancy);
    }
    return text.toString();
  }

  private static String quoted(Path path) {
    String text = path.toString();
    boolean plain =
        !text.isEmpty()
            && text.chars().noneMatch(c -> StackScanner.ends(c) || c == '#' || c == '"');
    return plain
        ? text
        : '"' + text.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n") + '"';
  }
}

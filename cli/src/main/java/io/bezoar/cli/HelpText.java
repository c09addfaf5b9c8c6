package io.bezoar.cli;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.Help;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.UsageMessageSpec;

/**
 * Lays descriptions out: the lines in the source are joined to paragraphs, which wrap at the width
 * of the terminal, and the first sentence stands alone, for it is all that a list of commands has
 * room for.
 */
final class HelpText {
  private static final Pattern FIRST_SENTENCE = Pattern.compile("(.*?[.:]) (\\p{Lu}.*)");

  private HelpText() {}

  /** The help of a command, laid out: done only when somebody asks, and once more does no harm. */
  static Help help(CommandSpec command, Help.ColorScheme colors) {
    UsageMessageSpec usage = command.usageMessage();
    usage.description(paragraphs(List.of(usage.description())).toArray(String[]::new));
    return new Help(command, colors);
  }

  /** A line that ends a sentence ends its paragraph; one that is indented or empty is kept. */
  static List<String> paragraphs(List<String> lines) {
    List<String> paragraphs = new ArrayList<>();
    boolean open = false;
    for (String line : lines) {
      if (open && !line.isEmpty() && !line.startsWith(" ")) {
        paragraphs.add(paragraphs.removeLast() + " " + line);
      } else {
        paragraphs.add(line);
      }
      open = !line.isEmpty() && !line.startsWith(" ") && !line.endsWith(".") && !line.endsWith(":");
    }
    if (!paragraphs.isEmpty()) {
      Matcher first = FIRST_SENTENCE.matcher(paragraphs.getFirst());
      if (first.matches()) {
        paragraphs.set(0, first.group(1));
        paragraphs.add(1, first.group(2));
      }
    }
    return paragraphs;
  }
}

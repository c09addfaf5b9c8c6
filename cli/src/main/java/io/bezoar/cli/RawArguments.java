package io.bezoar.cli;

import io.bezoar.fs.PathWalk;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * Arguments as they were given. Java reads them as text, and what is no text in the locale's
 * encoding comes as U+FFFD; a name of a file may hold any bytes. The kernel still has them. The
 * arguments are the last ones of the process: before them stand those for Java itself.
 */
final class RawArguments {
  private static final char UNREADABLE = '\uFFFD';
  private static final Path COMMAND_LINE = Path.of("/proc/self/cmdline");

  private RawArguments() {}

  /** The same arguments; bytes that are no UTF-8 stand as {@link PathWalk#text} shows them. */
  static String[] of(String[] arguments) {
    if (Arrays.stream(arguments).allMatch(argument -> argument.indexOf(UNREADABLE) < 0)) {
      return arguments;
    }
    try {
      return of(arguments, Files.readAllBytes(COMMAND_LINE));
    } catch (IOException hidden) {
      // Without them they stay what Java made of them: no file has such a name.
      return arguments;
    }
  }

  /** As above, of a command line whose every argument ends with NUL. */
  static String[] of(String[] arguments, byte[] commandLine) {
    String[] raw = arguments.clone();
    int end = commandLine.length - 1;
    for (int i = raw.length - 1; i >= 0 && end >= 0; i--) {
      int start = end;
      while (start > 0 && commandLine[start - 1] != 0) {
        start--;
      }
      if (raw[i].indexOf(UNREADABLE) >= 0) {
        raw[i] = PathWalk.text(Arrays.copyOfRange(commandLine, start, end));
      }
      end = start - 1;
    }
    return raw;
  }
}

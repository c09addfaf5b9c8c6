package io.bezoar.lucene;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Runs a {@code main} of the tests in a JVM of its own, which may end as it likes. */
final class ChildJvm {
  private ChildJvm() {}

  /** How it ended, and all that it said. */
  record Result(int exitCode, String output) {

    /** The line that begins like this; empty when it did not come to it. */
    String line(String start) {
      return output.lines().filter(line -> line.startsWith(start)).findFirst().orElse("");
    }
  }

  /**
   * Runs {@code main} to its end.
   *
   * @param arguments of the JVM, as long as they begin with a minus, then of the class
   */
  static Result run(Class<?> main, String... arguments) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("--enable-native-access=ALL-UNNAMED");
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    int first = 0;
    while (first < arguments.length && arguments[first].startsWith("-")) {
      command.add(arguments[first++]);
    }
    command.add(main.getName());
    command.addAll(List.of(arguments).subList(first, arguments.length));
    Process child = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(child.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return new Result(child.waitFor(), output);
  }
}

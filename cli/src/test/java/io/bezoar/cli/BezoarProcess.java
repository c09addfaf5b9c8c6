package io.bezoar.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The command as its user runs it: a process of its own. */
final class BezoarProcess {
  private static final JsonMapper JSON = JsonMapper.builder().build();

  private BezoarProcess() {}

  /**
   * What a command came to.
   *
   * @param exitCode its exit code
   * @param lines what it printed
   */
  record Result(int exitCode, List<String> lines) {
    List<JsonNode> json() {
      return lines.stream().map(JSON::readTree).toList();
    }

    Result expect(int code) {
      if (exitCode != code) {
        throw new AssertionError(
            "exit " + exitCode + " instead of " + code + "\n" + String.join("\n", lines));
      }
      return this;
    }
  }

  static ProcessBuilder command(Path folder, List<String> arguments) {
    List<String> line = new ArrayList<>();
    line.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    line.add("--enable-native-access=ALL-UNNAMED");
    line.add("-Xmx1g");
    line.add("-cp");
    line.add(System.getProperty("java.class.path"));
    line.add("io.bezoar.cli.Main");
    line.addAll(arguments);
    return new ProcessBuilder(line).directory(folder.toFile()).redirectError(Redirect.INHERIT);
  }

  /** Runs a command to its end. */
  static Result run(Path folder, String... arguments) throws IOException, InterruptedException {
    Process process = command(folder, List.of(arguments)).start();
    process.getOutputStream().close();
    List<String> lines;
    try (BufferedReader output = process.inputReader()) {
      lines = output.lines().toList();
    }
    return new Result(process.waitFor(), lines);
  }

  /** A server that has said that it serves. */
  static final class Server implements AutoCloseable {
    final Process process;
    private final BufferedReader output;

    /** Starts {@code serve} and waits until it has greeted. */
    Server(Path folder, String... arguments) throws IOException {
      List<String> all = new ArrayList<>(List.of("serve"));
      all.addAll(List.of(arguments));
      process = command(folder, all).start();
      output = process.inputReader();
      String line = output.readLine();
      // What it says last, whatever it serves.
      while (line != null && !line.contains("bezoar events")) {
        line = output.readLine();
      }
      if (line == null) {
        throw new AssertionError("serve ended without serving, exit " + exitCode());
      }
    }

    void kill() throws InterruptedException {
      process.destroyForcibly().waitFor();
    }

    int stop() throws InterruptedException {
      process.destroy();
      return exitCode();
    }

    private int exitCode() {
      try {
        if (!process.waitFor(60, TimeUnit.SECONDS)) {
          process.destroyForcibly();
          throw new AssertionError("serve did not stop within a minute");
        }
        return process.exitValue();
      } catch (InterruptedException interrupted) {
        Thread.currentThread().interrupt();
        throw new AssertionError(interrupted);
      }
    }

    @Override
    public void close() {
      process.destroyForcibly();
      try {
        output.close();
      } catch (IOException broken) {
        throw new UncheckedIOException(broken);
      }
    }
  }

  static @Nullable Long number(JsonNode node, String name) {
    return node.has(name) ? node.get(name).asLong() : null;
  }
}

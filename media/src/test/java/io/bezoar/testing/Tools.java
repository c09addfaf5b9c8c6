package io.bezoar.testing;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;

/** Real programs that end-to-end tests drive. */
public final class Tools {
  private static final long MAX_SECONDS = 120;

  /**
   * What a program did.
   *
   * @param exitCode 0 when it was content
   * @param output standard output and standard error, as they came
   */
  public record Result(int exitCode, String output) {
    /** The output of a program that must have been content. */
    public String orFail() {
      if (exitCode != 0) {
        throw new AssertionError("exit code " + exitCode + "\n" + output);
      }
      return output;
    }
  }

  private Tools() {}

  /**
   * Goes on only where {@code program} is installed. Where it is not, the test is skipped, loudly:
   * a line on standard error and the report of the test say which Debian package to install.
   *
   * @return where the program is
   */
  public static Path require(String program, String debianPackage) {
    Optional<Path> found =
        Stream.of(System.getenv().getOrDefault("PATH", "").split(File.pathSeparator))
            .filter(folder -> !folder.isEmpty())
            .map(folder -> Path.of(folder).resolve(program))
            .filter(Files::isExecutable)
            .findFirst();
    if (found.isEmpty()) {
      String caller =
          StackWalker.getInstance()
              .walk(
                  frames ->
                      frames
                          .filter(frame -> !frame.getClassName().equals(Tools.class.getName()))
                          .findFirst()
                          .map(frame -> frame.getClassName() + "." + frame.getMethodName())
                          .orElse("a test"));
      String message =
          "SKIPPED "
              + caller
              + ": needs "
              + program
              + " (Debian: apt-get install "
              + debianPackage
              + ")";
      System.err.println(message);
      Assumptions.abort(message);
    }
    return found.orElseThrow();
  }

  /**
   * Runs a program to its end.
   *
   * @throws AssertionError when it does not end by itself
   */
  public static Result run(List<String> command) throws IOException, InterruptedException {
    Path output = Files.createTempFile("tool", ".out");
    try {
      Process process =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(output.toFile())
              .redirectInput(new File("/dev/null"))
              .start();
      if (!process.waitFor(MAX_SECONDS, TimeUnit.SECONDS)) {
        process.destroyForcibly().waitFor();
        throw new AssertionError(
            "still running after " + MAX_SECONDS + " s: " + command + "\n" + text(output));
      }
      return new Result(process.exitValue(), text(output));
    } finally {
      Files.delete(output);
    }
  }

  /** As {@link #run(List)}. */
  public static Result run(String... command) throws IOException, InterruptedException {
    return run(List.of(command));
  }

  private static String text(Path output) throws IOException {
    return new String(Files.readAllBytes(output), StandardCharsets.UTF_8);
  }
}

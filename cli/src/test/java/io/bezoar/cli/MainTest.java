package io.bezoar.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

class MainTest {
  @Test
  void shouldPrintVersionOfBezoarAndOfTheJvm() {
    StringWriter out = new StringWriter();
    int exitCode = Main.commandLine().setOut(new PrintWriter(out)).execute("version");
    assertThat(exitCode).isZero();
    assertThat(out.toString())
        .matches("bezoar \\d+\\.\\d+\\.\\d+\\S* \\(JDK \\d+.*\\)\\R")
        .contains(Runtime.version().toString());
  }

  @Test
  void shouldAnswerUnknownCommandWithUsageExitCode() {
    StringWriter err = new StringWriter();
    int exitCode = Main.commandLine().setErr(new PrintWriter(err)).execute("no-such-command");
    assertThat(exitCode).isEqualTo(CommandLine.ExitCode.USAGE);
    assertThat(err.toString()).contains("no-such-command");
  }
}

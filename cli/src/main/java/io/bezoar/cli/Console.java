package io.bezoar.cli;

import java.io.PrintWriter;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import picocli.CommandLine.Model.CommandSpec;

/** Where a command writes. */
final class Console {
  private final PrintWriter out;
  private final PrintWriter err;

  Console(CommandSpec spec) {
    this.out = spec.commandLine().getOut();
    this.err = spec.commandLine().getErr();
  }

  /** A line of the answer. */
  void line(String text) {
    out.println(text);
    out.flush();
  }

  /** A line beside the answer. */
  void note(String text) {
    err.println(text);
    err.flush();
  }

  /** True when a person looks at it now. */
  static boolean isInteractive() {
    return Optional.ofNullable(System.console()).map(java.io.Console::isTerminal).orElse(false);
  }

  /** What trees are drawn with: lines, where what is printed can hold them. */
  static StackView.Strokes strokes() {
    boolean drawn = charset().newEncoder().canEncode(StackView.Strokes.DRAWN.tee());
    return drawn ? StackView.Strokes.DRAWN : StackView.Strokes.ASCII;
  }

  /** What standard output is written in; where Java does not know it, what can be read anywhere. */
  static Charset charset() {
    String encoding = System.getProperty("stdout.encoding", Charset.defaultCharset().name());
    return Charset.isSupported(encoding) ? Charset.forName(encoding) : StandardCharsets.US_ASCII;
  }
}

package io.bezoar.cli;

import java.io.ByteArrayOutputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Runs commands in this process and keeps what they print. */
final class Cli {
  private static final JsonMapper MAPPER = new JsonMapper();

  private final StopSignal stop;
  private StringWriter out = new StringWriter();
  private StringWriter err = new StringWriter();
  private ByteArrayOutputStream bytes = new ByteArrayOutputStream();

  Cli() {
    this(new StopSignal());
  }

  Cli(StopSignal stop) {
    this.stop = stop;
  }

  /** Returns the exit code. */
  int run(String... args) {
    out = new StringWriter();
    err = new StringWriter();
    bytes = new ByteArrayOutputStream();
    return Main.commandLine(stop, new StandardOutput(bytes, stop))
        .setOut(new PrintWriter(out, true))
        .setErr(new PrintWriter(err, true))
        .execute(args);
  }

  String out() {
    return out.toString();
  }

  String err() {
    return err.toString();
  }

  /** Content of files. */
  byte[] bytes() {
    return bytes.toByteArray();
  }

  /** What was printed, as JSON lines. */
  List<JsonNode> json() {
    return out.toString().lines().map(MAPPER::readTree).toList();
  }
}

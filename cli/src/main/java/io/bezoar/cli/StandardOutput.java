package io.bezoar.cli;

import io.bezoar.cli.control.Exit;
import java.io.IOException;
import java.io.OutputStream;
import java.io.OutputStreamWriter;
import java.io.PrintWriter;
import java.io.Writer;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;

/**
 * Where a command's answer goes. It remembers why that failed, which a {@link PrintWriter} does not
 * tell: a command of whose answer a part is missing has not done what it was asked for. A server
 * has, whose first reader went away. Thread-safe.
 */
final class StandardOutput extends OutputStream {
  private final OutputStream out;
  private final StopSignal stop;
  private volatile boolean needed = true;
  private volatile @Nullable IOException failed;

  /** The command is stopped for want of a reader, and not by its user. */
  private volatile boolean interrupts;

  StandardOutput(OutputStream out, StopSignal stop) {
    this.out = out;
    this.stop = stop;
  }

  /** The command prints here, and ends with an exit code that tells whether that worked. */
  CommandLine installOn(CommandLine commandLine) {
    CommandLine.IExecutionStrategy run = commandLine.getExecutionStrategy();
    return commandLine
        .setOut(new PrintWriter(writer()))
        .setExecutionStrategy(
            parsed -> {
              CommandLine asked = parsed.asCommandLineList().getLast();
              needed = !(asked.getCommand() instanceof ServeCommand);
              int exit;
              try {
                exit = run.execute(parsed);
              } finally {
                // What there is of an answer, also when it ends with an error.
                asked.getOut().flush();
              }
              try {
                return outcome(exit);
              } catch (IOException cannot) {
                throw new CommandLine.ExecutionException(asked, "standard output", cannot);
              }
            });
  }

  private Writer writer() {
    Charset charset = Console.charset();
    return charset.equals(StandardCharsets.UTF_8)
        ? new NameWriter(this)
        : new OutputStreamWriter(this, charset);
  }

  private int outcome(int exit) throws IOException {
    IOException why = failed;
    boolean says = exit == Exit.OK || (exit == Exit.INTERRUPTED && interrupts);
    if (!needed || why == null || !says) {
      return exit;
    }
    String detail = String.valueOf(why.getMessage());
    if (detail.contains("Broken pipe")) {
      // Whoever read has enough, which is no failure of anybody.
      return Exit.PIPE;
    }
    throw new FileSystemException("standard output", null, detail);
  }

  private interface Write {
    void to(OutputStream out) throws IOException;
  }

  private synchronized void write(Write write) throws IOException {
    try {
      write.to(out);
    } catch (IOException cannot) {
      if (failed == null) {
        failed = cannot;
      }
      if (needed && !stop.isRequested()) {
        interrupts = true;
        // Nor is there more to be found out for whoever does not read it.
        stop.request();
      }
      throw cannot;
    }
  }

  @Override
  public void write(int b) throws IOException {
    write(to -> to.write(b));
  }

  @Override
  public void write(byte[] bytes, int offset, int length) throws IOException {
    write(to -> to.write(bytes, offset, length));
  }

  @Override
  public void flush() throws IOException {
    write(OutputStream::flush);
  }
}

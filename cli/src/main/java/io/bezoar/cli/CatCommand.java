package io.bezoar.cli;

import io.bezoar.cli.control.Exit;
import io.bezoar.cli.control.FileRequest;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.FileSystemException;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;

/** {@code bezoar cat}. */
@Command(
    name = "cat",
    description = {
      "Write the bytes of files in a pool to standard output. Of a damaged file all bytes before the",
      "first lost one are written; then the error says which are lost.",
      "With --json, the bytes are in base64, in pieces."
    },
    footer = {
      "",
      "Examples:",
      "  bezoar cat a.pool:/etc/fstab",
      "  bezoar cat a.pool:/x.tar | tar t"
    })
final class CatCommand extends PoolFileCommand {
  private final OutputStream out;
  private @Nullable IOException notWritten;

  @Parameters(
      arity = "1..*",
      paramLabel = "POOL:/PATH",
      converter = PoolPath.Converter.class,
      description = "Files, one behind the other.")
  private List<PoolPath> paths = List.of();

  CatCommand(StopSignal stop, OutputStream out) {
    super(stop);
    this.out = out;
  }

  @Override
  public Integer call() throws Exception {
    int exit = askFiles(poolOf(paths), new FileRequest.Cat(pathsOf(paths)), this::show);
    IOException failed = notWritten;
    try {
      if (failed != null) {
        throw failed;
      }
      out.flush();
    } catch (IOException e) {
      return cannotWrite(e);
    }
    return exit;
  }

  /** Whoever read has enough, which is no failure of anybody; or there is no place for it. */
  private static int cannotWrite(IOException failed) throws IOException {
    String why = String.valueOf(failed.getMessage());
    if (why.contains("Broken pipe")) {
      return Exit.PIPE;
    }
    throw new FileSystemException("standard output", null, why);
  }

  private void show(JsonNode data) {
    if (notWritten != null) {
      return;
    }
    try {
      out.write(data.path("bytes").binaryValue());
    } catch (IOException failed) {
      // Nobody reads any more: nor is there more to be read for them.
      notWritten = failed;
      stop().request();
    }
  }
}

package io.bezoar.cli;

import io.bezoar.cli.control.FileRequest;
import java.io.IOException;
import java.util.List;
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
  private final StandardOutput out;

  @Parameters(
      arity = "1..*",
      paramLabel = "POOL:/PATH",
      converter = PoolPath.Converter.class,
      description = "Files, one behind the other.")
  private List<PoolPath> paths = List.of();

  CatCommand(StopSignal stop, StandardOutput out) {
    super(stop);
    this.out = out;
  }

  @Override
  public Integer call() throws Exception {
    return askFiles(poolOf(paths), new FileRequest.Cat(pathsOf(paths)), this::show);
  }

  private void show(JsonNode data) {
    try {
      out.write(data.path("bytes").binaryValue());
    } catch (IOException _) {
      // It ends the command, and says so, itself.
    }
  }
}

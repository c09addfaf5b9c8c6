package io.bezoar.cli;

import io.bezoar.cli.control.FileRequest;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** {@code bezoar rmdir}. */
@Command(
    name = "rmdir",
    description = "Remove empty directories from a pool. Durable when it returns.",
    footer = {"", "Example:", "  bezoar rmdir a.pool:/photos"})
final class RmdirCommand extends PoolFileCommand {
  @Parameters(
      arity = "1..*",
      paramLabel = "POOL:/PATH",
      converter = PoolPath.Converter.class,
      description = "Empty directories.")
  private List<PoolPath> paths = List.of();

  RmdirCommand(StopSignal stop) {
    super(stop);
  }

  @Override
  public Integer call() throws Exception {
    return askFiles(poolOf(paths), new FileRequest.Rmdir(pathsOf(paths)), reply -> {});
  }
}

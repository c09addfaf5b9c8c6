package io.bezoar.cli;

import io.bezoar.cli.control.FileRequest;
import io.bezoar.cli.control.FileRequest.Flag;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code bezoar mkdir}. */
@Command(
    name = "mkdir",
    description = "Make directories in a pool. Durable when it returns.",
    footer = {"", "Examples:", "  bezoar mkdir a.pool:/photos", "  bezoar mkdir -p a.pool:/a/b/c"})
final class MkdirCommand extends PoolFileCommand {
  @Parameters(
      arity = "1..*",
      paramLabel = "POOL:/PATH",
      converter = PoolPath.Converter.class,
      description = "Directories to make.")
  private List<PoolPath> paths = List.of();

  @Option(
      names = {"-p", "--parents"},
      description = "Make the directories that they are in, too; one that is there is no error.")
  private boolean parents;

  MkdirCommand(StopSignal stop) {
    super(stop);
  }

  @Override
  public Integer call() throws Exception {
    return askFiles(
        poolOf(paths),
        new FileRequest.Mkdir(pathsOf(paths), new Flags().with(Flag.PARENTS, parents).set()),
        reply -> {});
  }
}

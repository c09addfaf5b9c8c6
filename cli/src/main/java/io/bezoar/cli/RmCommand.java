package io.bezoar.cli;

import io.bezoar.cli.control.FileRequest;
import io.bezoar.cli.control.FileRequest.Flag;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;

/** {@code bezoar rm}. */
@Command(
    name = "rm",
    description = {
      "Remove files from a pool. Durable when it returns. Snapshots keep what they have, and the",
      "space of it. Works in a full pool."
    },
    footer = {"", "Examples:", "  bezoar rm a.pool:/a.txt", "  bezoar rm -r a.pool:/photos"})
final class RmCommand extends PoolFileCommand {
  @Parameters(
      arity = "1..*",
      paramLabel = "POOL:/PATH",
      converter = PoolPath.Converter.class,
      description = "Files.")
  private List<PoolPath> paths = List.of();

  @Option(
      names = {"-r", "-R", "--recursive"},
      description = "Directories, too, with all that is in them.")
  private boolean recursive;

  @Option(
      names = {"-f", "--force"},
      description = "What is not there is no error.")
  private boolean force;

  @Option(
      names = {"-d", "--dir"},
      description = "Empty directories, too.")
  private boolean empty;

  @Option(
      names = {"-v", "--verbose"},
      description = "Say what is removed.")
  private boolean verbose;

  RmCommand(StopSignal stop) {
    super(stop);
  }

  @Override
  public Integer call() throws Exception {
    Flags flags =
        new Flags()
            .with(Flag.RECURSIVE, recursive)
            .with(Flag.SELF, empty)
            .with(Flag.FORCE, force)
            .with(Flag.VERBOSE, verbose);
    return askFiles(poolOf(paths), new FileRequest.Rm(pathsOf(paths), flags.set()), this::show);
  }

  /** Silent as rm is, unless it was stopped. */
  private void show(JsonNode removed) {
    showDone(removed);
    if (removed.path("type").asString().equals("removed") && stop().isRequested()) {
      console()
          .line(
              "stopped; removed %,d files, %,d directories"
                  .formatted(removed.path("files").asLong(), removed.path("directories").asLong()));
    }
  }
}

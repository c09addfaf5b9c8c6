package io.bezoar.cli;

import io.bezoar.cli.control.FileRequest;
import io.bezoar.cli.control.FileRequest.Flag;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;

/** {@code bezoar du}. */
@Command(
    name = "du",
    description = {
      "Show how much space directories in a pool take. A file with several names counts once;",
      "bytes that several files or snapshots share count for each of them."
    },
    footer = {"", "Examples:", "  bezoar du -sh a.pool:/photos", "  bezoar du a.pool:/"})
final class DuCommand extends PoolFileCommand {
  private static final long KIB = 1024;

  @Parameters(
      arity = "1..*",
      paramLabel = "POOL:/PATH",
      converter = PoolPath.Converter.class,
      description = "Directories and files.")
  private List<PoolPath> paths = List.of();

  @Option(
      names = {"-s", "--summarize"},
      description = "Only the sum of each that is named.")
  private boolean summary;

  @Option(
      names = {"-h", "--human-readable"},
      description = "Sizes as people say them; else in KiB.")
  private boolean human;

  @Option(
      names = {"-a", "--all"},
      description = "Files, too, and not only directories.")
  private boolean all;

  @Option(
      names = {"-c", "--total"},
      description = "The sum of all, too.")
  private boolean total;

  DuCommand(StopSignal stop) {
    super(stop);
  }

  @Override
  public Integer call() throws Exception {
    if (all && summary) {
      throw new ParameterException(spec().commandLine(), "-a and -s are opposites");
    }
    return askFiles(
        poolOf(paths),
        new FileRequest.Du(
            pathsOf(paths),
            new Flags()
                .with(Flag.SUMMARY, summary)
                .with(Flag.ALL, all)
                .with(Flag.TOTAL, total)
                .set()),
        this::show);
  }

  private void show(JsonNode du) {
    long bytes = du.path("allocated").asLong();
    String size = human ? Sizes.text(bytes) : Long.toString(Math.ceilDiv(bytes, KIB));
    console().line(size + "\t" + LsView.printable(du.path("path").asString()));
  }
}

package io.bezoar.cli;

import io.bezoar.cli.control.FileRequest;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;

/** {@code bezoar df}. */
@Command(
    name = "df",
    description = {
      "Show how much space the files in a pool have. Some is kept back, so that deleting and",
      "repairing work when all else is used; it is not counted as available."
    },
    footer = {"", "Examples:", "  bezoar df a.pool", "  bezoar df -h a.pool"})
final class DfCommand extends PoolFileCommand {
  private static final long KIB = 1024;

  @Parameters(
      paramLabel = "POOL",
      converter = PoolName.class,
      description = "The pool: its file, or any one of its devices.")
  private Path pool = Path.of("");

  @Option(
      names = {"-h", "--human-readable"},
      description = "Sizes as people say them; else in KiB.")
  private boolean human;

  DfCommand(StopSignal stop) {
    super(stop);
  }

  @Override
  public Integer call() throws Exception {
    return askFiles(pool, new FileRequest.Df(), this::show);
  }

  private void show(JsonNode df) {
    long used = df.path("used").asLong();
    long free = df.path("free").asLong();
    long percent = used + free == 0 ? 100 : Math.ceilDiv(used * 100, used + free);
    console()
        .line(
            "%-20s %12s %12s %12s %5s %9s"
                .formatted(
                    "Pool", human ? "Size" : "KiB", "Used", "Available", "Use%", "Snapshots"));
    console()
        .line(
            "%-20s %12s %12s %12s %5s %9d"
                .formatted(
                    pool,
                    size(df.path("size").asLong()),
                    size(used),
                    size(free),
                    percent + "%",
                    df.path("snapshots").asInt()));
    long quarantined = df.path("quarantined").asLong();
    if (quarantined > 0) {
      console().line("bad, set aside: " + Sizes.text(quarantined));
    }
  }

  private String size(long bytes) {
    return human ? Sizes.text(bytes) : Long.toString(Math.ceilDiv(bytes, KIB));
  }
}

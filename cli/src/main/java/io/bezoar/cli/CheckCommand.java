package io.bezoar.cli;

import io.bezoar.cli.control.FileRequest;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;

/** {@code bezoar check}. */
@Command(
    name = "check",
    description = {
      "Verify every structure of the filesystem in a pool, both copies of each, and that all of them",
      "agree: files, the index of owners, free space, counts of links, parents. Files can be used",
      "meanwhile. The content of files is verified by: bezoar scrub.",
      "Exit code: 0 all is well, 2 something is not as it should be."
    },
    footer = {
      "",
      "Examples:",
      "  bezoar check a.pool",
      "  bezoar check --json a.pool | jq .problems"
    })
final class CheckCommand extends PoolFileCommand {
  @Parameters(
      paramLabel = "POOL",
      converter = PoolName.class,
      description = "The pool: its file, or any one of its devices.")
  private Path pool = Path.of("");

  CheckCommand(StopSignal stop) {
    super(stop);
  }

  @Override
  public Integer call() throws Exception {
    return askFiles(pool, new FileRequest.Check(), this::show);
  }

  private void show(JsonNode check) {
    console()
        .line(
            "%s: %s"
                .formatted(
                    pool,
                    check.path("clean").asBoolean()
                        ? "every structure is whole, and all of them agree"
                        : "NOT IN ORDER"));
    console()
        .line(
            "  %s, %s, %s, %s, %s, commit %d"
                .formatted(
                    Sizes.count(check.path("files").asLong(), "file", "files"),
                    Sizes.count(check.path("directories").asLong(), "directory", "directories"),
                    Sizes.count(check.path("links").asLong(), "symbolic link", "symbolic links"),
                    Sizes.count(check.path("extents").asLong(), "extent", "extents"),
                    Sizes.count(check.path("nodes").asLong(), "node", "nodes"),
                    check.path("commit").asLong()));
    console()
        .line(
            "  %s of files, %s of snapshots alone, %s free"
                .formatted(
                    Sizes.text(check.path("data").asLong()),
                    Sizes.text(check.path("held").asLong()),
                    Sizes.text(check.path("free").asLong())));
    for (JsonNode healed : check.path("healed")) {
      console().line("  healed: one copy of metadata at volume " + EventView.range(healed));
    }
    for (JsonNode problem : check.path("problems")) {
      console().line("  " + problem.asString());
    }
    long more = check.path("more_problems").asLong();
    if (more > 0) {
      console().line("  and " + more + " more");
    }
  }
}

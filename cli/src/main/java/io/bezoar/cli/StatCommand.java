package io.bezoar.cli;

import io.bezoar.cli.control.FileRequest;
import io.bezoar.cli.control.FileRequest.Flag;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;

/** {@code bezoar stat}. */
@Command(
    name = "stat",
    description = "Show everything that is known about files in a pool. Links are not followed.",
    footer = {
      "",
      "Examples:",
      "  bezoar stat a.pool:/photos/a.jpg",
      "  bezoar stat --extents a.pool:/disk.img"
    })
final class StatCommand extends PoolFileCommand {
  @Parameters(
      arity = "1..*",
      paramLabel = "POOL:/PATH",
      converter = PoolPath.Converter.class,
      description = "Files.")
  private List<PoolPath> paths = List.of();

  @Option(names = "--extents", description = "Show where on the volume they lie, too.")
  private boolean extents;

  StatCommand(StopSignal stop) {
    super(stop);
  }

  @Override
  public Integer call() throws Exception {
    return askFiles(
        poolOf(paths),
        new FileRequest.Stat(pathsOf(paths), new Flags().with(Flag.EXTENTS, extents).set()),
        this::show);
  }

  private void show(JsonNode file) {
    String target = file.path("target").asString("");
    line(
        "file",
        LsView.printable(file.path("path").asString())
            + (target.isEmpty() ? "" : " -> " + LsView.printable(target)));
    line(
        "size",
        "%d bytes, %d allocated, %s"
            .formatted(
                file.path("size").asLong(),
                file.path("allocated").asLong(),
                kind(file.path("kind").asString())));
    line(
        "inode",
        "%d, %d links, generation %x%s"
            .formatted(
                file.path("inode").asLong(),
                file.path("links").asLong(),
                file.path("generation").asLong(),
                file.has("snapshot") ? ", of snapshot " + file.path("snapshot").asLong() : ""));
    line(
        "mode",
        "%s %s, uid %d, gid %d"
            .formatted(
                file.path("mode").asString(),
                LsView.mode(file),
                file.path("uid").asInt(),
                file.path("gid").asInt()));
    for (String time : List.of("accessed", "modified", "changed", "created")) {
      line(time, LsView.instant(file.path(time).asLong()).toString());
    }
    for (Map.Entry<String, JsonNode> extended : file.path("extended").properties()) {
      line("extended", extended.getKey() + " = " + extended.getValue().asString());
    }
    for (JsonNode extent : file.path("extents")) {
      line(
          "extent",
          "%s at volume %s%s"
              .formatted(
                  EventView.range(extent.path("file")),
                  EventView.range(extent.path("volume")),
                  extent.path("content").asString().equals("unwritten") ? ", unwritten" : ""));
    }
  }

  private static String kind(String kind) {
    return kind.equals("link") ? "symbolic link" : kind;
  }

  private void line(String name, String value) {
    console().line("  %-9s %s".formatted(name, value));
  }
}

package io.bezoar.cli;

import io.bezoar.cli.control.FileRequest;
import io.bezoar.media.ByteRange;
import io.bezoar.media.Units;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;

/** {@code bezoar owners}. */
@Command(
    name = "owners",
    description = {
      "Show what bytes of a pool's volume belong to: files by all of their paths, in the live state",
      "and in snapshots, metadata, or nobody. \"bezoar bad list\" and \"bezoar events\" say which",
      "bytes are bad."
    },
    footer = {"", "Examples:", "  bezoar owners a.pool 0x1f4000", "  bezoar owners a.pool 64M+1M"})
final class OwnersCommand extends PoolFileCommand {
  @Parameters(
      index = "0",
      paramLabel = "POOL",
      converter = PoolName.class,
      description = "The pool: its file, or any one of its devices.")
  private Path pool = Path.of("");

  @Parameters(
      index = "1",
      paramLabel = "RANGE",
      converter = RangeConverter.class,
      description =
          "Bytes of the volume: OFFSET for the page that holds it, START+LENGTH or START-END.")
  private ByteRangeOption.Value range = new ByteRangeOption.Value(0, 0);

  /** A range, or one offset. */
  static final class RangeConverter implements ITypeConverter<ByteRangeOption.Value> {
    @Override
    public ByteRangeOption.Value convert(String text) {
      if (text.indexOf('+') > 0 || text.indexOf('-') > 0) {
        return new ByteRangeOption().convert(text);
      }
      long start = Sizes.parse(text) / Units.PAGE_BYTES * Units.PAGE_BYTES;
      return new ByteRangeOption.Value(start, start + Units.PAGE_BYTES);
    }
  }

  OwnersCommand(StopSignal stop) {
    super(stop);
  }

  @Override
  public Integer call() throws Exception {
    ByteRange asked = range.range();
    return askFiles(pool, new FileRequest.Owners(asked), this::show);
  }

  private void show(JsonNode owner) {
    String where = "volume " + EventView.range(owner.path("volume")) + "  ";
    switch (owner.path("owner").asString()) {
      case "file" -> {
        String what =
            "file %s, inode %d"
                .formatted(EventView.range(owner.path("range")), owner.path("inode").asLong());
        if (owner.path("paths").isEmpty()) {
          console().line(where + what + ", deleted and still open");
        }
        for (JsonNode path : owner.path("paths")) {
          console().line(where + LsView.printable(path.asString()) + "  " + what);
        }
      }
      case "metadata" ->
          console()
              .line(
                  where
                      + "metadata: "
                      + owner.path("structure").asString()
                      + (owner.has("snapshot")
                          ? ", of snapshot " + owner.path("snapshot").asLong()
                          : ""));
      case "free" -> console().line(where + "free");
      case "quarantined" -> console().line(where + "free, and set aside because it is bad");
      default -> console().line(where + "in use, and nothing says for what: bezoar check");
    }
  }
}

package io.bezoar.cli;

import io.bezoar.cli.control.Exit;
import io.bezoar.guard.salvage.Probe;
import io.bezoar.guard.salvage.RescueMap;
import io.bezoar.guard.salvage.RescueMapFile;
import io.bezoar.guard.salvage.RescueStatus;
import io.bezoar.media.ByteRange;
import io.bezoar.media.Media;
import io.bezoar.media.MediaFiles;
import io.bezoar.media.MediaOpenException;
import io.bezoar.media.MediaOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code bezoar probe}. */
@Command(
    name = "probe",
    description = {
      "Find out what of a file or block device cannot be read, in ranges.",
      "Nothing is changed, and nothing is loaded through a mapping: of memory",
      "(tmpfs, DAX) the kernel's tables are asked, all else is read by system calls.",
      "Exit code: 0 everything can be read, 2 something cannot, 3 it is missing, cut",
      "or gone, 4 refused, 130 stopped before its end."
    },
    footer = {
      "",
      "Examples:",
      "  bezoar probe /var/lib/data/segment_7.dat",
      "  bezoar probe /dev/sdb --range 10G+1G --json",
      "  bezoar probe /dev/sdb --map sdb.map",
      "  bezoar salvage /dev/sdb sdb.img --map sdb.map    (then: good places only)"
    })
final class ProbeCommand implements Callable<Integer>, FileCommand {
  @Spec private CommandSpec spec;

  @Parameters(paramLabel = "FILE", description = "A file or a block device.")
  private Path path;

  @Option(
      names = "--range",
      paramLabel = "RANGE",
      converter = ByteRangeOption.class,
      description = "Only these bytes: START-END or START+LENGTH.")
  private ByteRangeOption.@Nullable Value range;

  @Option(
      names = "--map",
      paramLabel = "FILE",
      description =
          "Write a new ddrescue mapfile, in which what cannot be read is bad and everything else"
              + " is still to be copied: salvage and ddrescue then begin with the good places.")
  private @Nullable Path map;

  @Option(names = "--json", description = "Print one JSON object per line.")
  private boolean json;

  private final StopSignal stop;

  ProbeCommand(StopSignal stop) {
    this.stop = stop;
  }

  @Override
  public Integer call() throws Exception {
    stop.handle();
    Path mapPath = map;
    if (mapPath != null && Files.exists(mapPath, LinkOption.NOFOLLOW_LINKS)) {
      throw new MediaOpenException(
          mapPath.toString(),
          MediaOpenException.Reason.EXISTS,
          "exists already, and may be the map of a rescue: name another one");
    }
    Console console = new Console(spec);
    try (Media media = MediaFiles.open(path, MediaOptions.READ_ONLY);
        ProbeView view = ProbeView.of(console, path, json)) {
      ByteRange asked = asked(media.sizeBytes());
      RescueMap found = RescueMap.untried(media.sizeBytes());
      view.begin(media.info(), asked);
      Probe.Progress result =
          new Probe(
                  media,
                  asked,
                  bad -> {
                    view.found(bad);
                    found.mark(bad, RescueStatus.BAD);
                  },
                  view::show,
                  stop::isRequested)
              .run();
      if (mapPath != null) {
        save(mapPath, found);
      }
      int exitCode = exitCode(result);
      view.end(result, exitCode);
      return exitCode;
    }
  }

  private ByteRange asked(long sizeBytes) {
    ByteRangeOption.Value only = range;
    if (only == null) {
      return new ByteRange(0, sizeBytes);
    }
    if (only.end() > sizeBytes) {
      throw new ParameterException(
          spec.commandLine(), "--range ends beyond the " + sizeBytes + " bytes of " + path);
    }
    return only.range();
  }

  private void save(Path mapPath, RescueMap found) throws IOException {
    try (RescueMapFile file =
        new RescueMapFile(
            mapPath, () -> List.of("Command line: bezoar probe " + Shell.quote(path.toString())))) {
      file.save(found);
    }
  }

  private static int exitCode(Probe.Progress result) {
    if (!result.complete()) {
      return Exit.INTERRUPTED;
    }
    return result.badRanges() > 0 ? Exit.DAMAGED : Exit.OK;
  }
}

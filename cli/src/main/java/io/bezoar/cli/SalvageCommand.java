package io.bezoar.cli;

import io.bezoar.cli.control.Exit;
import io.bezoar.guard.salvage.RescueStatus;
import io.bezoar.guard.salvage.SalvageEnding;
import io.bezoar.guard.salvage.SalvageJob;
import io.bezoar.guard.salvage.SalvageOptions;
import io.bezoar.guard.salvage.SalvageRequest;
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

/** {@code bezoar salvage}. */
@Command(
    name = "salvage",
    description = {
      "Bring everything that can be read of a file or block device into a copy.",
      "Good places first; around bad ones down to single sectors. What cannot be",
      "read is named, and left as it is in the copy: zeroes in a new one.",
      "The map beside the copy is a GNU ddrescue mapfile: the same command goes on",
      "where it stopped, and so can ddrescue. Ctrl-C stops it in order.",
      "Exit code: 0 everything is rescued, 2 bytes cannot be read, 3 the source is",
      "cut or gone or the copy cannot be written, 4 refused, 130 stopped."
    },
    footer = {
      "",
      "Examples:",
      "  bezoar salvage /dev/sdb1 sdb1.img",
      "  bezoar salvage /dev/sdb1 sdb1.img --retries 3    (again: only what is bad)",
      "  bezoar salvage broken.sst copy.sst --map /safe/copy.map --json"
    })
final class SalvageCommand implements Callable<Integer>, FileCommand {
  @Spec private CommandSpec spec;

  @Parameters(index = "0", paramLabel = "SRC", description = "What is read; never written.")
  private Path source;

  @Parameters(
      index = "1",
      paramLabel = "DST",
      description = "The copy: made, or gone on with when its map is there.")
  private Path destination;

  @Option(
      names = "--map",
      paramLabel = "FILE",
      description = "The map of what was done. Default: DST.map")
  private @Nullable Path map;

  @Option(
      names = "--retries",
      paramLabel = "N",
      defaultValue = "0",
      description = "Try every bad sector N times more, after everything else. Default: 0.")
  private int retries;

  @Option(
      names = "--overwrite-device",
      description = "DST may be a block device, all of which may be overwritten.")
  private boolean overwriteDevice;

  @Option(names = "--json", description = "Print progress as JSON, one object per line.")
  private boolean json;

  private final StopSignal stop;

  SalvageCommand(StopSignal stop) {
    this.stop = stop;
  }

  @Override
  public Integer call() throws Exception {
    if (retries < 0 || retries > SalvageOptions.RETRIES_MAX) {
      throw new ParameterException(
          spec.commandLine(), "--retries is from 0 to " + SalvageOptions.RETRIES_MAX);
    }
    stop.handle();
    Path given = map;
    SalvageRequest request =
        new SalvageRequest(
            source,
            destination,
            given == null ? SalvageRequest.mapOf(destination) : given,
            overwriteDevice ? SalvageRequest.Devices.OVERWRITTEN : SalvageRequest.Devices.REFUSED,
            List.of("Command line: " + again(retries)));
    Console console = new Console(spec);
    try (SalvageJob job = SalvageJob.open(request);
        SalvageView view = SalvageView.of(console, request, again(Math.max(3, retries)), json)) {
      view.begin(job);
      SalvageEnding ending =
          job.run(SalvageOptions.DEFAULT.withRetries(retries), view::show, stop::isRequested);
      int exitCode = exitCode(ending, job);
      view.end(ending, job, exitCode);
      return exitCode;
    }
  }

  private static int exitCode(SalvageEnding ending, SalvageJob job) {
    return switch (ending) {
      case SalvageEnding.Finished finished ->
          job.map().bytes(RescueStatus.BAD) > 0 ? Exit.DAMAGED : Exit.OK;
      case SalvageEnding.Stopped stopped -> Exit.INTERRUPTED;
      case SalvageEnding.SourceAbsent absent -> Exit.UNAVAILABLE;
    };
  }

  /** This command with so many retries. */
  private String again(int number) {
    Path given = map;
    return "bezoar salvage "
        + Shell.quote(source.toString())
        + " "
        + Shell.quote(destination.toString())
        + (given == null ? "" : " --map " + Shell.quote(given.toString()))
        + (overwriteDevice ? " --overwrite-device" : "")
        + (number == 0 ? "" : " --retries " + number);
  }
}

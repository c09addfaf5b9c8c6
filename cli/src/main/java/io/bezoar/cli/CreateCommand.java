package io.bezoar.cli;

import io.bezoar.cli.control.Exit;
import io.bezoar.media.Allocation;
import io.bezoar.media.MediaChoice;
import io.bezoar.pool.PoolLabel;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code bezoar create}. */
@Command(
    name = "create",
    description = "Make a pool. Never touches a file that is there already.",
    footer = {
      "",
      "Examples:",
      "  bezoar create /data/a.pool --size 10G",
      "  bezoar create /dev/shm/drill.pool --size 1G --drill",
      "  bezoar create scratch.pool --size 64M --parity none --sparse"
    })
final class CreateCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Parameters(paramLabel = "POOL", description = "The file to make.")
  private Path path;

  @Option(
      names = "--size",
      required = true,
      paramLabel = "SIZE",
      converter = Sizes.class,
      description = "Size of the file: 64M, 1G, 1GiB ... 4%% of it at most is not for content.")
  private long sizeBytes;

  @Option(
      names = "--parity",
      paramLabel = "N",
      converter = Parity.Converter.class,
      description =
          "N columns, one of them parity: more columns cost less space and make rows longer;"
              + " none: no checksums and no parity. Default: 32.")
  private Parity parity = Parity.DEFAULT;

  @Option(
      names = "--sparse",
      description = "Take space as it is written; a write may then find the file system full.")
  private boolean sparse;

  @Option(
      names = "--drill",
      description = "Allow faults to be injected; for a pool whose content may be lost.")
  private boolean drill;

  @Override
  public Integer call() throws Exception {
    NewPool.make(
        path,
        sizeBytes,
        parity,
        sparse ? Allocation.SPARSE : Allocation.PREALLOCATED,
        drill ? PoolLabel.Drill.ALLOWED : PoolLabel.Drill.FORBIDDEN,
        MediaChoice.AUTO);
    Console console = new Console(spec);
    console.line("%s: created, %s".formatted(path, Sizes.text(sizeBytes)));
    console.line("next: bezoar serve " + Shell.quote(path.toString()));
    return Exit.OK;
  }
}

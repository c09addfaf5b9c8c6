package io.bezoar.cli;

import io.bezoar.cli.control.FileRequest;
import io.bezoar.cli.control.FileRequest.Flag;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;

/** {@code bezoar mv}. */
@Command(
    name = "mv",
    description = {
      "Give files and directories in a pool other names, or move them into a directory, each as one",
      "step. What has the new name is replaced: a file by a file, an empty directory by a directory.",
      "Nothing replaces what this command has just moved. Durable when it returns."
    },
    footer = {
      "",
      "Examples:",
      "  bezoar mv a.pool:/a.txt a.pool:/b.txt",
      "  bezoar mv a.pool:/a.txt a.pool:/b.txt a.pool:/folder"
    })
final class MvCommand extends PoolFileCommand {
  @Parameters(
      arity = "2..*",
      paramLabel = "POOL:/PATH",
      converter = PoolPath.Converter.class,
      description = "Files, then a directory; or a file, then its new name.")
  private List<PoolPath> paths = List.of();

  @Option(
      names = {"-n", "--no-clobber"},
      description = "Replace nothing.")
  private boolean keep;

  @Option(
      names = {"-f", "--force"},
      description = "Nothing more: what has the new name is replaced.")
  void usual(boolean asked) {
    // It is done, whoever asks for it.
  }

  @Option(
      names = {"-T", "--no-target-directory"},
      description = "The last PATH is the new name, also when a directory is called so.")
  private boolean exact;

  @Option(
      names = {"-v", "--verbose"},
      description = "Say what is moved.")
  private boolean verbose;

  MvCommand(StopSignal stop) {
    super(stop);
  }

  @Override
  public Integer call() throws Exception {
    if (paths.size() < 2) {
      throw new ParameterException(spec().commandLine(), "say where to, too");
    }
    if (exact && paths.size() > 2) {
      throw new ParameterException(spec().commandLine(), "-T is for one file and its new name");
    }
    List<PoolPath> from = paths.subList(0, paths.size() - 1);
    return askFiles(
        poolOf(paths),
        new FileRequest.Mv(
            pathsOf(from),
            paths.getLast().path(),
            new Flags()
                .with(Flag.KEEP, keep)
                .with(Flag.EXACT, exact)
                .with(Flag.VERBOSE, verbose)
                .set()),
        this::showDone);
  }
}

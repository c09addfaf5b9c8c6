package io.bezoar.cli;

import io.bezoar.cli.control.FileRequest;
import io.bezoar.cli.control.FileRequest.Flag;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;

/** {@code bezoar ln}. */
@Command(
    name = "ln",
    description = {
      "Give a file in a pool one more name, or, with -s, make a symbolic link. TARGET of a symbolic",
      "link is kept as it is written: a path in the pool, absolute or from where the link stands. Of",
      "POOL:/PATH in the same pool it is /PATH.",
      "Durable when it returns."
    },
    footer = {
      "",
      "Examples:",
      "  bezoar ln a.pool:/a.txt a.pool:/b.txt",
      "  bezoar ln -s ../a.txt a.pool:/folder/link"
    })
final class LnCommand extends PoolFileCommand {
  @Parameters(
      index = "0",
      paramLabel = "TARGET",
      description = "POOL:/PATH of the file; with -s, what stands in the link.")
  private String target = "";

  @Parameters(
      index = "1",
      paramLabel = "POOL:/LINK",
      converter = PoolPath.Converter.class,
      description = "The new name, or a directory to put it into.")
  private PoolPath link = new PoolPath(Path.of(""), "/");

  @Option(
      names = {"-s", "--symbolic"},
      description = "A symbolic link.")
  private boolean symbolic;

  @Option(
      names = {"-f", "--force"},
      description = "Replace a file that has the name.")
  private boolean force;

  @Option(
      names = {"-n", "--no-dereference"},
      description = "A symbolic link to a directory is the new name, and not gone into.")
  private boolean links;

  @Option(
      names = {"-v", "--verbose"},
      description = "Say what is made.")
  private boolean verbose;

  LnCommand(StopSignal stop) {
    super(stop);
  }

  @Override
  public Integer call() throws Exception {
    Flags flags =
        new Flags()
            .with(Flag.SYMBOLIC, symbolic)
            .with(Flag.FORCE, force)
            .with(Flag.LINKS, links)
            .with(Flag.VERBOSE, verbose);
    String to = symbolic ? text() : inPool();
    return askFiles(link.pool(), new FileRequest.Ln(to, link.path(), flags.set()), this::showDone);
  }

  /** What stands in the link: the pool's own name has no place in a path within it. */
  private String text() {
    return PoolPath.of(target)
        .filter(to -> to.isIn(link.pool()))
        .map(PoolPath::path)
        .orElse(target);
  }

  private String inPool() {
    PoolPath file =
        PoolPath.of(target)
            .orElseThrow(
                () ->
                    new ParameterException(
                        spec().commandLine(),
                        "'" + target + "' names no file in a pool: write POOL:/path"));
    poolOf(List.of(file, link));
    return file.path();
  }
}

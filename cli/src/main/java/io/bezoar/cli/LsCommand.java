package io.bezoar.cli;

import io.bezoar.cli.control.FileRequest;
import io.bezoar.cli.control.FileRequest.Flag;
import java.nio.file.Path;
import java.time.InstantSource;
import java.time.ZoneId;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;

/** {@code bezoar ls}. */
@Command(
    name = "ls",
    description = {
      "List files in a pool, in the order of their names unless another one is asked for. Snapshots are under /.snapshots, which is",
      "not listed itself."
    },
    footer = {
      "",
      "Examples:",
      "  bezoar ls a.pool:/",
      "  bezoar ls -l a.pool:/photos",
      "  bezoar ls -lR a.pool:/.snapshots/monday/photos",
      "  bezoar ls --json a.pool:/ | jq -r .name"
    })
final class LsCommand extends PoolFileCommand {
  @Parameters(
      arity = "1..*",
      paramLabel = "POOL:/PATH",
      converter = PoolPath.Converter.class,
      description = "Directories and files.")
  private List<PoolPath> paths = List.of();

  @Option(
      names = {"-l", "-n"},
      description =
          "Mode, links, owner and group (as numbers, both with -n), size, time, name, and target.")
  private boolean isLong;

  @Option(
      names = {"-a", "-A"},
      description = "Names that begin with a dot, too.")
  private boolean all;

  @Option(names = "-1", description = "Nothing more: there is one name in a line.")
  void usual(boolean asked) {
    // It is done, whoever asks for it.
  }

  @Option(names = "-t", description = "The one that was changed last first.")
  private boolean byTime;

  @Option(names = "-S", description = "The largest first.")
  private boolean bySize;

  @Option(
      names = {"-r", "--reverse"},
      description = "The other way round.")
  private boolean reverse;

  @Option(names = "-R", description = "What is in directories in them, too.")
  private boolean recursive;

  @Option(names = "-d", description = "Directories themselves, and not what is in them.")
  private boolean self;

  @Option(names = "-i", description = "The number of each inode first.")
  private boolean inodes;

  @Option(
      names = {"-h", "--human-readable"},
      description = "Sizes as people say them.")
  private boolean human;

  LsCommand(StopSignal stop) {
    super(stop);
  }

  @Override
  public Integer call() throws Exception {
    Path pool = poolOf(paths);
    LsView.Order order =
        byTime ? LsView.Order.TIME : bySize ? LsView.Order.SIZE : LsView.Order.NAME;
    if (json() && (reverse || order != LsView.Order.NAME)) {
      throw new ParameterException(
          spec().commandLine(), "--json comes in the order of names: -t, -S and -r are for people");
    }
    Flags flags =
        new Flags()
            .with(Flag.LONG, isLong || json() || order != LsView.Order.NAME)
            .with(Flag.ALL, all)
            .with(Flag.RECURSIVE, recursive)
            .with(Flag.SELF, self);
    boolean titles = recursive || paths.size() > 1;
    LsView view =
        new LsView(
            console(),
            new LsView.Columns(isLong, inodes, human, titles, reverse || byTime || bySize),
            reverse ? order.comparator().reversed() : order.comparator(),
            InstantSource.system().instant(),
            ZoneId.systemDefault());
    int exit = askFiles(pool, new FileRequest.Ls(pathsOf(paths), flags.set()), view::show);
    view.end();
    return exit;
  }
}

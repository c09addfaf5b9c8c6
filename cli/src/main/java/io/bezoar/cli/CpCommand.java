package io.bezoar.cli;

import io.bezoar.cli.control.FileRequest;
import io.bezoar.cli.control.FileRequest.CopyWay;
import io.bezoar.cli.control.FileRequest.Flag;
import io.bezoar.cli.copy.RefusedCopyException;
import io.bezoar.media.MediaOpenException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.node.ObjectNode;

/** {@code bezoar cp}. */
@Command(
    name = "cp",
    description = {
      "Copy files into a pool, out of it, or within it. Keeps modes, owners (as far as you may give",
      "files away), times, symbolic and hard links, holes, and extended attributes user.*. Within a",
      "pool, copies share their bytes until one is changed, and take no time; what comes out of a",
      "snapshot is copied.",
      "A file that is there is replaced, as one step, when its copy is whole. Copies in a pool are",
      "durable when it says so. A file that cannot be copied is named, and the others are copied;",
      "so is one that would replace another that this command has just put there.",
      "Ctrl-C stops between two pieces of a file; that one is taken away again."
    },
    footer = {
      "",
      "Examples:",
      "  bezoar cp -r photos a.pool:/",
      "  bezoar cp -r a.pool:/photos /tmp/back",
      "  bezoar cp -r a.pool:/.snapshots/monday/photos a.pool:/photos-of-monday",
      "  bezoar cp a.txt b.txt a.pool:/folder"
    })
final class CpCommand extends PoolFileCommand {
  /** Names of what this process has open, which means something else to a server. */
  private static final Pattern STREAM =
      Pattern.compile("/dev/(std(in|out|err)|fd/.*)|/proc/(self|thread-self|\\d+)/fd/.*");

  @Parameters(
      arity = "2..*",
      paramLabel = "PATH",
      description =
          "Files, then a directory; or a file, then the name of its copy. POOL:/PATH is a file in a"
              + " pool, everything else one of this machine.")
  private List<String> paths = List.of();

  @Option(
      names = {"-r", "-R", "-a", "--recursive", "--archive"},
      description =
          "Directories, too, with all that is in them; symbolic links stay what they are.")
  private boolean recursive;

  @Option(
      names = {"-P", "-d", "--no-dereference"},
      description = "Symbolic links that are named, and not what they lead to; -r does so, too.")
  private boolean links;

  @Option(
      names = {"-p", "-f", "--preserve", "--force"},
      description = "Nothing more: what is there is replaced, and all that cp -a keeps is kept.")
  void usual(boolean asked) {
    // It is done, whoever asks for it.
  }

  @Option(
      names = {"-n", "--no-clobber"},
      description = "Replace nothing.")
  private boolean keep;

  @Option(
      names = {"-T", "--no-target-directory"},
      description = "The last PATH is the name of the copy, also when a directory is called so.")
  private boolean exact;

  @Option(
      names = {"-v", "--verbose"},
      description = "Say what is copied.")
  private boolean verbose;

  CpCommand(StopSignal stop) {
    super(stop);
  }

  @Override
  public Integer call() throws Exception {
    if (paths.size() < 2) {
      throw usage("say where to, too");
    }
    if (exact && paths.size() > 2) {
      throw usage("-T is for one file and the name of its copy");
    }
    List<PoolPath> inPool = new ArrayList<>();
    List<String> from = new ArrayList<>();
    int pooled = 0;
    for (String path : paths.subList(0, paths.size() - 1)) {
      Optional<PoolPath> stored = PoolPath.of(path);
      stored.ifPresent(inPool::add);
      pooled += stored.isPresent() ? 1 : 0;
      from.add(stored.isPresent() ? stored.get().path() : local(path));
    }
    Optional<PoolPath> into = PoolPath.of(paths.getLast());
    into.ifPresent(inPool::add);
    if (pooled != 0 && pooled != from.size()) {
      throw usage("copy from a pool or from this machine, not from both at once");
    }
    if (inPool.isEmpty()) {
      throw usage("none of these is in a pool: write POOL:/path");
    }
    for (PoolPath path : inPool) {
      requirePool(path);
    }
    CopyWay way = pooled == 0 ? CopyWay.IN : into.isPresent() ? CopyWay.WITHIN : CopyWay.OUT;
    String to = into.isPresent() ? into.get().path() : local(paths.getLast());
    try (CopyView view = CopyView.forPeople(this)) {
      boolean watched = json() || view.progress() != null;
      Flags flags =
          new Flags()
              .with(Flag.RECURSIVE, recursive)
              .with(Flag.LINKS, links)
              .with(Flag.KEEP, keep)
              .with(Flag.EXACT, exact)
              .with(Flag.VERBOSE, verbose)
              .with(Flag.MEASURE, watched);
      return askFiles(poolOf(inPool), new FileRequest.Cp(way, from, to, flags.set()), view::show);
    }
  }

  private static void requirePool(PoolPath path) throws MediaOpenException {
    if (!Files.exists(path.pool())) {
      throw new MediaOpenException(
          path.pool().toString(),
          MediaOpenException.Reason.MISSING,
          "there is no such pool; " + path.text() + " was taken for a file in it");
    }
  }

  /** An absolute path, by its text: what is at its end says something. */
  private static String local(String path) throws RefusedCopyException {
    if (STREAM.matcher(path).matches()) {
      throw RefusedCopyException.stream(path);
    }
    return path.startsWith("/") ? path : Path.of("").toAbsolutePath() + "/" + path;
  }

  private ParameterException usage(String message) {
    return new ParameterException(spec().commandLine(), message);
  }

  /** Shows a copy as it goes. */
  private record CopyView(CpCommand command, @Nullable ProgressView progress)
      implements AutoCloseable {
    static CopyView forPeople(CpCommand command) {
      boolean isSeen = Console.isInteractive() && !command.verbose;
      return new CopyView(command, isSeen ? new ProgressView(command.console(), "cp") : null);
    }

    void show(ObjectNode reply) {
      switch (reply.path("type").asString()) {
        case "progress" -> {
          if (progress != null) {
            progress.show(
                reply.path("bytes").asLong(),
                reply.path("total").path("bytes").asLong(),
                reply.path("files").asLong() + " files");
          }
        }
        case "copied" -> {
          close();
          command.console().line(result(reply));
        }
        default -> command.showDone(reply);
      }
    }

    private static String result(ObjectNode copied) {
      StringBuilder line = new StringBuilder();
      line.append(copied.path("complete").asBoolean() ? "copied " : "stopped; copied ");
      line.append(Sizes.count(copied.path("files").asLong(), "file", "files"));
      long directories = copied.path("directories").asLong();
      if (directories > 0) {
        line.append(", ").append(Sizes.count(directories, "directory", "directories"));
      }
      long links = copied.path("links").asLong();
      if (links > 0) {
        line.append(", ").append(Sizes.count(links, "symbolic link", "symbolic links"));
      }
      line.append(", ").append(Sizes.text(copied.path("bytes").asLong()));
      long failed = copied.path("failed").asLong();
      if (failed > 0) {
        line.append("; ").append(Sizes.count(failed, "problem", "problems"));
      }
      boolean any = copied.path("files").asLong() + directories + links > 0;
      return line.append(any && copied.path("durable").asBoolean() ? "; durable" : "").toString();
    }

    @Override
    public void close() {
      if (progress != null) {
        progress.close();
      }
    }
  }
}

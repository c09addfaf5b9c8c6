package io.bezoar.cli;

import io.bezoar.cli.control.Exit;
import io.bezoar.cli.control.Json;
import io.bezoar.cli.control.Problem;
import io.bezoar.guard.sidecar.Progress;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.databind.node.ObjectNode;

/** A command that does one thing to each of many files, and comes to the worst of its outcomes. */
abstract class SidecarCommand implements Callable<Integer>, FileCommand {
  /** Nobody wants to see a bar for less. */
  private static final long WORTH_SHOWING_BYTES = 256L << 20;

  /** From good to bad. */
  private static final List<Integer> RANKS =
      List.of(
          Exit.OK,
          Exit.REFUSED,
          Exit.CHANGED,
          Exit.DEGRADED,
          Exit.UNAVAILABLE,
          Exit.DAMAGED,
          Exit.INTERNAL);

  @Spec private CommandSpec spec;

  @Parameters(
      arity = "1..*",
      paramLabel = "FILE|DIR",
      description = "Files, or folders with all that is in them.")
  private List<Path> paths;

  @Option(names = "--json", description = "Print one JSON object per file.")
  private boolean json;

  private final StopSignal stop;
  private final AtomicLong finishedBytes = new AtomicLong();
  private long totalBytes;
  private @Nullable ProgressView bar;

  SidecarCommand(StopSignal stop) {
    this.stop = stop;
  }

  /** The files to work on. */
  abstract SidecarFiles files(List<Path> paths) throws IOException;

  /** Does it to one file and shows the outcome; the exit code. */
  abstract int one(Path file, Progress progress) throws IOException, InterruptedException;

  /** Shows what all came to, when there were several; the exit code, or {@link Exit#OK}. */
  abstract int end(SidecarFiles files);

  @Override
  public final Integer call() throws Exception {
    stop.handle();
    SidecarFiles files = files(paths);
    totalBytes = files.totalBytes();
    int worst = Exit.OK;
    for (IOException failure : files.unreadable()) {
      String name =
          failure instanceof FileSystemException named ? String.valueOf(named.getFile()) : "";
      worst = worse(worst, tell(name, failure));
    }
    try (ProgressView view = new ProgressView(new Console(spec), spec.name())) {
      bar = view;
      for (Path file : files.files()) {
        worst = worse(worst, oneOrProblem(file, new Watching(view, file)));
        finishedBytes.addAndGet(sizeOf(file));
      }
    } catch (InterruptedException stopped) {
      console().note("bezoar: stopped; nothing is half done, and the same command does the rest");
      return Exit.INTERRUPTED;
    }
    return worse(worst, end(files));
  }

  private int oneOrProblem(Path file, Progress progress) throws InterruptedException {
    try {
      return one(file, progress);
    } catch (IOException e) {
      return tell(file.toString(), e);
    }
  }

  private int tell(String file, IOException failure) {
    Problem problem = Problem.ofFile(failure);
    if (json) {
      showJson(
          Json.object()
              .put("type", "error")
              .put("file", file)
              .put("what", problem.what())
              .put("advice", problem.advice())
              .put("exit", problem.exitCode()));
    } else {
      console().note("bezoar: " + problem.what());
      if (!problem.advice().isEmpty()) {
        console().note("  " + problem.advice());
      }
    }
    return problem.exitCode();
  }

  private static long sizeOf(Path file) {
    return file.toFile().length();
  }

  static int worse(int a, int b) {
    return RANKS.indexOf(a) >= RANKS.indexOf(b) ? a : b;
  }

  /** Where the answer goes; a bar that is in the way is taken away first. */
  final Console console() {
    ProgressView shown = bar;
    if (shown != null) {
      shown.close();
    }
    return new Console(spec);
  }

  final boolean json() {
    return json;
  }

  final void showJson(ObjectNode object) {
    console().line(Json.line(object));
  }

  /** Progress of one file as progress of all. Called by several threads. */
  private final class Watching implements Progress {
    private final ProgressView view;
    private final Path file;

    Watching(ProgressView view, Path file) {
      this.view = view;
      this.file = file;
    }

    @Override
    public synchronized void advanced(long doneBytes, long fileBytes) {
      if (!json && totalBytes >= WORTH_SHOWING_BYTES) {
        // Parity is read besides: the file's own bytes stand for all.
        double part = fileBytes == 0 ? 1 : doneBytes / (double) fileBytes;
        long done = finishedBytes.get() + (long) (part * sizeOf(file));
        view.show(Math.min(done, totalBytes), totalBytes, String.valueOf(file.getFileName()));
      }
    }

    @Override
    public boolean isCancelled() {
      return stop.isRequested();
    }
  }
}

package io.bezoar.cli.control;

import io.bezoar.cli.control.FileRequest.Flag;
import io.bezoar.cli.copy.Copier;
import io.bezoar.cli.copy.CopyCounts;
import io.bezoar.cli.copy.CopyListener;
import io.bezoar.fs.Filesystem;
import io.bezoar.media.MediaOpenException;
import io.bezoar.pool.DeviceEntry;
import io.bezoar.pool.Pool;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/** Operations on the files in an open pool. */
final class FileOperations {
  private static final long PROGRESS_EVERY_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

  private final Pool pool;
  private final @Nullable Served served;

  FileOperations(Pool pool, @Nullable Served served) {
    this.pool = pool;
    this.served = served;
  }

  int run(FileRequest request, Replies replies) throws IOException {
    Filesystem files = pool.filesystem();
    Served how = served;
    if (request.changes() && how != null && how.mode() == Served.Mode.READ_ONLY) {
      throw new MediaOpenException(
          pool.path().toString(),
          MediaOpenException.Reason.REFUSED,
          "it is served read-only: nothing in it can be changed");
    }
    if (how == null) {
      // It was opened for this: nobody else is there to be told.
      files.notes().forEach(note -> replies.send(FileJson.note(note)));
    }
    FileLooks looks = new FileLooks(files, replies);
    FileChanges changes = new FileChanges(files, replies);
    return switch (request) {
      case FileRequest.Ls r -> looks.ls(r);
      case FileRequest.Stat r -> looks.stat(r);
      case FileRequest.Cat r -> looks.cat(r);
      case FileRequest.Df _ -> looks.df(pool.path().toString());
      case FileRequest.Du r -> looks.du(r);
      case FileRequest.Mkdir r -> changes.mkdir(r);
      case FileRequest.Rmdir r -> changes.rmdir(r);
      case FileRequest.Rm r -> changes.rm(r);
      case FileRequest.Mv r -> changes.mv(r);
      case FileRequest.Ln r -> changes.ln(r);
      case FileRequest.Cp r -> copy(r, files, replies);
      case FileRequest.SnapshotCreate r -> changes.snapshot(r.name());
      case FileRequest.SnapshotList _ -> looks.snapshots();
      case FileRequest.SnapshotDelete r -> changes.deleteSnapshot(r.name());
      case FileRequest.Owners r -> looks.owners(r.range(), pool.path().toString());
      case FileRequest.Check _ -> looks.check();
    };
  }

  private List<Path> devices() {
    return pool.label().config().devices().stream()
        .map(DeviceEntry::path)
        .filter(path -> !path.isEmpty())
        .map(Path::of)
        .toList();
  }

  private int copy(FileRequest.Cp request, Filesystem files, Replies replies) throws IOException {
    FileTally tally = new FileTally(replies);
    Copier copier =
        Copier.of(
            switch (request.way()) {
              case IN -> Copier.Way.IN;
              case OUT -> Copier.Way.OUT;
              case WITHIN -> Copier.Way.WITHIN;
            },
            files,
            devices(),
            rules(request.flags()),
            new Listener(request.flags(), replies, tally));
    if (request.flags().contains(Flag.MEASURE)) {
      copier.measure(request.paths());
    }
    Copier.Result result = copier.copy(request.paths(), request.to());
    ObjectNode json = Json.object().put("type", "copied");
    putCounts(json, result.copied());
    replies.send(
        json.put("complete", result.end() == Copier.End.COMPLETE)
            .put("durable", result.durable())
            .put("failed", tally.count()));
    return tally.exit();
  }

  private static Set<Copier.Rule> rules(Set<Flag> flags) {
    Set<Copier.Rule> rules = EnumSet.noneOf(Copier.Rule.class);
    for (Flag flag : flags) {
      switch (flag) {
        case RECURSIVE -> rules.add(Copier.Rule.TREES);
        case LINKS -> rules.add(Copier.Rule.LINKS);
        case KEEP -> rules.add(Copier.Rule.KEEP);
        case EXACT -> rules.add(Copier.Rule.EXACT);
        default -> {}
      }
    }
    return rules;
  }

  private static void putCounts(ObjectNode json, CopyCounts counts) {
    json.put("files", counts.files())
        .put("directories", counts.directories())
        .put("links", counts.links())
        .put("bytes", counts.bytes());
  }

  /** Tells how a copy goes, as often as somebody can read it. */
  private static final class Listener implements CopyListener {
    private final Set<Flag> flags;
    private final Replies replies;
    private final FileTally tally;
    private long nextNanos = System.nanoTime() + PROGRESS_EVERY_NANOS;

    Listener(Set<Flag> flags, Replies replies, FileTally tally) {
      this.flags = flags;
      this.replies = replies;
      this.tally = tally;
    }

    @Override
    public void failed(String path, IOException why) {
      Problem problem = Problem.of(why);
      // What is said of an attribute, a name or a device does not always say of which file.
      boolean says = why instanceof FileSystemException about && isPath(about.getFile());
      String what = says ? problem.what() : path + ": " + problem.what();
      tally.tell(new Problem(what, problem.advice(), problem.exitCode()));
    }

    @Override
    public void copied(String from, String to) {
      if (flags.contains(Flag.VERBOSE)) {
        replies.send(FileJson.done("copied", from, to));
      }
    }

    private static boolean isPath(@Nullable String file) {
      return file != null && file.startsWith("/");
    }

    @Override
    public void progress(CopyCounts done, CopyCounts total, String path) {
      long now = System.nanoTime();
      if (now - nextNanos < 0 || total.equals(CopyCounts.NONE)) {
        return;
      }
      nextNanos = now + PROGRESS_EVERY_NANOS;
      ObjectNode json = Json.object().put("type", "progress").put("path", path);
      putCounts(json, done);
      putCounts(json.putObject("total"), total);
      replies.send(json);
    }

    @Override
    public boolean stopRequested() {
      return replies.gone();
    }
  }
}

package io.bezoar.cli;

import io.bezoar.cli.control.FileRequest;
import java.nio.file.Path;
import java.time.temporal.ChronoUnit;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code bezoar snapshot}. */
@Command(
    name = "snapshot",
    description = {
      "Keep everything in a pool as it is at one moment, under /.snapshots/NAME. Takes no time and",
      "no space of its own; what is changed or deleted later keeps its space until all snapshots",
      "that have it are deleted."
    },
    synopsisSubcommandLabel = "COMMAND")
final class SnapshotCommand implements Runnable {
  @Spec private CommandSpec spec;

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "Missing: create, list or delete");
  }

  /** What all of them have: the pool. */
  abstract static class OfPool extends PoolFileCommand {
    @Parameters(
        index = "0",
        paramLabel = "POOL",
        converter = PoolName.class,
        description = "Of it.")
    private Path pool = Path.of("");

    OfPool(StopSignal stop) {
      super(stop);
    }

    final Path pool() {
      return pool;
    }
  }

  /** {@code bezoar snapshot create}. */
  @Command(
      name = "create",
      description = "Make a snapshot. Durable when it returns.",
      footer = {"", "Example:", "  bezoar snapshot create a.pool monday"})
  static final class Create extends OfPool {
    @Parameters(index = "1", paramLabel = "NAME", description = "What to call it.")
    private String name = "";

    Create(StopSignal stop) {
      super(stop);
    }

    @Override
    public Integer call() throws Exception {
      return askFiles(
          pool(),
          new FileRequest.SnapshotCreate(name),
          reply ->
              console()
                  .line(
                      "%s: snapshot %s\n  look      bezoar ls %s"
                          .formatted(
                              pool(), name, Shell.quote(pool() + ":/.snapshots/" + name + "/"))));
    }
  }

  /** {@code bezoar snapshot list}. */
  @Command(
      name = "list",
      description = "Show snapshots, oldest first.",
      footer = {"", "Example:", "  bezoar snapshot list a.pool"})
  static final class ListAll extends OfPool {
    ListAll(StopSignal stop) {
      super(stop);
    }

    @Override
    public Integer call() throws Exception {
      return askFiles(
          pool(),
          new FileRequest.SnapshotList(),
          reply ->
              console()
                  .line(
                      "%s  %s"
                          .formatted(
                              LsView.instant(reply.path("created").asLong())
                                  .truncatedTo(ChronoUnit.SECONDS),
                              LsView.printable(reply.path("name").asString()))));
    }
  }

  /** {@code bezoar snapshot delete}. */
  @Command(
      name = "delete",
      description = {
        "Give a snapshot up. It is gone when this returns; the space that only it had comes back in",
        "the background."
      },
      footer = {"", "Example:", "  bezoar snapshot delete a.pool monday"})
  static final class Delete extends OfPool {
    @Parameters(index = "1", paramLabel = "NAME", description = "Which one.")
    private String name = "";

    Delete(StopSignal stop) {
      super(stop);
    }

    @Override
    public Integer call() throws Exception {
      return askFiles(pool(), new FileRequest.SnapshotDelete(name), reply -> {});
    }
  }
}

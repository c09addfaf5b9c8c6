package io.bezoar.cli;

import io.bezoar.cli.control.Exit;
import io.bezoar.cli.control.Served;
import io.bezoar.media.Allocation;
import io.bezoar.media.MediaChoice;
import io.bezoar.pool.PoolLabel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code bezoar serve}. */
@Command(
    name = "serve",
    description = {
      "Serve a pool as a block volume over NBD on the unix socket POOL.nbd, and heal it live.",
      "A pool that holds files (create --fs) is served to the commands on files: ls, cp, ...",
      "Without POOL: serves bezoar.pool in the current folder, and makes it (1 GiB) if there is",
      "none. A POOL that is named and missing is only made with --create, so that a missing mount",
      "does not become a fresh, empty pool. Ctrl-C or SIGTERM stop in order: everything written is",
      "durable, exit code 0."
    },
    footer = {
      "",
      "Examples:",
      "  bezoar serve",
      "  bezoar serve /data/a.pool --create --size 10G",
      "  bezoar serve a.pool --read-only",
      "  bezoar serve a.img --search /mnt/other"
    })
final class ServeCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  private final StopSignal stop;

  @Parameters(
      arity = "0..1",
      paramLabel = "POOL",
      description =
          "The pool: its file, or any one of its devices; "
              + PoolArgument.DEFAULT
              + " if it is left out.")
  private @Nullable Path path;

  @Mixin private PoolWay devices;

  @Mixin private PreferOption prefer;

  @Option(names = "--create", description = "Make the pool if there is none.")
  private boolean create;

  @Option(
      names = "--size",
      paramLabel = "SIZE",
      converter = Sizes.class,
      defaultValue = "1G",
      description = "Size of a pool that is made. Default: ${DEFAULT-VALUE}.")
  private long sizeBytes;

  @Option(
      names = "--parity",
      paramLabel = "N",
      converter = Parity.Converter.class,
      description = "Redundancy of a pool that is made, see create. Default: 32.")
  private Parity parity = Parity.DEFAULT;

  @Option(
      names = "--read-only",
      description = "Clients may not write. The pool is healed all the same if its file allows it.")
  private boolean readOnly;

  @Option(
      names = "--media",
      paramLabel = "WAY",
      description =
          "How to reach the bytes: ${COMPLETION-CANDIDATES}. Default: what the path suggests.")
  private @Nullable Way media;

  /** Ways as they are typed. */
  enum Way {
    mapped,
    channel
  }

  ServeCommand(StopSignal stop) {
    this.stop = stop;
  }

  @Override
  public Integer call() throws Exception {
    Path named = path;
    Path pool = named == null ? Path.of(PoolArgument.DEFAULT) : named;
    Way way = media;
    MediaChoice choice =
        way == null ? MediaChoice.AUTO : MediaChoice.valueOf(way.name().toUpperCase(Locale.ROOT));
    Console console = new Console(spec);
    stop.handle();
    boolean mayMake = create || named == null;
    if (mayMake && !readOnly && !Files.exists(pool, LinkOption.NOFOLLOW_LINKS)) {
      NewPool.make(
          pool, sizeBytes, parity, Allocation.PREALLOCATED, PoolLabel.Drill.FORBIDDEN, choice);
      console.line("%s: created, %s".formatted(pool, Sizes.text(sizeBytes)));
    }
    Served.Mode mode = readOnly ? Served.Mode.READ_ONLY : Served.Mode.READ_WRITE;
    try (Server server = Server.start(devices.preferring(pool, prefer.device()), mode, choice)) {
      server.greeting().forEach(console::line);
      stop.await();
      console.line("stopping ...");
    }
    console.line("stopped; everything written is durable");
    return Exit.OK;
  }
}

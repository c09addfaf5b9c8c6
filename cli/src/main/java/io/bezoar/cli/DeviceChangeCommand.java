package io.bezoar.cli;

import io.bezoar.cli.control.PoolAccess;
import io.bezoar.cli.control.PoolRef;
import io.bezoar.cli.control.Request;
import io.bezoar.cli.control.Request.DeviceChange;
import io.bezoar.media.MediaOpenException;
import io.bezoar.pool.NewDevice;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;

/** A command that changes the devices of a pool, and shows what follows from it. */
abstract class DeviceChangeCommand extends PoolCommand {
  @Parameters(index = "0", paramLabel = "POOL", description = "Any one of the pool's devices.")
  private Path pool = Path.of("");

  @Mixin private PoolWay way;

  @Option(names = "--json", description = "Print what happens as JSON, one object per line.")
  private boolean json;

  DeviceChangeCommand(StopSignal stop) {
    super(stop);
  }

  final Path pool() {
    return pool;
  }

  final PoolWay way() {
    return way;
  }

  /** What to ask for. */
  abstract DeviceChange change() throws MediaOpenException;

  /** The pool, as this command looks for it. */
  PoolRef ref() {
    return way.of(pool);
  }

  @Override
  public Integer call() throws Exception {
    try (DeviceProgressView view = new DeviceProgressView(console(), pool.toString(), json)) {
      return ask(ref(), change(), view::show);
    }
  }

  /** The device of this name, as it is sent. */
  final String sent(String said) {
    if (said.isBlank()) {
      throw new ParameterException(spec().commandLine(), "no DEVICE is called '" + said + "'");
    }
    return String.valueOf(DeviceName.sent(said, pool));
  }

  /** Whether to look on. */
  static final class WaitOption {
    @Option(
        names = "--no-wait",
        description =
            "End at once. What has to be copied is copied while the pool is open: served, or"
                + " followed with: device wait.")
    private boolean atOnce;

    Request.Wait waiting() {
      return atOnce ? Request.Wait.FOR_NOTHING : Request.Wait.UNTIL_IN_SYNC;
    }
  }

  /** {@code bezoar device attach}. */
  @Command(
      name = "attach",
      description = {
        "Make a device that holds the same as DEVICE: one device becomes a mirror, a mirror gets one",
        "copy more. The pool is used meanwhile. Waits until the copy is made; Ctrl-C ends the",
        "waiting, and the copying goes on while the pool is served."
      },
      footer = {
        "",
        "Examples:",
        "  bezoar device attach a.img 0 b.img",
        "  bezoar device attach a.img a.img /disk2/b.img --no-wait"
      })
  static final class Attach extends DeviceChangeCommand {
    @Parameters(index = "1", paramLabel = "DEVICE", description = "What to copy.")
    private String device = "";

    @Parameters(index = "2", paramLabel = "NEW", description = "The file to make.")
    private Path made = Path.of("");

    @Mixin private NewDeviceOptions options;
    @Mixin private WaitOption wait;

    Attach(StopSignal stop) {
      super(stop);
    }

    @Override
    DeviceChange change() {
      return new DeviceChange.Attach(sent(device), options.at(made), wait.waiting());
    }
  }

  /** {@code bezoar device detach}. */
  @Command(
      name = "detach",
      description = {
        "Take a copy out of its mirror, or a spare out of the pool. Refused where nothing else holds",
        "the same. The file stays, and is no pool's any more."
      },
      footer = {"", "Example:", "  bezoar device detach a.img 1"})
  static final class Detach extends DeviceChangeCommand {
    @Parameters(index = "1", paramLabel = "DEVICE", description = "Which one.")
    private String device = "";

    Detach(StopSignal stop) {
      super(stop);
    }

    @Override
    DeviceChange change() {
      return new DeviceChange.Detach(sent(device));
    }
  }

  /** {@code bezoar device offline}. */
  @Command(
      name = "offline",
      description = {
        "Say that a device is going to be taken away for a while: everything on it is made durable,",
        "and the pool goes on without it. What it misses is noted, and copied when it is back."
      },
      footer = {"", "Example:", "  bezoar device offline a.img 1"})
  static final class Offline extends DeviceChangeCommand {
    @Parameters(index = "1", paramLabel = "DEVICE", description = "Which one.")
    private String device = "";

    Offline(StopSignal stop) {
      super(stop);
    }

    @Override
    DeviceChange change() {
      return new DeviceChange.Offline(sent(device));
    }
  }

  /** {@code bezoar device online}. */
  @Command(
      name = "online",
      description = {
        "Take a device back that was away. What it missed is copied; nothing of it is used before.",
        "A stale or a foreign one is refused, and nothing of it is changed."
      },
      footer = {
        "",
        "Examples:",
        "  bezoar device online a.img 1",
        "  bezoar device online a.img 1 --at /mnt/other/b.img",
        "  bezoar device online a.img 1 --prefer 0"
      })
  static final class Online extends DeviceChangeCommand {
    @Parameters(index = "1", paramLabel = "DEVICE", description = "Which one.")
    private String device = "";

    @Option(
        names = "--at",
        paramLabel = "PATH",
        description = "Where it lies now. Default: where it was.")
    private @Nullable Path at;

    @Mixin private PreferOption prefer;
    @Mixin private WaitOption wait;

    Online(StopSignal stop) {
      super(stop);
    }

    @Override
    PoolRef ref() {
      PoolRef ref = way().preferring(pool(), prefer.device());
      Path there = at;
      if (there == null) {
        return ref;
      }
      // Opening the pool finds it there.
      List<Path> folders = new ArrayList<>(ref.searchIn());
      Path folder = there.toAbsolutePath().normalize().getParent();
      if (folder != null) {
        folders.add(folder);
      }
      return new PoolRef(ref.path(), ref.missing(), folders, ref.prefer());
    }

    @Override
    DeviceChange change() throws MediaOpenException {
      Path there = at;
      return new DeviceChange.Online(
          sent(device), there == null ? null : existing(there), wait.waiting());
    }

    private static Path existing(Path path) throws MediaOpenException {
      if (!Files.exists(path)) {
        throw new MediaOpenException(
            path.toString(), MediaOpenException.Reason.MISSING, "there is no such file");
      }
      return PoolAccess.realPath(path);
    }
  }

  /** {@code bezoar device replace}. */
  @Command(
      name = "replace",
      description = {
        "Put another device in the place of one, missing or not: a new one, or a spare when none is",
        "named. The old one leaves the pool when the new one holds everything."
      },
      footer = {
        "",
        "Examples:",
        "  bezoar device replace a.img 1 /disk3/c.img",
        "  bezoar device replace a.img 1            (takes a spare)"
      })
  static final class Replace extends DeviceChangeCommand {
    @Parameters(index = "1", paramLabel = "OLD", description = "Which one.")
    private String device = "";

    @Parameters(
        index = "2",
        arity = "0..1",
        paramLabel = "NEW",
        description = "The file to make; a spare if it is left out.")
    private @Nullable Path made;

    @Mixin private NewDeviceOptions options;
    @Mixin private WaitOption wait;

    Replace(StopSignal stop) {
      super(stop);
    }

    @Override
    DeviceChange change() {
      return new DeviceChange.Replace(sent(device), made(made, options, "NEW"), wait.waiting());
    }
  }

  /** {@code bezoar device evacuate}. */
  @Command(
      name = "evacuate",
      description = {
        "Move everything off a failing device before it leaves the pool: to a new one, or to a spare",
        "when none is named; to none when other copies hold it all. It serves until then."
      },
      footer = {"", "Example:", "  bezoar device evacuate a.img 1 --to /disk3/c.img"})
  static final class Evacuate extends DeviceChangeCommand {
    @Parameters(index = "1", paramLabel = "DEVICE", description = "Which one.")
    private String device = "";

    @Option(names = "--to", paramLabel = "NEW", description = "The file to make.")
    private @Nullable Path made;

    @Mixin private NewDeviceOptions options;
    @Mixin private WaitOption wait;

    Evacuate(StopSignal stop) {
      super(stop);
    }

    @Override
    DeviceChange change() {
      return new DeviceChange.Evacuate(sent(device), made(made, options, "--to"), wait.waiting());
    }
  }

  /** {@code bezoar device spare}. */
  @Command(
      name = "spare",
      description = {
        "Make a device that waits to take the place of the first one of a mirror that goes away."
      },
      footer = {"", "Example:", "  bezoar device spare a.img /disk3/s.img"})
  static final class Spare extends DeviceChangeCommand {
    @Parameters(index = "1", paramLabel = "NEW", description = "The file to make.")
    private Path made = Path.of("");

    @Mixin private NewDeviceOptions options;

    Spare(StopSignal stop) {
      super(stop);
    }

    @Override
    DeviceChange change() {
      return new DeviceChange.Spare(options.at(made));
    }
  }

  final @Nullable NewDevice made(@Nullable Path path, NewDeviceOptions options, String missing) {
    if (path == null && options.isUsed()) {
      throw new ParameterException(
          spec().commandLine(),
          "--size, --parity and --sparse say how to make a new device: name " + missing);
    }
    return path == null ? null : options.at(path);
  }
}

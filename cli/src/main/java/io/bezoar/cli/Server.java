package io.bezoar.cli;

import io.bezoar.cli.control.ControlServer;
import io.bezoar.cli.control.Operations;
import io.bezoar.cli.control.PoolAccess;
import io.bezoar.cli.control.PoolRef;
import io.bezoar.cli.control.Served;
import io.bezoar.cli.control.StackWords;
import io.bezoar.media.ByteRange;
import io.bezoar.media.MediaChoice;
import io.bezoar.media.MediaInfo;
import io.bezoar.media.MediaOpenException;
import io.bezoar.media.MediaOpenException.Reason;
import io.bezoar.nbd.NbdExport;
import io.bezoar.nbd.NbdOptions;
import io.bezoar.nbd.NbdServer;
import io.bezoar.nbd.RangeHealth;
import io.bezoar.pool.Pool;
import io.bezoar.pool.PoolLabel;
import io.bezoar.pool.PoolOptions;
import io.bezoar.pool.PoolStatus;
import io.bezoar.pool.RangeState;
import io.bezoar.pool.StackStatus;
import java.io.IOException;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * A pool, its block volume if it holds one, and its control socket, up and running.
 *
 * <p>Order: the pool first, because its lock is what allows the sockets to be replaced; down in
 * reverse, so that the last write of a client is durable before the label says CLEAN.
 */
final class Server implements AutoCloseable {
  private final Pool pool;
  // Null for a pool that holds files: writing to its volume would break its filesystem.
  private final @Nullable NbdServer nbd;
  private final ControlServer control;

  private Server(Pool pool, @Nullable NbdServer nbd, ControlServer control) {
    this.pool = pool;
    this.nbd = nbd;
    this.control = control;
  }

  static Server start(PoolRef ref, Served.Mode mode, MediaChoice choice)
      throws IOException, InterruptedException {
    ForegroundLoad load = new ForegroundLoad();
    Pool pool = open(ref, mode, choice, load);
    try {
      @Nullable NbdServer nbd = null;
      if (pool.label().content() == PoolLabel.Content.RAW) {
        nbd = startNbd(pool, mode);
        load.watch(nbd);
      }
      try {
        String socket = nbd == null ? null : nbd.socket().toString();
        Served served = new Served(socket, mode, ProcessHandle.current().pid());
        ControlServer control =
            ControlServer.start(
                PoolAccess.controlSocket(ref.path()),
                new Operations(pool, served),
                ControlServer.REQUEST_TIME);
        return new Server(pool, nbd, control);
      } catch (IOException | RuntimeException e) {
        if (nbd != null) {
          closeAfter(e, nbd);
        }
        throw e;
      }
    } catch (IOException | RuntimeException e) {
      closeAfter(e, pool);
      throw e;
    }
  }

  private static Pool open(PoolRef ref, Served.Mode mode, MediaChoice choice, ForegroundLoad load)
      throws IOException, InterruptedException {
    InstantSource clock = InstantSource.system();
    try {
      PoolOptions options = PoolOptions.of(PoolOptions.Intent.WORK, choice, clock, load);
      return PoolAccess.awaitLock(ref.path(), () -> Pool.open(ref.path(), ref.options(options)));
    } catch (MediaOpenException e) {
      boolean notWritable = e.openReason() == Reason.READ_ONLY || e.openReason() == Reason.DENIED;
      if (mode == Served.Mode.READ_ONLY && notWritable) {
        PoolOptions options = PoolOptions.of(PoolOptions.Intent.LOOK, choice, clock, load);
        return Pool.open(ref.path(), ref.options(options));
      }
      throw e;
    }
  }

  private static NbdServer startNbd(Pool pool, Served.Mode mode) throws IOException {
    NbdExport export =
        new NbdExport(
            "",
            "bezoar volume " + pool.path().getFileName(),
            pool.volume(),
            switch (mode) {
              case READ_WRITE -> NbdExport.Mode.READ_WRITE;
              case READ_ONLY -> NbdExport.Mode.READ_ONLY;
            },
            range -> health(pool, range));
    return NbdServer.start(PoolAccess.nbdSocket(pool.path()), export, NbdOptions.defaults());
  }

  private static List<RangeHealth.Run> health(Pool pool, ByteRange range) {
    List<RangeHealth.Run> runs = new ArrayList<>();
    for (RangeState state : pool.unhealthy(range)) {
      int flags =
          switch (state.state()) {
            case REPAIRED -> RangeHealth.REPAIRED;
            case DEGRADED -> RangeHealth.DEGRADED;
            case LOST -> RangeHealth.LOST;
          };
      runs.add(new RangeHealth.Run(state.range(), flags));
    }
    return runs;
  }

  private static void closeAfter(Exception failure, AutoCloseable started) {
    try {
      started.close();
    } catch (Exception e) {
      failure.addSuppressed(e);
    }
  }

  private static String madeOf(PoolStatus status) {
    List<StackStatus.Device> devices = status.devices();
    MediaInfo media = devices.getFirst().media();
    return devices.size() > 1 || media == null
        ? StackWords.of(status.stack())
        : "redundancy %s, on %s"
            .formatted(
                devices.getFirst().entry().redundancy(),
                media.kind().name().toLowerCase(Locale.ROOT).replace('_', ' '));
  }

  /** What to tell the user: what is served, and what to type next. */
  List<String> greeting() {
    PoolStatus status = pool.status();
    String quoted = Shell.quote(pool.path().toString());
    List<String> lines = new ArrayList<>();
    lines.add(
        "%s: %s, %s, %s"
            .formatted(
                pool.path(),
                status.condition().name().toLowerCase(Locale.ROOT),
                Sizes.text(status.volumeBytes()),
                madeOf(status)));
    status.fileNotes().forEach(note -> lines.add("  NOTE: " + note));
    NbdServer volume = nbd;
    if (volume == null) {
      addFiles(lines, status);
    } else {
      addVolume(lines, volume);
    }
    lines.add("  health      bezoar status " + quoted);
    lines.add("  history     bezoar events " + quoted + " --follow");
    return lines;
  }

  private static void addVolume(List<String> lines, NbdServer volume) {
    String uri = Shell.quote(volume.uri());
    lines.addAll(
        List.of(
            "serving at " + volume.socket() + ", healing live; Ctrl-C stops",
            "",
            "what to type next, in another terminal:",
            "  look        nbdinfo " + uri,
            "  copy in     nbdcopy disk.img " + uri,
            "  copy out    nbdcopy " + uri + " copy.img",
            "  or          qemu-img convert -n -f raw -O raw disk.img " + uri,
            "  what is bad nbdinfo --map=bezoar:poison " + uri));
  }

  private void addFiles(List<String> lines, PoolStatus status) {
    String trouble = status.filesTrouble();
    if (!trouble.isEmpty()) {
      lines.add("its files cannot be used: " + trouble);
    }
    String root = Shell.quote(pool.path() + ":/");
    lines.addAll(
        List.of(
            "serving files at " + control.socket() + ", healing live; Ctrl-C stops",
            "",
            "what to type next, in another terminal:",
            "  look        bezoar ls -l " + root,
            "  copy in     bezoar cp -r FOLDER " + root,
            "  copy out    bezoar cp -r " + root + " FOLDER",
            "  snapshot    bezoar snapshot create "
                + Shell.quote(pool.path().toString())
                + " NAME"));
  }

  /** Where the volume is served; a pool that holds files serves none. */
  NbdServer nbd() {
    NbdServer volume = nbd;
    if (volume == null) {
      throw new IllegalStateException(pool.path() + " holds files");
    }
    return volume;
  }

  @Override
  public void close() throws IOException {
    try (pool) {
      try (control) {
        if (nbd != null) {
          nbd.close();
        }
      }
    }
  }
}

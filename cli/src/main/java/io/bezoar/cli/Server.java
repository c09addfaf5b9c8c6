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
import io.bezoar.pool.PoolOptions;
import io.bezoar.pool.PoolStatus;
import io.bezoar.pool.RangeState;
import io.bezoar.pool.StackStatus;
import java.io.IOException;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * A pool, its block volume and its control socket, up and running.
 *
 * <p>Order: the pool first, because its lock is what allows the sockets to be replaced; down in
 * reverse, so that the last write of a client is durable before the label says CLEAN.
 */
final class Server implements AutoCloseable {
  private final Pool pool;
  private final NbdServer nbd;
  private final ControlServer control;

  private Server(Pool pool, NbdServer nbd, ControlServer control) {
    this.pool = pool;
    this.nbd = nbd;
    this.control = control;
  }

  static Server start(PoolRef ref, Served.Mode mode, MediaChoice choice)
      throws IOException, InterruptedException {
    ForegroundLoad load = new ForegroundLoad();
    Pool pool = open(ref, mode, choice, load);
    try {
      NbdServer nbd = startNbd(pool, mode);
      load.watch(nbd);
      try {
        Served served = new Served(nbd.socket().toString(), mode, ProcessHandle.current().pid());
        ControlServer control =
            ControlServer.start(
                PoolAccess.controlSocket(ref.path()),
                new Operations(pool, served),
                ControlServer.REQUEST_TIME);
        return new Server(pool, nbd, control);
      } catch (IOException | RuntimeException e) {
        closeAfter(e, nbd);
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
    String uri = Shell.quote(nbd.uri());
    String quoted = Shell.quote(pool.path().toString());
    return List.of(
        "%s: %s, %s, %s"
            .formatted(
                pool.path(),
                status.condition().name().toLowerCase(Locale.ROOT),
                Sizes.text(status.volumeBytes()),
                madeOf(status)),
        "serving at " + nbd.socket() + ", healing live; Ctrl-C stops",
        "",
        "what to type next, in another terminal:",
        "  look        nbdinfo " + uri,
        "  copy in     nbdcopy disk.img " + uri,
        "  copy out    nbdcopy " + uri + " copy.img",
        "  or          qemu-img convert -n -f raw -O raw disk.img " + uri,
        "  what is bad nbdinfo --map=bezoar:poison " + uri,
        "  health      bezoar status " + quoted,
        "  history     bezoar events " + quoted + " --follow");
  }

  NbdServer nbd() {
    return nbd;
  }

  @Override
  public void close() throws IOException {
    try (pool) {
      try (control) {
        nbd.close();
      }
    }
  }
}

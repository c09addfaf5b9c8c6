package io.bezoar.bench;

import io.bezoar.dax.DaxDevice;
import io.bezoar.media.Allocation;
import io.bezoar.nbd.NbdExport;
import io.bezoar.nbd.NbdOptions;
import io.bezoar.nbd.NbdServer;
import io.bezoar.pool.Pool;
import io.bezoar.pool.PoolLabel;
import io.bezoar.pool.PoolOptions;
import io.bezoar.pool.PoolSpec;
import io.bezoar.pool.Redundancy;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Row 15: a protected volume over NBD on a unix socket, beside {@code nbdkit file} on a plain file
 * of the same kind: the same clients, in turn.
 */
final class ServedRow implements Row {
  /** A socket's name has at most 107 bytes, so it cannot stand just anywhere. */
  private static final Path SOCKETS = Path.of(System.getProperty("java.io.tmpdir"));

  private static final int TERSE_READ_IOPS = 7;
  private static final Goal GOAL = new Goal.RatioAtLeast(1);

  /** What protects the bytes that are served needs room, too. */
  private static final double POOL_FACTOR = 1.06;

  @Override
  public int number() {
    return 15;
  }

  @Override
  public String title() {
    return "NBD over a unix socket";
  }

  @Override
  public long roomBytes(Scale scale) {
    return scale.poolBytes + poolBytes(scale) + scale.servedBytes;
  }

  private static long poolBytes(Scale scale) {
    return (long) (scale.servedBytes * POOL_FACTOR) >> 12 << 12;
  }

  @Override
  public void measure(Site site, Report report) throws IOException, InterruptedException {
    Optional<String> missing =
        Stream.of(Tool.FIO, Tool.NBDCOPY, Tool.NBDKIT)
            .map(Tool::missing)
            .flatMap(Optional::stream)
            .findFirst();
    if (missing.isPresent()) {
      report.skipped(title(), missing.get());
      return;
    }
    site.close();
    Path folder = site.cleanup().newFolder(SOCKETS);
    Scale scale = site.scale();
    Path path = site.newFile("served");
    PoolSpec spec =
        new PoolSpec(
            poolBytes(scale),
            Redundancy.DEFAULT,
            Allocation.PREALLOCATED,
            PoolLabel.Drill.FORBIDDEN);
    PoolOptions options = PoolOptions.of(PoolOptions.Intent.WORK);
    Pool.create(path, spec, options);
    try (Pool pool = Pool.open(path, options)) {
      Volume.fill(pool.volume());
      Path plainPath = site.newFile("plain");
      PlainFile.create(plainPath, scale.servedBytes).close();
      try (NbdServer server = serve(pool.volume(), folder);
          Peer peer = Peer.start(site.cleanup(), folder, plainPath)) {
        Client client = new Client(site, folder.resolve("output"));
        measureFio(client, report, server.uri(), peer.uri(), 1);
        measureFio(client, report, server.uri(), peer.uri(), 32);
        measureCopy(client, report, server.uri(), pool.volume().sizeBytes(), peer.uri());
      }
      Files.delete(plainPath);
    }
  }

  private static NbdServer serve(DaxDevice volume, Path folder) throws IOException {
    NbdExport export =
        new NbdExport("", "bench", volume, NbdExport.Mode.READ_WRITE, _ -> List.of());
    return NbdServer.start(folder.resolve("ours"), export, NbdOptions.defaults());
  }

  private static void measureFio(Client client, Report report, String ours, String peers, int depth)
      throws IOException, InterruptedException {
    client.iops(ours, depth);
    List<Samples> found =
        Rounds.run(
            client.site.scale().leastRounds,
            () -> client.iops(ours, depth),
            () -> client.iops(peers, depth));
    report.beside(
        "NBD 4 KiB random read, queue depth " + depth,
        Unit.PER_SECOND,
        found.get(0),
        "nbdkit file",
        found.get(1),
        GOAL);
  }

  private static void measureCopy(
      Client client, Report report, String ours, long oursBytes, String peers)
      throws IOException, InterruptedException {
    client.copyBytesPerSecond(ours, oursBytes);
    List<Samples> found =
        Rounds.run(
            client.site.scale().leastRounds,
            () -> client.copyBytesPerSecond(ours, oursBytes),
            () -> client.copyBytesPerSecond(peers, client.site.scale().servedBytes));
    report.beside(
        "NBD nbdcopy out", Unit.BYTES_PER_SECOND, found.get(0), "nbdkit file", found.get(1), GOAL);
  }

  /** Real clients. */
  private record Client(Site site, Path output) {
    double iops(String uri, int depth) throws IOException, InterruptedException {
      String text =
          Tool.run(
              site.cleanup(),
              output,
              List.of(
                  Tool.FIO.program(),
                  "--name=read",
                  "--ioengine=nbd",
                  "--uri=" + uri,
                  "--rw=randread",
                  "--norandommap=1",
                  "--bs=4k",
                  "--iodepth=" + depth,
                  "--size=" + site.scale().servedBytes,
                  "--time_based=1",
                  "--runtime=" + site.scale().clientMillis + "ms",
                  "--output-format=terse",
                  "--terse-version=3"));
      String[] fields =
          text.lines().filter(line -> line.startsWith("3;")).findFirst().orElse("").split(";", -1);
      if (fields.length <= TERSE_READ_IOPS) {
        throw new IOException("fio said something else than its figures: " + text);
      }
      return Double.parseDouble(fields[TERSE_READ_IOPS]);
    }

    /** With the start of the client, which is the same for both. */
    double copyBytesPerSecond(String uri, long bytes) throws IOException, InterruptedException {
      long start = System.nanoTime();
      Tool.run(site.cleanup(), output, List.of(Tool.NBDCOPY.program(), uri, "null:"));
      return bytes * 1e9 / (System.nanoTime() - start);
    }
  }

  /** {@code nbdkit file}. */
  private record Peer(Cleanup cleanup, Process process, Path socket) implements AutoCloseable {
    private static final int START_MILLIS_MAX = 10_000;

    static Peer start(Cleanup cleanup, Path folder, Path file)
        throws IOException, InterruptedException {
      Path socket = folder.resolve("peer");
      Process process =
          cleanup.start(
              new ProcessBuilder(
                      Tool.NBDKIT.program(),
                      "--foreground",
                      "--exit-with-parent",
                      "--unix",
                      socket.toString(),
                      "file",
                      file.toString())
                  .redirectErrorStream(true)
                  .redirectOutput(folder.resolve("nbdkit").toFile()));
      for (int waited = 0; !Files.exists(socket); waited += 10) {
        if (waited > START_MILLIS_MAX || !process.isAlive()) {
          cleanup.end(process);
          throw new IOException("nbdkit: " + Files.readString(folder.resolve("nbdkit")));
        }
        Thread.sleep(10);
      }
      return new Peer(cleanup, process, socket);
    }

    String uri() {
      return "nbd+unix:///?socket=" + socket;
    }

    @Override
    public void close() throws IOException {
      try {
        cleanup.end(process);
      } catch (InterruptedException ended) {
        Thread.currentThread().interrupt();
      }
    }
  }
}

package io.bezoar.bench;

import io.bezoar.media.Units;
import io.bezoar.nio.BezoarFileSystems;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileSystem;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;

/**
 * Row 12: {@code java.nio.file} on a pool, as programs use it, beside the default provider in the
 * same place: small files are made, opened and closed, deleted; large ones go through a channel.
 */
final class ProviderRow implements Row {
  private static final int BATCH = 500;
  private static final int MEBIBYTE = 1 << 20;
  private static final int SEQUENTIAL = 32;
  private static final long POOL_BYTES = 512L << 20;
  private static final Goal FASTER = new Goal.RatioAtMost(1);

  @Override
  public int number() {
    return 12;
  }

  @Override
  public String title() {
    return "java.nio.file";
  }

  @Override
  public long roomBytes(Scale scale) {
    return POOL_BYTES + 2L * SEQUENTIAL * MEBIBYTE;
  }

  @Override
  public void measure(Site site, Report report) throws IOException, InterruptedException {
    Path pool = site.newFile("files");
    Path folder = Files.createDirectory(site.newFile("folder"));
    try (FileVolume files = FileVolume.create(pool, POOL_BYTES);
        FileSystem provider = BezoarFileSystems.of(pool, files.filesystem())) {
      Path ours = Files.createDirectory(provider.getPath("/folder"));
      small(site, report, new Small(ours), new Small(folder));
      large(site, report, ours.resolve("large"), folder.resolve("large"));
    }
  }

  private static void small(Site site, Report report, Small ours, Small theirs)
      throws IOException, InterruptedException {
    int measured = Rounds.run(site.scale(), ours::round, theirs::round).getFirst().count();
    for (Step step : Step.values()) {
      report.beside(
          step.label,
          Unit.SECONDS,
          ours.samples(step, measured),
          "the default provider",
          theirs.samples(step, measured),
          FASTER);
    }
  }

  /** What is done with a small file. */
  private enum Step {
    CREATE(0, "create an empty file"),
    OPEN(1, "open and close it"),
    DELETE(2, "delete it");

    private final int index;
    private final String label;

    Step(int index, String label) {
      this.index = index;
      this.label = label;
    }
  }

  /** Small files in a folder. */
  private static final class Small {
    private final List<Path> paths = new ArrayList<>();
    private final List<double[]> rounds = new ArrayList<>();

    Small(Path folder) {
      for (int i = 0; i < BATCH; i++) {
        paths.add(folder.resolve("file-" + i));
      }
    }

    double round() throws IOException {
      long[] at = new long[Step.values().length + 1];
      at[0] = System.nanoTime();
      for (Path path : paths) {
        Files.createFile(path);
      }
      at[1] = System.nanoTime();
      for (Path path : paths) {
        FileChannel.open(path, StandardOpenOption.READ).close();
      }
      at[2] = System.nanoTime();
      for (Path path : paths) {
        Files.delete(path);
      }
      at[3] = System.nanoTime();
      double[] seconds = new double[Step.values().length];
      for (Step step : Step.values()) {
        seconds[step.index] = (at[step.index + 1] - at[step.index]) / 1e9 / BATCH;
      }
      rounds.add(seconds);
      return (at[3] - at[0]) / 1e9;
    }

    /** Those that came after warming up. */
    Samples samples(Step step, int measured) {
      int from = rounds.size() - measured;
      return Samples.of(
          rounds.subList(from, rounds.size()).stream()
              .mapToDouble(round -> round[step.index])
              .toArray());
    }
  }

  private static void large(Site site, Report report, Path ours, Path theirs)
      throws IOException, InterruptedException {
    ByteBuffer block = ByteBuffer.allocateDirect(MEBIBYTE + Units.PAGE_BYTES);
    try (FileChannel to = open(ours);
        FileChannel beside = open(theirs)) {
      List<Samples> found =
          Rounds.run(
              site.scale(),
              () -> write(to, block),
              () -> write(beside, block),
              () -> read(to, block),
              () -> read(beside, block));
      report.beside(
          "1 MiB sequential channel write",
          Unit.SECONDS,
          found.get(0),
          "the default provider",
          found.get(1));
      report.beside(
          "1 MiB sequential channel read",
          Unit.SECONDS,
          found.get(2),
          "the default provider",
          found.get(3));
    }
  }

  private static FileChannel open(Path path) throws IOException {
    return FileChannel.open(
        path, StandardOpenOption.CREATE_NEW, StandardOpenOption.READ, StandardOpenOption.WRITE);
  }

  private static double write(FileChannel channel, ByteBuffer block) throws IOException {
    long start = System.nanoTime();
    for (int i = 0; i < SEQUENTIAL; i++) {
      channel.write(block.clear().limit(MEBIBYTE), (long) i * MEBIBYTE);
    }
    return (System.nanoTime() - start) / 1e9 / SEQUENTIAL;
  }

  private static double read(FileChannel channel, ByteBuffer block) throws IOException {
    long start = System.nanoTime();
    for (int i = 0; i < SEQUENTIAL; i++) {
      if (channel.read(block.clear().limit(MEBIBYTE), (long) i * MEBIBYTE) < MEBIBYTE) {
        throw new IOException("less than was written");
      }
    }
    return (System.nanoTime() - start) / 1e9 / SEQUENTIAL;
  }
}

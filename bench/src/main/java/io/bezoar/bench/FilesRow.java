package io.bezoar.bench;

import io.bezoar.fs.FileId;
import io.bezoar.fs.FileName;
import io.bezoar.fs.FileType;
import io.bezoar.fs.Filesystem;
import io.bezoar.fs.OpenFile;
import io.bezoar.media.ByteRange;
import io.bezoar.media.Units;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/** Row 23: what people do with files: many small ones, large ones, shared ones, snapshots. */
final class FilesRow implements Row {
  private static final int PAGE = Units.PAGE_BYTES;
  private static final int BATCH = 500;
  private static final int MEBIBYTE = 1 << 20;
  private static final int SEQUENTIAL = 32;

  @Override
  public int number() {
    return 23;
  }

  @Override
  public String title() {
    return "files";
  }

  @Override
  public long roomBytes(Scale scale) {
    return Math.max(256L << 20, 2 * scale.poolBytes);
  }

  @Override
  public void measure(Site site, Report report) throws IOException, InterruptedException {
    try (FileVolume files = FileVolume.create(site.newFile("files"), roomBytes(site.scale()));
        Arena arena = Arena.ofConfined()) {
      small(site, report, files);
      large(site, report, files, arena.allocate(MEBIBYTE, PAGE).fill((byte) 3));
      shared(site, report, files, arena.allocate(MEBIBYTE, PAGE).fill((byte) 4));
      many(site, report, files);
    }
  }

  private void small(Site site, Report report, FileVolume files)
      throws IOException, InterruptedException {
    Filesystem filesystem = files.filesystem();
    FileId directory =
        filesystem.create(
            FileId.ROOT, FileVolume.name("small"), FileType.DIRECTORY, FileVolume.FILE);
    List<Double> deletes = new ArrayList<>();
    Samples creates =
        Rounds.run(
                site.scale(),
                () -> {
                  long start = System.nanoTime();
                  for (int i = 0; i < BATCH; i++) {
                    FileName name = FileVolume.name("file-" + i);
                    filesystem.create(directory, name, FileType.REGULAR, FileVolume.FILE);
                  }
                  double seconds = perOperation(start);
                  start = System.nanoTime();
                  for (int i = 0; i < BATCH; i++) {
                    filesystem.unlink(directory, FileVolume.name("file-" + i));
                  }
                  deletes.add(perOperation(start));
                  return seconds;
                })
            .getFirst();
    // The last ones are those that were measured; before, it was warming up.
    double[] measured =
        deletes.subList(deletes.size() - creates.count(), deletes.size()).stream()
            .mapToDouble(Double::doubleValue)
            .toArray();
    report.alone("create an empty file", Unit.SECONDS, creates);
    report.alone("delete it", Unit.SECONDS, Samples.of(measured));
  }

  private static double perOperation(long start) {
    return (System.nanoTime() - start) / 1e9 / BATCH;
  }

  private static void large(Site site, Report report, FileVolume files, MemorySegment block)
      throws IOException, InterruptedException {
    try (OpenFile file = files.newFile("large");
        PlainFile plain = PlainFile.create(site.newFile("plain"), (long) SEQUENTIAL * MEBIBYTE);
        Arena arena = Arena.ofConfined()) {
      MemorySegment buffer = arena.allocate(MEBIBYTE, PAGE);
      List<Samples> found =
          Rounds.run(
              site.scale(),
              () -> sequentially(at -> file.write(at, block)),
              () -> sequentially(at -> MemorySegment.copy(block, 0, plain.mapped(), at, MEBIBYTE)),
              () -> sequentially(at -> file.read(at, buffer)),
              () ->
                  sequentially(at -> MemorySegment.copy(plain.mapped(), at, buffer, 0, MEBIBYTE)));
      report.beside(
          "1 MiB sequential write", Unit.SECONDS, found.get(0), "plain copy", found.get(1));
      report.beside(
          "1 MiB sequential read", Unit.SECONDS, found.get(2), "plain copy", found.get(3));
    }
  }

  /** Something that is done at an offset of a file. */
  private interface At {
    void run(long at) throws IOException;
  }

  private static double sequentially(At at) throws IOException {
    long start = System.nanoTime();
    for (int i = 0; i < SEQUENTIAL; i++) {
      at.run((long) i * MEBIBYTE);
    }
    return (System.nanoTime() - start) / 1e9 / SEQUENTIAL;
  }

  private static void shared(Site site, Report report, FileVolume files, MemorySegment block)
      throws IOException, InterruptedException {
    Filesystem filesystem = files.filesystem();
    long bytes = site.scale().poolBytes / MEBIBYTE * MEBIBYTE;
    try (OpenFile from = files.newFile("original", bytes, block);
        OpenFile to = files.newFile("clone")) {
      filesystem.sync();
      ByteRange all = new ByteRange(0, bytes);
      Samples clones =
          Rounds.run(
                  site.scale(),
                  () -> {
                    to.truncate(0);
                    long start = System.nanoTime();
                    filesystem.reflink(from, all, to, 0);
                    return (System.nanoTime() - start) / 1e9;
                  })
              .getFirst();
      report.alone("reflink of %,d MiB".formatted(bytes / MEBIBYTE), Unit.SECONDS, clones);
    }
    Samples snapshots =
        Rounds.run(
                site.scale(),
                () -> {
                  FileName name = FileVolume.name("s");
                  long start = System.nanoTime();
                  filesystem.snapshot(name);
                  double seconds = (System.nanoTime() - start) / 1e9;
                  filesystem.deleteSnapshot(name);
                  return seconds;
                })
            .getFirst();
    report.alone("snapshot of all", Unit.SECONDS, snapshots);
  }

  private static void many(Site site, Report report, FileVolume files) throws IOException {
    int count = site.scale().manyFiles;
    try (Arena arena = Arena.ofConfined()) {
      long start = System.nanoTime();
      files.fill("many", count, arena.allocate(0, PAGE));
      double seconds = (System.nanoTime() - start) / 1e9;
      report.alone(
          "create %,d files, durably at the end".formatted(count),
          Unit.SECONDS,
          Samples.of(seconds));
    }
  }
}

package io.bezoar.bench;

import io.bezoar.media.Media;
import io.bezoar.media.Units;
import io.bezoar.target.ProtectedTarget;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.zip.CRC32C;

/** Row 6: a scrub of every page with parity check in one thread, beside CRC32C of the same file. */
final class ScrubRow implements Row {
  private static final int BLOCK = 1 << 20;
  private static final int CHECKSUM_BLOCKS = 16;
  private static final double BTRFS_BYTES_PER_SECOND = 3.95e9;

  @Override
  public int number() {
    return 6;
  }

  @Override
  public String title() {
    return "scrub with parity check, one thread";
  }

  @Override
  public long roomBytes(Scale scale) {
    return scale.poolBytes;
  }

  @Override
  public void measure(Site site, Report report) throws IOException, InterruptedException {
    Volume volume = site.volume();
    try (PlainFile plain = PlainFile.open(volume.path())) {
      ByteBuffer[] blocks = new ByteBuffer[(int) (plain.mapped().byteSize() / BLOCK)];
      for (int i = 0; i < blocks.length; i++) {
        MemorySegment block = plain.mapped().asSlice((long) i * BLOCK, BLOCK);
        blocks[i] = block.asByteBuffer();
      }
      Walk walk = new Walk(blocks.length, 6);
      Scrub scrub = new Scrub(volume);
      List<Samples> found =
          Rounds.run(site.scale(), scrub::bytesPerSecond, () -> checksum(blocks, walk));
      report.beside(
          title(),
          Unit.BYTES_PER_SECOND,
          found.get(0),
          "CRC32C of cold 1 MiB blocks, mapped",
          found.get(1),
          new Goal.RatioAtLeast(0.4));
      if (site.kind() == Site.Kind.DISK) {
        measurePastCache(site, report, volume, scrub);
      }
      report.besideQuoted(
          title(),
          Unit.BYTES_PER_SECOND,
          found.get(0),
          "btrfs scrub",
          BTRFS_BYTES_PER_SECOND,
          new Goal.RatioAtLeast(3));
    }
  }

  /** On disk a scrub looks past the page cache: what it can do at most is what the disk gives. */
  private void measurePastCache(Site site, Report report, Volume volume, Scrub scrub)
      throws IOException, InterruptedException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment buffer = arena.allocate(BLOCK, Units.PAGE_BYTES);
      Walk walk = new Walk((int) (volume.media().sizeBytes() / BLOCK), 7);
      List<Samples> found =
          Rounds.run(
              site.scale(), scrub::bytesPerSecond, () -> readDisk(volume.media(), buffer, walk));
      report.beside(
          title(),
          Unit.BYTES_PER_SECOND,
          found.get(0),
          "the disk: 1 MiB reads past the page cache",
          found.get(1));
    }
  }

  private static double readDisk(Media media, MemorySegment buffer, Walk walk) throws IOException {
    long start = System.nanoTime();
    for (int i = 0; i < CHECKSUM_BLOCKS; i++) {
      media.readPastCache((long) walk.next() * BLOCK, buffer);
    }
    return (double) CHECKSUM_BLOCKS * BLOCK * 1e9 / (System.nanoTime() - start);
  }

  /** Goes on from where it stopped, for a few steps. */
  private static final class Scrub {
    private static final int STEP_ROWS = 8 * ProtectedTarget.SCRUB_ROWS;

    private final Volume volume;
    private long nextRow;

    Scrub(Volume volume) {
      this.volume = volume;
    }

    double bytesPerSecond() throws IOException {
      long end = Math.min(nextRow + STEP_ROWS, volume.geometry().rows());
      long start = System.nanoTime();
      long found = scrub(volume, nextRow, end);
      double seconds = (System.nanoTime() - start) / 1e9;
      if (found != 0) {
        throw new IOException("a scrub found " + found + " bad pages where nothing was struck");
      }
      long pages = (end - nextRow) * volume.geometry().columns();
      nextRow = end % volume.geometry().rows();
      return pages * (double) Units.PAGE_BYTES / seconds;
    }
  }

  /** Scrubs rows of the volume; how many bad pages it found. */
  static long scrub(Volume volume, long firstRow, long endRow) throws IOException {
    long found = 0;
    for (long row = firstRow; row < endRow; row += ProtectedTarget.SCRUB_ROWS) {
      int count = (int) Math.min(ProtectedTarget.SCRUB_ROWS, endRow - row);
      found += volume.target().scrubRows(row, count).found().size();
    }
    return found;
  }

  private static double checksum(ByteBuffer[] blocks, Walk walk) {
    CRC32C crc = new CRC32C();
    long start = System.nanoTime();
    for (int i = 0; i < CHECKSUM_BLOCKS; i++) {
      crc.update(blocks[walk.next()].rewind());
    }
    double seconds = (System.nanoTime() - start) / 1e9;
    Sink.last = crc.getValue();
    return (double) CHECKSUM_BLOCKS * BLOCK / seconds;
  }
}

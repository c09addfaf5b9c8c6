package io.bezoar.bench;

import io.bezoar.media.Units;
import io.bezoar.target.ProtectedTarget;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * Rows 1 and 2: verified cold reads into private memory, beside the plain read of the same file.
 */
final class ReadRow implements Row {
  private final int number;
  private final Size size;

  /** How much is read at once. */
  enum Size {
    PAGE("4 KiB", Units.PAGE_BYTES, 1_000, 1.9),
    MEBIBYTE("1 MiB", 1 << 20, 10, 1.45);

    private final String label;
    private final int bytes;
    private final int reads;
    private final double limit;

    Size(String label, int bytes, int reads, double limit) {
      this.label = label;
      this.bytes = bytes;
      this.reads = reads;
      this.limit = limit;
    }
  }

  ReadRow(int number, Size size) {
    this.number = number;
    this.size = size;
  }

  @Override
  public int number() {
    return number;
  }

  @Override
  public String title() {
    return "verified " + size.label + " read";
  }

  @Override
  public long roomBytes(Scale scale) {
    return scale.poolBytes;
  }

  @Override
  public void measure(Site site, Report report) throws IOException, InterruptedException {
    Volume volume = site.volume();
    try (PlainFile plain = PlainFile.open(volume.path());
        Arena arena = Arena.ofConfined()) {
      MemorySegment buffer = arena.allocate(size.bytes, Units.PAGE_BYTES);
      Readers readers =
          new Readers(volume, plain, buffer, new Walk((int) (volume.sizeBytes() / size.bytes), 1));
      if (site.kind() == Site.Kind.TMPFS) {
        List<Samples> found = Rounds.run(site.scale(), readers::verified, readers::copied);
        report(report, found.get(0), "plain copy", found.get(1));
      } else {
        List<Samples> found =
            Rounds.run(site.scale(), readers::verified, readers::copied, readers::pread);
        report(report, found.get(0), "plain copy of the page cache, mapped", found.get(1));
        report.beside(title(), Unit.SECONDS, found.get(0), "plain pread", found.get(2), goal());
      }
    }
  }

  private Goal goal() {
    return new Goal.RatioAtMost(size.limit);
  }

  private void report(Report report, Samples ours, String peerName, Samples peer) {
    report.beside(title(), Unit.SECONDS, ours, peerName, peer, goal());
    if (size == Size.MEBIBYTE) {
      report.beside(
          title() + ", per thread",
          Unit.BYTES_PER_SECOND,
          ours.per(size.bytes),
          peerName,
          peer.per(size.bytes),
          new Goal.AtLeast(new Quantity(15e9, Unit.BYTES_PER_SECOND)));
    }
  }

  /** The contenders: each reads places that no other has touched lately. */
  private final class Readers {
    private final ProtectedTarget target;
    private final PlainFile plain;
    private final MemorySegment mapped;
    private final long dataStart;
    private final MemorySegment buffer;
    private final ByteBuffer view;
    private final Walk walk;
    private final int reads;

    Readers(Volume volume, PlainFile plain, MemorySegment buffer, Walk walk) {
      this.target = volume.target();
      this.plain = plain;
      this.mapped = plain.mapped();
      this.dataStart = volume.fileOffset(0);
      this.buffer = buffer;
      this.view = buffer.asByteBuffer();
      this.walk = walk;
      this.reads = Math.min(size.reads, walk.places() / 4);
    }

    double verified() throws IOException {
      long start = System.nanoTime();
      for (int i = 0; i < reads; i++) {
        target.read((long) walk.next() * size.bytes, buffer);
      }
      return secondsSince(start);
    }

    double copied() {
      long start = System.nanoTime();
      for (int i = 0; i < reads; i++) {
        long at = dataStart + (long) walk.next() * size.bytes;
        MemorySegment.copy(mapped, at, buffer, 0, size.bytes);
      }
      return secondsSince(start);
    }

    double pread() throws IOException {
      long start = System.nanoTime();
      for (int i = 0; i < reads; i++) {
        plain.read(dataStart + (long) walk.next() * size.bytes, view);
      }
      return secondsSince(start);
    }

    private double secondsSince(long startNanos) {
      return (System.nanoTime() - startNanos) / 1e9 / reads;
    }
  }
}

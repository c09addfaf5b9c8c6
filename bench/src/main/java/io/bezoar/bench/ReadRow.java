package io.bezoar.bench;

import io.bezoar.media.Units;
import io.bezoar.target.ProtectedTarget;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * Rows 1 and 2: verified cold reads into private memory, beside the plain read of the same file.
 */
final class ReadRow implements Row {
  private final int number;
  private final ReadSize size;

  ReadRow(int number, ReadSize size) {
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
      Walk walk = new Walk((int) (volume.sizeBytes() / size.bytes), 1);
      PlainReads reads = new PlainReads(plain, volume.fileOffset(0), buffer, size, walk);
      ProtectedTarget target = volume.target();
      Rounds.Contender verified = () -> reads.timed(at -> target.read(at, buffer));
      if (site.kind() == Site.Kind.TMPFS) {
        List<Samples> found = Rounds.run(site.scale(), verified, reads::copied);
        report(report, found.get(0), "plain copy", found.get(1));
      } else {
        List<Samples> found = Rounds.run(site.scale(), verified, reads::copied, reads::pread);
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
    if (size == ReadSize.MEBIBYTE) {
      report.beside(
          title() + ", per thread",
          Unit.BYTES_PER_SECOND,
          ours.per(size.bytes),
          peerName,
          peer.per(size.bytes),
          new Goal.AtLeast(new Quantity(15e9, Unit.BYTES_PER_SECOND)));
    }
  }
}

package io.bezoar.bench;

import io.bezoar.fs.OpenFile;
import io.bezoar.media.Units;
import io.bezoar.target.ProtectedTarget;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * Rows 1 and 2, of a file: verified cold reads into private memory, beside the plain read of the
 * file that the pool is in, and beside the same read of the volume.
 */
final class FileReadRow implements Row {
  private final int number;
  private final ReadSize size;

  FileReadRow(int number, ReadSize size) {
    this.number = number;
    this.size = size;
  }

  @Override
  public int number() {
    return number;
  }

  @Override
  public String title() {
    return "verified " + size.label + " read of a file";
  }

  @Override
  public long roomBytes(Scale scale) {
    return 2 * scale.poolBytes;
  }

  @Override
  public void measure(Site site, Report report) throws IOException, InterruptedException {
    long poolBytes = Math.max(64 << 20, site.scale().poolBytes);
    try (FileVolume files = FileVolume.create(site.newFile("files"), poolBytes);
        Arena arena = Arena.ofConfined()) {
      MemorySegment block = arena.allocate(1 << 20, Units.PAGE_BYTES).fill((byte) 7);
      long fileBytes = ((poolBytes / 4 * 3) >> 20) << 20;
      try (OpenFile file = files.newFile("read", fileBytes, block);
          PlainFile plain = PlainFile.open(files.volume().path())) {
        files.filesystem().sync();
        MemorySegment buffer = arena.allocate(size.bytes, Units.PAGE_BYTES);
        Walk walk = new Walk((int) (fileBytes / size.bytes), 1);
        long dataStart = files.volume().fileOffset(0);
        PlainReads reads = new PlainReads(plain, dataStart, buffer, size, walk);
        ProtectedTarget target = files.volume().target();
        boolean mappedMedia = site.kind() == Site.Kind.TMPFS;
        Rounds.Contender peer = mappedMedia ? reads::copied : reads::pread;
        List<Samples> found =
            Rounds.run(
                site.scale(),
                () -> reads.timed(at -> file.read(at, buffer)),
                peer,
                () -> reads.timed(at -> target.read(at, buffer)));
        report.beside(
            title(),
            Unit.SECONDS,
            found.get(0),
            mappedMedia ? "plain copy of the mapped pool file" : "plain pread of the pool file",
            found.get(1),
            new Goal.RatioAtMost(size.limit));
        report.beside(title(), Unit.SECONDS, found.get(0), "the same of the volume", found.get(2));
      }
    }
  }
}

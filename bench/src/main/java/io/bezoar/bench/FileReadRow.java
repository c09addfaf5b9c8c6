package io.bezoar.bench;

import io.bezoar.fs.OpenFile;
import io.bezoar.media.Units;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * Rows 1 and 2, of a file: verified cold reads into private memory, beside the plain read of the
 * file that the pool is in, and beside the same read of the volume.
 */
final class FileReadRow implements Row {
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

  FileReadRow(int number, Size size) {
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
        Readers readers = new Readers(files, file, plain, dataStart, buffer, walk);
        boolean mappedMedia = site.kind() == Site.Kind.TMPFS;
        Rounds.Contender peer = mappedMedia ? readers::copied : readers::pread;
        List<Samples> found = Rounds.run(site.scale(), readers::ofFile, peer, readers::ofVolume);
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

  /** The contenders: each reads places that no other has touched lately. */
  private final class Readers {
    private final FileVolume files;
    private final OpenFile file;
    private final PlainFile plain;
    private final MemorySegment mapped;
    private final long dataStart;
    private final MemorySegment buffer;
    private final ByteBuffer view;
    private final Walk walk;
    private final int reads;

    Readers(
        FileVolume files,
        OpenFile file,
        PlainFile plain,
        long dataStart,
        MemorySegment buffer,
        Walk walk) {
      this.files = files;
      this.file = file;
      this.plain = plain;
      this.mapped = plain.mapped();
      this.dataStart = dataStart;
      this.buffer = buffer;
      this.view = buffer.asByteBuffer();
      this.walk = walk;
      this.reads = Math.max(1, Math.min(size.reads, walk.places() / 4));
    }

    double ofFile() throws IOException {
      long start = System.nanoTime();
      for (int i = 0; i < reads; i++) {
        file.read((long) walk.next() * size.bytes, buffer);
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

    double ofVolume() throws IOException {
      long start = System.nanoTime();
      for (int i = 0; i < reads; i++) {
        files.volume().target().read((long) walk.next() * size.bytes, buffer);
      }
      return secondsSince(start);
    }

    private double secondsSince(long startNanos) {
      return (System.nanoTime() - startNanos) / 1e9 / reads;
    }
  }
}

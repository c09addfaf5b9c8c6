package io.bezoar.bench;

import io.bezoar.fs.Filesystem;
import io.bezoar.fs.OpenFile;
import io.bezoar.media.ByteRange;
import io.bezoar.media.Units;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Row 17: one page is taken from all mappings that show it, under readers that are busy in them;
 * and what a load costs through such a mapping, beside a plain one.
 */
final class MappingRow implements Row {
  private static final int PAGE = Units.PAGE_BYTES;
  private static final int MAPPINGS = 4;
  private static final int READERS = 8;
  private static final int SWAPS = 200;
  private static final long FILE_BYTES = 32L << 20;
  private static final long POOL_BYTES = 256L << 20;
  private static final double LIMIT_SECONDS = 20e-6;

  @Override
  public int number() {
    return 17;
  }

  @Override
  public String title() {
    return "mappings of a file";
  }

  @Override
  public long roomBytes(Scale scale) {
    return POOL_BYTES;
  }

  @Override
  public void measure(Site site, Report report) throws IOException, InterruptedException {
    // Mappings of a shared arena are to be gone before what they show is.
    try (FileVolume files = FileVolume.create(site.newFile("files"), POOL_BYTES);
        Arena arena = Arena.ofShared()) {
      MemorySegment block = arena.allocate(1 << 20, PAGE).fill((byte) 1);
      try (OpenFile file = files.newFile("mapped", FILE_BYTES, block)) {
        files.filesystem().sync();
        List<MemorySegment> mappings = new ArrayList<>();
        for (int i = 0; i < MAPPINGS; i++) {
          mappings.add(file.map(0, FILE_BYTES, arena));
        }
        loads(site, report, files, mappings.getFirst());
        swaps(site, report, files, file, mappings);
      }
    }
  }

  private static void loads(Site site, Report report, FileVolume files, MemorySegment stitched)
      throws IOException, InterruptedException {
    try (PlainFile plain = PlainFile.open(files.volume().path(), FILE_BYTES)) {
      MemorySegment beside = plain.mapped();
      List<Samples> found = Rounds.run(site.scale(), () -> sum(stitched), () -> sum(beside));
      report.beside(
          "load through a mapping",
          Unit.SECONDS,
          found.get(0),
          "plain mapping",
          found.get(1),
          new Goal.RatioAtMost(1.03));
    }
  }

  private static double sum(MemorySegment segment) {
    long start = System.nanoTime();
    long sum = 0;
    long loads = FILE_BYTES / Units.LINE_BYTES;
    for (long i = 0; i < loads; i++) {
      sum += segment.get(ValueLayout.JAVA_LONG, i * Units.LINE_BYTES);
    }
    Sink.last = sum;
    return (System.nanoTime() - start) / 1e9 / loads;
  }

  private static void swaps(
      Site site, Report report, FileVolume files, OpenFile file, List<MemorySegment> mappings)
      throws IOException, InterruptedException {
    ByteRange page =
        ByteRange.ofLength(file.extents(new ByteRange(0, PAGE)).getFirst().device().start(), PAGE);
    AtomicBoolean stop = new AtomicBoolean();
    List<Thread> readers = new ArrayList<>();
    for (int i = 0; i < READERS; i++) {
      MemorySegment mine = mappings.get(i % mappings.size()).asSlice(PAGE);
      readers.add(Thread.ofPlatform().daemon().start(() -> readUntil(stop, mine)));
    }
    // Every other page, so that no two of them become one mapping.
    try (PlainFile plain = PlainFile.open(files.volume().path(), 2L * mappings.size() * PAGE)) {
      List<MemorySegment> bare = new ArrayList<>();
      for (int i = 0; i < mappings.size(); i++) {
        bare.add(plain.mapped().asSlice(2L * i * PAGE, PAGE));
      }
      List<Samples> found =
          Rounds.run(
              site.scale(),
              () -> swap(files.filesystem(), page, mappings.size()),
              () -> bareSwap(bare));
      report.beside(
          "take a page from %d mappings, or give it back, under %d readers"
              .formatted(MAPPINGS, READERS),
          Unit.SECONDS,
          found.get(0),
          "MAP_FIXED alone, as often",
          found.get(1),
          new Goal.AtMost(new Quantity(LIMIT_SECONDS, Unit.SECONDS)));
    } finally {
      stop.set(true);
      for (Thread reader : readers) {
        reader.join();
      }
    }
  }

  private static void readUntil(AtomicBoolean stop, MemorySegment segment) {
    long sum = 0;
    while (!stop.get()) {
      for (long at = 0; at < 64 * PAGE; at += Units.LINE_BYTES) {
        sum += segment.get(ValueLayout.JAVA_LONG, at);
      }
    }
    Sink.last = sum;
  }

  private static double swap(Filesystem filesystem, ByteRange page, int mappings)
      throws IOException {
    long start = System.nanoTime();
    for (int i = 0; i < SWAPS; i++) {
      int revoked = filesystem.revoke(page);
      int restored = filesystem.restore(page);
      if (revoked != mappings || restored != mappings) {
        throw new IOException(revoked + " and " + restored + " of " + mappings + " mappings");
      }
    }
    return (System.nanoTime() - start) / 1e9 / SWAPS / 2;
  }

  private static double bareSwap(List<MemorySegment> pages) throws IOException {
    long start = System.nanoTime();
    for (int i = 0; i < SWAPS; i++) {
      for (MemorySegment page : pages) {
        BareMappings.layTrap(page);
      }
      for (MemorySegment page : pages) {
        BareMappings.layZeroes(page);
      }
    }
    return (System.nanoTime() - start) / 1e9 / SWAPS / 2;
  }
}

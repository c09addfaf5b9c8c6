package io.bezoar.bench;

import io.bezoar.dax.Confidence;
import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.LeafDevice;
import io.bezoar.dax.NoticeDispatcher;
import io.bezoar.dax.PoisonRegion;
import io.bezoar.dax.UnmanagedDevice;
import io.bezoar.media.Allocation;
import io.bezoar.media.ByteRange;
import io.bezoar.media.Cause;
import io.bezoar.media.Media;
import io.bezoar.media.MediaFiles;
import io.bezoar.media.MediaOptions;
import io.bezoar.media.Units;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;

/**
 * Row 3: what a device pays for knowing what is bad about it, while nothing is (here). Without
 * checksums, so that it shows: the read that it is part of costs more.
 */
final class ErrorManagementRow implements Row {
  private static final int PAGE = Units.PAGE_BYTES;
  private static final int READS = 1_000;
  private static final int LOAD_BYTES = 64 << 10;
  private static final int LOAD_BLOCKS = 50;
  private static final int ENTRIES_PER_PAGE_LEAST = 40;
  private static final Goal READ_GOAL = new Goal.RatioAtMost(1.03);

  @Override
  public int number() {
    return 3;
  }

  @Override
  public String title() {
    return "read with error management";
  }

  @Override
  public long roomBytes(Scale scale) {
    return 2 * scale.poolBytes + 4 * listBytes(scale);
  }

  private static long listBytes(Scale scale) {
    return (2L + scale.stormErrors / ENTRIES_PER_PAGE_LEAST) * PAGE;
  }

  @Override
  public void measure(Site site, Report report) throws IOException, InterruptedException {
    Scale scale = site.scale();
    // Healthy bytes, then an empty stretch (a hole of the file) with an error in every other page.
    long healthy = scale.poolBytes;
    long struck = 2L * scale.stormErrors * PAGE;
    long list = listBytes(scale);
    Path path = site.newFile("managed");
    Media media =
        MediaFiles.create(
            path, healthy + struck + 4 * list, Allocation.SPARSE, MediaOptions.READ_WRITE);
    PoisonRegion emptyList = lists(healthy + struck, list);
    PoisonRegion longList = lists(healthy + struck + 2 * list, list);
    // Only the media is closed in the end: none of its three devices has anything to keep.
    try (media) {
      fill(media, healthy);
      UnmanagedDevice off = UnmanagedDevice.open(media, notices());
      LeafDevice on = leaf(media, emptyList);
      LeafDevice struckElsewhere = leaf(media, longList);
      for (int i = 0; i < scale.stormErrors; i++) {
        ByteRange bad = ByteRange.ofLength(healthy + 2L * i * PAGE, PAGE);
        struckElsewhere.report(bad, Cause.TRAP, Confidence.EXACT);
      }
      measureReads(site, report, off, on, struckElsewhere, healthy);
      try (PlainFile plain = PlainFile.open(path, healthy)) {
        measureLoads(site, report, struckElsewhere, plain, healthy);
      }
    }
  }

  private static PoisonRegion lists(long start, long bytes) {
    return new PoisonRegion(
        ByteRange.ofLength(start, bytes), ByteRange.ofLength(start + bytes, bytes));
  }

  private static LeafDevice leaf(Media media, PoisonRegion region) throws IOException {
    LeafDevice.format(media, region);
    return LeafDevice.open(media, region, InstantSource.system(), notices());
  }

  /** Nobody listens here, so nothing need be delivered. */
  private static NoticeDispatcher notices() {
    return new NoticeDispatcher("bench", InstantSource.system(), _ -> {});
  }

  private static void fill(Media media, long bytes) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment block = arena.allocate(1 << 20, PAGE).fill((byte) 7);
      for (long at = 0; at < bytes; at += block.byteSize()) {
        media.write(at, block.asSlice(0, Math.min(block.byteSize(), bytes - at)));
      }
    }
  }

  private void measureReads(
      Site site, Report report, DaxDevice off, DaxDevice on, DaxDevice struckElsewhere, long bytes)
      throws IOException, InterruptedException {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment buffer = arena.allocate(PAGE, PAGE);
      Walk walk = new Walk((int) (bytes / PAGE), 3);
      List<Samples> found =
          Rounds.run(
              site.scale(),
              () -> read(off, walk, buffer),
              () -> read(on, walk, buffer),
              () -> read(struckElsewhere, walk, buffer));
      String name = "error management off";
      report.beside(
          "4 KiB device read, nothing known bad",
          Unit.SECONDS,
          found.get(1),
          name,
          found.get(0),
          READ_GOAL);
      report.beside(
          "4 KiB device read, " + site.scale().stormErrors + " errors elsewhere",
          Unit.SECONDS,
          found.get(2),
          name,
          found.get(0),
          READ_GOAL);
    }
  }

  private static double read(DaxDevice device, Walk walk, MemorySegment buffer) throws IOException {
    int reads = Math.min(READS, walk.places() / 4);
    long start = System.nanoTime();
    for (int i = 0; i < reads; i++) {
      device.read((long) walk.next() * PAGE, buffer);
    }
    return (System.nanoTime() - start) / 1e9 / reads;
  }

  private void measureLoads(Site site, Report report, DaxDevice device, PlainFile plain, long bytes)
      throws IOException, InterruptedException {
    MemorySegment window =
        device
            .window(new ByteRange(0, bytes))
            .orElseThrow(() -> new IOException("this media has no windows"));
    window.load();
    Walk walk = new Walk((int) (bytes / LOAD_BYTES), 4);
    List<Samples> found =
        Rounds.run(site.scale(), () -> load(window, walk), () -> load(plain.mapped(), walk));
    report.beside(
        "8-byte load through a window",
        Unit.SECONDS,
        found.get(0),
        "a plain mapping",
        found.get(1),
        new Goal.RatioAtMost(1.0));
  }

  private static double load(MemorySegment mapped, Walk walk) {
    int blocks = Math.min(LOAD_BLOCKS, walk.places() / 4);
    long total = 0;
    long start = System.nanoTime();
    for (int i = 0; i < blocks; i++) {
      total += sumOf(mapped, (long) walk.next() * LOAD_BYTES);
    }
    double seconds = (System.nanoTime() - start) / 1e9;
    Sink.last = total;
    return seconds / blocks / (LOAD_BYTES / Long.BYTES);
  }

  private static long sumOf(MemorySegment mapped, long from) {
    long total = 0;
    for (long at = from; at < from + LOAD_BYTES; at += Long.BYTES) {
      total += mapped.get(ValueLayout.JAVA_LONG, at);
    }
    return total;
  }
}

package io.bezoar.bench;

import io.bezoar.fs.FileExtent;
import io.bezoar.fs.OpenFile;
import io.bezoar.fs.Owner;
import io.bezoar.media.ByteRange;
import io.bezoar.media.Units;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/** Row 9: whose a page of the device is, through the reverse map: file and range, paths apart. */
final class OwnersRow implements Row {
  private static final int PAGE = Units.PAGE_BYTES;
  private static final long POOL_BYTES = 512L << 20;
  private static final int ASKED = 2_000;
  private static final double GETFSMAP_SECONDS = 15.8e-6;
  private static final double LIMIT_SECONDS = 1e-6;

  @Override
  public int number() {
    return 9;
  }

  @Override
  public String title() {
    return "owners of a page";
  }

  @Override
  public long roomBytes(Scale scale) {
    return POOL_BYTES;
  }

  @Override
  public void measure(Site site, Report report) throws IOException, InterruptedException {
    try (FileVolume files = FileVolume.create(site.newFile("files"), POOL_BYTES);
        Arena arena = Arena.ofConfined()) {
      MemorySegment page = arena.allocate(PAGE, PAGE).fill((byte) 9);
      files.fill("many", Math.min(50_000, site.scale().manyFiles), page);
      List<Long> places = new ArrayList<>();
      try (OpenFile file = files.newFile("big", 64L << 20, arena.allocate(1 << 20, PAGE))) {
        for (FileExtent extent : file.extents(new ByteRange(0, file.sizeBytes()))) {
          for (long at = extent.device().start(); at < extent.device().end(); at += PAGE) {
            places.add(at);
          }
        }
      }
      Walk walk = new Walk(places.size(), 11);
      Samples found = Rounds.run(site.scale(), () -> ask(files, places, walk)).getFirst();
      report.besideQuoted(
          title(),
          Unit.SECONDS,
          found,
          "XFS GETFSMAP",
          GETFSMAP_SECONDS,
          new Goal.AtMost(new Quantity(LIMIT_SECONDS, Unit.SECONDS)));
    }
  }

  private static double ask(FileVolume files, List<Long> places, Walk walk) throws IOException {
    long start = System.nanoTime();
    for (int i = 0; i < ASKED; i++) {
      ByteRange asked = ByteRange.ofLength(places.get(walk.next()), PAGE);
      List<Owner> owners = files.filesystem().owners(asked);
      if (owners.size() != 1 || !(owners.getFirst() instanceof Owner.Data)) {
        throw new IOException("owners of " + asked + ": " + owners);
      }
    }
    return (System.nanoTime() - start) / 1e9 / ASKED;
  }
}

package io.bezoar.bench;

import io.bezoar.fs.CheckReport;
import io.bezoar.media.Units;
import java.io.IOException;
import java.lang.foreign.Arena;

/** Row 14: every structure of a filesystem is verified, and compared with all others. */
final class CheckRow implements Row {
  private static final double E2FSCK_SECONDS = 0.16;
  private static final double LIMIT_SECONDS = 0.5;

  @Override
  public int number() {
    return 14;
  }

  @Override
  public String title() {
    return "check";
  }

  @Override
  public long roomBytes(Scale scale) {
    return FileVolume.roomFor(scale.checkedFiles);
  }

  @Override
  public void measure(Site site, Report report) throws IOException, InterruptedException {
    int count = site.scale().checkedFiles;
    try (FileVolume files = FileVolume.create(site.newFile("files"), roomBytes(site.scale()));
        Arena arena = Arena.ofConfined()) {
      files.fill("many", count, arena.allocate(Units.PAGE_BYTES, Units.PAGE_BYTES));
      Samples found = Rounds.run(site.scale(), () -> check(files, count)).getFirst();
      report.besideQuoted(
          "%s of %,d files".formatted(title(), count),
          Unit.SECONDS,
          found,
          "e2fsck of 200,000",
          E2FSCK_SECONDS,
          new Goal.AtMost(new Quantity(LIMIT_SECONDS, Unit.SECONDS)));
    }
  }

  private static double check(FileVolume files, int count) throws IOException {
    long start = System.nanoTime();
    CheckReport report = files.filesystem().check();
    double seconds = (System.nanoTime() - start) / 1e9;
    if (!report.clean() || report.files() != count) {
      throw new IOException("check found " + report);
    }
    return seconds;
  }
}

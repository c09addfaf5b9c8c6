package io.bezoar.bench;

import io.bezoar.media.Units;
import java.io.IOException;
import java.lang.foreign.Arena;

/** Row 13: opening a filesystem of many files, whose size does not matter. */
final class OpenRow implements Row {
  private static final double LIMIT_SECONDS = 0.1;
  private static final long BYTES_PER_FILE = 1 << 10;
  private static final long LEAST_BYTES = 128L << 20;

  @Override
  public int number() {
    return 13;
  }

  @Override
  public String title() {
    return "opening a pool's filesystem";
  }

  @Override
  public long roomBytes(Scale scale) {
    return LEAST_BYTES + scale.manyFiles * BYTES_PER_FILE;
  }

  @Override
  public void measure(Site site, Report report) throws IOException, InterruptedException {
    try (FileVolume files = FileVolume.create(site.newFile("files"), roomBytes(site.scale()));
        Arena arena = Arena.ofConfined()) {
      Samples few = Rounds.run(site.scale(), files::reopen).getFirst();
      files.fill("many", site.scale().manyFiles, arena.allocate(0, Units.PAGE_BYTES));
      Samples many = Rounds.run(site.scale(), files::reopen).getFirst();
      Goal goal = new Goal.AtMost(new Quantity(LIMIT_SECONDS, Unit.SECONDS));
      report.alone(title() + ", no files", Unit.SECONDS, few, goal);
      report.alone(
          "%s, %,d files".formatted(title(), site.scale().manyFiles), Unit.SECONDS, many, goal);
    }
  }
}

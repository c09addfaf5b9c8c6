package io.bezoar.bench;

import io.bezoar.media.Units;
import io.bezoar.target.ProtectedTarget;
import java.io.IOException;
import java.util.List;

/**
 * Row 7: what a bad page adds to the scrub that finds, rebuilds, rewrites and verifies it: the time
 * of a scrub over bad pages less that of a clean one just before, for each of them.
 */
final class RepairRow implements Row {
  private static final double BTRFS_SECONDS = 94e-6;
  private static final double LIMIT_SECONDS = 40e-6;

  @Override
  public int number() {
    return 7;
  }

  @Override
  public String title() {
    return "repair of a bad page during scrub";
  }

  @Override
  public long roomBytes(Scale scale) {
    return scale.poolBytes + scale.struckPoolBytes;
  }

  @Override
  public void measure(Site site, Report report) throws IOException, InterruptedException {
    try (Volume volume = Volume.create(site.newFile("struck"), site.scale().struckPoolBytes)) {
      volume.fill();
      try (Strikes strikes = new Strikes(volume)) {
        measure(site, report, volume, strikes, Strikes.Kind.FLIP);
        if (site.kind() == Site.Kind.TMPFS) {
          measure(site, report, volume, strikes, Strikes.Kind.TRAP);
        }
      }
    }
  }

  private void measure(Site site, Report report, Volume volume, Strikes strikes, Strikes.Kind kind)
      throws IOException, InterruptedException {
    Repairs repairs = new Repairs(volume, strikes, kind);
    List<Samples> found = Rounds.run(site.scale(), repairs::secondsPerPage);
    report.besideQuoted(
        title() + ", " + kind.label(),
        Unit.SECONDS,
        found.getFirst(),
        "btrfs scrub",
        BTRFS_SECONDS,
        new Goal.AtMost(new Quantity(LIMIT_SECONDS, Unit.SECONDS)));
  }

  /** Strikes and scrubs one stretch of rows after the other. */
  private static final class Repairs {
    private static final int STRETCH_ROWS = 8 * ProtectedTarget.SCRUB_ROWS;
    private static final int STRUCK = STRETCH_ROWS / 4;

    private final Volume volume;
    private final Strikes strikes;
    private final Strikes.Kind kind;
    private long nextRow;

    Repairs(Volume volume, Strikes strikes, Strikes.Kind kind) {
      this.volume = volume;
      this.strikes = strikes;
      this.kind = kind;
    }

    double secondsPerPage() throws IOException {
      long first = nextRow + STRETCH_ROWS <= volume.geometry().rows() ? nextRow : 0;
      long end = first + STRETCH_ROWS;
      nextRow = end;
      volume.renewRepairBudget();
      double clean = scrubSeconds(first, end);
      strikes.strike(volume.choose(STRUCK, first, end), kind);
      long before = volume.repairedBytes();
      double repairing = scrubSeconds(first, end);
      long repaired = (volume.repairedBytes() - before) / Units.PAGE_BYTES;
      if (repaired != STRUCK) {
        throw new IOException(
            STRUCK + " pages were struck, and " + repaired + " repaired: nothing worth measuring");
      }
      return (repairing - clean) / STRUCK;
    }

    private double scrubSeconds(long firstRow, long endRow) throws IOException {
      long start = System.nanoTime();
      ScrubRow.scrub(volume, firstRow, endRow);
      return (System.nanoTime() - start) / 1e9;
    }
  }
}

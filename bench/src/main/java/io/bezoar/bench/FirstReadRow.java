package io.bezoar.bench;

import io.bezoar.media.Units;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * Row 8: what a reader waits longer when it is the first to meet a bad page, which is rebuilt,
 * rewritten and verified before the read returns; beyond a read of the same page when it is
 * healthy, and beyond the trap itself.
 */
final class FirstReadRow implements Row {
  private static final int PAGE = Units.PAGE_BYTES;
  private static final int STRUCK = 32;
  private static final double BTRFS_SECONDS = 19e-6;
  private static final double LIMIT_SECONDS = 40e-6;

  @Override
  public int number() {
    return 8;
  }

  @Override
  public String title() {
    return "heal on first read";
  }

  @Override
  public long roomBytes(Scale scale) {
    return scale.poolBytes + scale.struckPoolBytes;
  }

  @Override
  public void measure(Site site, Report report) throws IOException, InterruptedException {
    try (Volume volume = Volume.create(site.newFile("struck"), site.scale().struckPoolBytes)) {
      volume.fill();
      try (Strikes strikes = new Strikes(volume);
          Arena arena = Arena.ofConfined()) {
        Patient patient = new Patient(volume, strikes, arena.allocate(PAGE, PAGE));
        measure(site, report, patient, Strikes.Kind.FLIP);
        if (site.kind() == Site.Kind.TMPFS) {
          measure(site, report, patient, Strikes.Kind.TRAP);
        }
      }
    }
  }

  private void measure(Site site, Report report, Patient patient, Strikes.Kind kind)
      throws IOException, InterruptedException {
    List<Double> traps = new ArrayList<>();
    Samples heals = Rounds.run(site.scale(), () -> patient.heal(kind, traps)).getFirst();
    String beyond = kind == Strikes.Kind.TRAP ? ", beyond the trap" : "";
    report.besideQuoted(
        title() + ", " + kind.label() + beyond,
        Unit.SECONDS,
        heals,
        "btrfs raid1",
        BTRFS_SECONDS,
        new Goal.AtMost(new Quantity(LIMIT_SECONDS, Unit.SECONDS)));
    if (kind == Strikes.Kind.TRAP) {
      report.alone(
          "the trap itself, met and caught",
          Unit.SECONDS,
          Samples.of(
              traps.subList(traps.size() - heals.count(), traps.size()).stream()
                  .mapToDouble(Double::doubleValue)
                  .toArray()));
    }
  }

  /** A volume that is struck and read. */
  private record Patient(Volume volume, Strikes strikes, MemorySegment buffer) {
    /**
     * What healing added to the read of a page, on average; what its trap takes joins {@code
     * traps}.
     */
    double heal(Strikes.Kind kind, List<Double> traps) throws IOException {
      volume.renewRepairBudget();
      List<Long> pages = volume.choose(STRUCK, 0, volume.geometry().rows());
      read(pages);
      double healthy = read(pages);
      strikes.strike(pages, kind);
      double trap = kind == Strikes.Kind.TRAP ? strikes.runInto(pages) : 0;
      long repairedBefore = volume.repairedBytes();
      double struck = read(pages);
      long repaired = volume.repairedBytes() - repairedBefore;
      if (repaired != (long) pages.size() * PAGE) {
        throw new IOException(
            pages.size() + " pages were struck and " + repaired + " bytes repaired by reading");
      }
      traps.add(trap);
      return struck - healthy - trap;
    }

    private double read(List<Long> pages) throws IOException {
      long start = System.nanoTime();
      for (long page : pages) {
        volume.target().read(page * PAGE, buffer);
      }
      return (System.nanoTime() - start) / 1e9 / pages.size();
    }
  }
}

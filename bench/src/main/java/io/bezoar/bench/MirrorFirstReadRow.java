package io.bezoar.bench;

import io.bezoar.dax.Claim;
import io.bezoar.media.Units;
import io.bezoar.target.MirroredTarget;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Row 8 for mirrors: what a reader waits longer when it is the first to meet a page that is bad on
 * the leg it is read from, which is healed from the other leg before the read returns; beyond a
 * read of the same page when it is healthy, and beyond the trap itself.
 *
 * <p>A protected leg heals one bad page in a row by itself; so two are struck, of which one is
 * read. Of a bare leg only what refuses to be read is noticed.
 */
final class MirrorFirstReadRow implements Row {
  private static final int PAGE = Units.PAGE_BYTES;
  private static final int STRUCK_MOST = 32;

  /** The first mebibyte is always read from the first leg. */
  private static final int PLACES = (1 << 20) / PAGE;

  private static final double BTRFS_SECONDS = 19e-6;
  private static final double LIMIT_SECONDS = 10e-6;

  @Override
  public int number() {
    return 8;
  }

  @Override
  public String title() {
    return "heal on first read of a mirror";
  }

  @Override
  public long roomBytes(Scale scale) {
    return scale.poolBytes + 3 * scale.struckPoolBytes;
  }

  @Override
  public void measure(Site site, Report report) throws IOException, InterruptedException {
    boolean traps = site.kind() == Site.Kind.TMPFS;
    try (Stack stack = new Stack(site)) {
      Volume first = stack.volume(site.scale().struckPoolBytes);
      Volume second = stack.volume(site.scale().struckPoolBytes);
      MirroredTarget mirror = stack.mirror(List.of(first.target(), second.target()));
      Volume.fill(mirror);
      try (Strikes strikes = new Strikes(first)) {
        // A page of the first column, and the one beside it in its row.
        Pages pages = page -> List.of(page, page + first.geometry().rows());
        measure(site, report, mirror, strikes, pages, Strikes.Kind.FLIP);
        if (traps) {
          measure(site, report, mirror, strikes, pages, Strikes.Kind.TRAP);
        }
      }
    }
    if (traps) {
      try (Stack stack = new Stack(site)) {
        Stack.Bare first = stack.bare(site.scale().struckPoolBytes);
        Stack.Bare second = stack.bare(site.scale().struckPoolBytes);
        MirroredTarget mirror = stack.mirror(List.of(first.content(), second.content()));
        Volume.fill(mirror);
        try (Strikes strikes = new Strikes(first.path(), first.media(), page -> page * PAGE)) {
          measure(site, report, mirror, strikes, List::of, Strikes.Kind.TRAP);
        }
      }
    }
  }

  /** How many pages at a time; few where the figures mean nothing, or each waits for a disk. */
  private static int struck(Site site) {
    int shift = site.kind() == Site.Kind.TMPFS ? 23 : 25;
    return (int) Math.max(1, Math.min(STRUCK_MOST, site.scale().struckPoolBytes >> shift));
  }

  /** What has to be struck for a page to be out of its leg's reach. */
  @FunctionalInterface
  private interface Pages {
    List<Long> toStrike(long page);
  }

  private void measure(
      Site site,
      Report report,
      MirroredTarget mirror,
      Strikes strikes,
      Pages pages,
      Strikes.Kind kind)
      throws IOException, InterruptedException {
    try (Claim claim = mirror.claim(new Listener());
        Arena arena = Arena.ofConfined()) {
      Patient patient = new Patient(mirror, claim, strikes, pages, kind, struck(site), arena);
      report.besideQuoted(
          "heal from the other leg on first read: "
              + (mirror.info().verified() ? "protected legs, " : "bare legs, ")
              + kind.label()
              + (kind == Strikes.Kind.TRAP ? ", beyond the trap" : ""),
          Unit.SECONDS,
          Rounds.run(site.scale(), patient::heal).getFirst(),
          "btrfs raid1",
          BTRFS_SECONDS,
          new Goal.AtMost(new Quantity(LIMIT_SECONDS, Unit.SECONDS)));
    }
  }

  /** A mirror of which the first leg is struck, and that is read. */
  private static final class Patient {
    private final MirroredTarget mirror;
    private final Claim claim;
    private final Strikes strikes;
    private final Pages pages;
    private final Strikes.Kind kind;
    private final int count;
    private final MemorySegment buffer;
    private final SplittableRandom random = new SplittableRandom(9);

    Patient(
        MirroredTarget mirror,
        Claim claim,
        Strikes strikes,
        Pages pages,
        Strikes.Kind kind,
        int count,
        Arena arena) {
      this.mirror = mirror;
      this.claim = claim;
      this.strikes = strikes;
      this.pages = pages;
      this.kind = kind;
      this.count = count;
      this.buffer = arena.allocate(PAGE, PAGE);
    }

    /** What healing added to the read of a page, on average. */
    double heal() throws IOException {
      Walk places = new Walk(PLACES, random.nextLong());
      List<Long> read = new ArrayList<>();
      List<Long> struck = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        long page = places.next();
        read.add(page);
        struck.addAll(pages.toStrike(page));
      }
      read(read);
      double healthy = read(read);
      strikes.strike(struck, kind);
      double trap = kind == Strikes.Kind.TRAP ? strikes.runInto(struck) : 0;
      long before = mirror.counters().repairedBytes();
      double healing = read(read);
      claim.drain();
      long healed = mirror.counters().repairedBytes() - before;
      if (healed != (long) struck.size() * PAGE) {
        throw new IOException(
            struck.size() + " pages were struck and " + healed + " bytes healed by reading");
      }
      int trapsEach = struck.size() / count;
      return healing - healthy - trap * trapsEach;
    }

    private double read(List<Long> all) throws IOException {
      long start = System.nanoTime();
      for (long page : all) {
        mirror.read(page * PAGE, buffer);
      }
      return (System.nanoTime() - start) / 1e9 / all.size();
    }
  }
}

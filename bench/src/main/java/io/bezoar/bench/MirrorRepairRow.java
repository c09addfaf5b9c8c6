package io.bezoar.bench;

import io.bezoar.dax.Claim;
import io.bezoar.media.ByteRange;
import io.bezoar.media.Units;
import io.bezoar.target.MirroredTarget;
import io.bezoar.target.ProtectedTarget;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Row 7 for mirrors: what a bad page of one leg adds to the scrub that finds it, until it is healed
 * from another leg, its notices delivered.
 *
 * <p>A protected leg heals one bad page in a row by itself, as row 7 has it; so two are struck in
 * each row, which only the other leg can give back. Bare legs are compared: of two, one that
 * refuses to be read is healed; a flipped bit shows only where two others outvote it.
 */
final class MirrorRepairRow implements Row {
  private static final int PAGE = Units.PAGE_BYTES;
  private static final int STRETCH_ROWS = 8 * ProtectedTarget.SCRUB_ROWS;
  private static final int STRUCK_MOST = STRETCH_ROWS / 2;
  private static final double BTRFS_SECONDS = 94e-6;
  private static final double LIMIT_SECONDS = 10e-6;

  @Override
  public int number() {
    return 7;
  }

  @Override
  public String title() {
    return "repair of a bad page of a mirror";
  }

  @Override
  public long roomBytes(Scale scale) {
    return scale.poolBytes + 4 * scale.struckPoolBytes;
  }

  @Override
  public void measure(Site site, Report report) throws IOException, InterruptedException {
    boolean traps = site.kind() == Site.Kind.TMPFS;
    try (Stack stack = new Stack(site)) {
      Volume first = stack.volume(site.scale().struckPoolBytes);
      Volume second = stack.volume(site.scale().struckPoolBytes);
      MirroredTarget mirror = stack.mirror(List.of(first.target(), second.target()));
      Volume.fill(mirror);
      try (Claim claim = mirror.claim(new Listener());
          Strikes strikes = new Strikes(first)) {
        for (Strikes.Kind kind : kinds(traps)) {
          OfProtected scrubbed = new OfProtected(mirror, claim, first, strikes, kind, struck(site));
          measure(site, report, kind, "two protected legs, by scrub", scrubbed::scrubbed);
          measure(site, report, kind, "two protected legs, compared", scrubbed::compared);
        }
      }
    }
    if (traps) {
      measureBare(site, report, 2, Strikes.Kind.TRAP);
    }
    measureBare(site, report, 3, Strikes.Kind.FLIP);
  }

  /** How many pages at a time; few where the figures mean nothing, or each waits for a disk. */
  private static int struck(Site site) {
    int shift = site.kind() == Site.Kind.TMPFS ? 21 : 24;
    return (int) Math.min(STRUCK_MOST, site.scale().struckPoolBytes >> shift);
  }

  private static List<Strikes.Kind> kinds(boolean traps) {
    return traps ? List.of(Strikes.Kind.FLIP, Strikes.Kind.TRAP) : List.of(Strikes.Kind.FLIP);
  }

  private void measureBare(Site site, Report report, int legs, Strikes.Kind kind)
      throws IOException, InterruptedException {
    try (Stack stack = new Stack(site)) {
      List<Stack.Bare> bare = new ArrayList<>();
      for (int i = 0; i < legs; i++) {
        bare.add(stack.bare(site.scale().struckPoolBytes));
      }
      MirroredTarget mirror = stack.mirror(bare.stream().map(Stack.Bare::content).toList());
      Volume.fill(mirror);
      Stack.Bare struck = bare.getFirst();
      try (Claim claim = mirror.claim(new Listener());
          Strikes strikes = new Strikes(struck.path(), struck.media(), page -> page * PAGE)) {
        OfBare compared = new OfBare(mirror, claim, strikes, kind, struck(site));
        measure(site, report, kind, legs + " bare legs, compared", compared::secondsPerPage);
      }
    }
  }

  private void measure(
      Site site, Report report, Strikes.Kind kind, String of, Rounds.Contender repairs)
      throws IOException, InterruptedException {
    report.besideQuoted(
        "repair from another leg: " + of + ", " + kind.label(),
        Unit.SECONDS,
        Rounds.run(site.scale(), repairs).getFirst(),
        "btrfs scrub",
        BTRFS_SECONDS,
        new Goal.AtMost(new Quantity(LIMIT_SECONDS, Unit.SECONDS)));
  }

  private static void require(int struck, long repairedBytes) throws IOException {
    if (repairedBytes != (long) struck * PAGE) {
      throw new IOException(
          struck
              + " pages of a leg were struck, and "
              + repairedBytes
              + " bytes healed from the other: nothing worth measuring");
    }
  }

  /** Strikes and scrubs one stretch of rows of the first leg after the other. */
  private static final class OfProtected {
    private final MirroredTarget mirror;
    private final Claim claim;
    private final Volume leg;
    private final Strikes strikes;
    private final Strikes.Kind kind;
    private final int struck;
    private long nextRow;

    OfProtected(
        MirroredTarget mirror,
        Claim claim,
        Volume leg,
        Strikes strikes,
        Strikes.Kind kind,
        int struck) {
      this.mirror = mirror;
      this.claim = claim;
      this.leg = leg;
      this.strikes = strikes;
      this.kind = kind;
      this.struck = struck;
    }

    /** As a pool does: the leg's own scrub finds them lost, and tells the mirror. */
    double scrubbed() throws IOException {
      return around(this::scrub);
    }

    /** The mirror looks at both legs. */
    double compared() throws IOException {
      return around(this::compare);
    }

    /** One way of going through a stretch. */
    private interface Way {
      void go(long firstRow) throws IOException;
    }

    private double around(Way way) throws IOException {
      long first = nextRow + STRETCH_ROWS <= leg.geometry().rows() ? nextRow : 0;
      nextRow = first + STRETCH_ROWS;
      leg.renewRepairBudget();
      double clean = seconds(way, first);
      strikes.strike(pairs(first), kind);
      long before = mirror.counters().repairedBytes() - leg.target().counters().repairedBytes();
      double repairing = seconds(way, first);
      require(
          struck,
          mirror.counters().repairedBytes() - leg.target().counters().repairedBytes() - before);
      return (repairing - clean) / struck;
    }

    private double seconds(Way way, long firstRow) throws IOException {
      long start = System.nanoTime();
      way.go(firstRow);
      claim.drain();
      return (System.nanoTime() - start) / 1e9;
    }

    private void scrub(long firstRow) throws IOException {
      ScrubRow.scrub(leg, firstRow, firstRow + STRETCH_ROWS);
    }

    /** The same rows: a stretch of each of two columns. */
    private void compare(long firstRow) throws IOException {
      for (int column = 0; column < 2; column++) {
        long page = leg.geometry().pageAt(firstRow, column);
        mirror.compare(ByteRange.ofLength(page * PAGE, (long) STRETCH_ROWS * PAGE));
      }
    }

    /** The first two pages of every fourth row. */
    private List<Long> pairs(long firstRow) {
      List<Long> pages = new ArrayList<>();
      for (int i = 0; i < struck / 2; i++) {
        long row = firstRow + 4L * i;
        pages.add(leg.geometry().pageAt(row, 0));
        pages.add(leg.geometry().pageAt(row, 1));
      }
      return pages;
    }
  }

  /** Strikes and compares one stretch of pages after the other. */
  private static final class OfBare {
    private static final int STRETCH_PAGES = 4 * STRUCK_MOST;

    private final MirroredTarget mirror;
    private final Claim claim;
    private final Strikes strikes;
    private final Strikes.Kind kind;
    private final int struck;
    private final SplittableRandom random = new SplittableRandom(8);
    private long nextPage;

    OfBare(MirroredTarget mirror, Claim claim, Strikes strikes, Strikes.Kind kind, int struck) {
      this.mirror = mirror;
      this.claim = claim;
      this.strikes = strikes;
      this.kind = kind;
      this.struck = struck;
    }

    double secondsPerPage() throws IOException {
      long first = nextPage + STRETCH_PAGES <= mirror.sizeBytes() / PAGE ? nextPage : 0;
      nextPage = first + STRETCH_PAGES;
      double clean = compareSeconds(first);
      Walk places = new Walk(STRETCH_PAGES, random.nextLong());
      List<Long> pages = new ArrayList<>();
      for (int i = 0; i < struck; i++) {
        pages.add(first + places.next());
      }
      strikes.strike(pages, kind);
      long before = mirror.counters().repairedBytes();
      double repairing = compareSeconds(first);
      require(struck, mirror.counters().repairedBytes() - before);
      return (repairing - clean) / struck;
    }

    private double compareSeconds(long firstPage) throws IOException {
      long start = System.nanoTime();
      mirror.compare(ByteRange.ofLength(firstPage * PAGE, (long) STRETCH_PAGES * PAGE));
      claim.drain();
      return (System.nanoTime() - start) / 1e9;
    }
  }
}

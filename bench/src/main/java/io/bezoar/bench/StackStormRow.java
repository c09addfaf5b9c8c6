package io.bezoar.bench;

import io.bezoar.dax.Claim;
import io.bezoar.dax.Confidence;
import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.PoisonEntry;
import io.bezoar.dax.Severity;
import io.bezoar.media.Allocation;
import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import io.bezoar.media.Cause;
import io.bezoar.media.Units;
import io.bezoar.target.LinearTarget;
import io.bezoar.target.MirroredTarget;
import java.io.IOException;
import java.util.List;

/**
 * Row 10 through devices made of devices: a storm of page errors in random order, until everything
 * has settled at every level and the holder of the top has been told; that none is lost, and that
 * the holder hears of it in few notices, is checked each time.
 */
final class StackStormRow implements Row {
  private static final int PAGE = Units.PAGE_BYTES;
  private static final int ENTRIES_PER_PAGE_LEAST = 40;
  private static final double LIMIT_SECONDS = 1;

  /** Each page below the mirror is reported so often: its content has to be there to be healed. */
  private static final int REPEATS = 16;

  /** One in so many is reported where each report is looked into before it returns. */
  private static final int SHARE_LOOKED_INTO = 50;

  /** And one in so many where each repair waits for a disk. */
  private static final int SHARE_ON_DISK = 5000;

  private static final int LOOKED_INTO_LEAST = 8;

  /** A rest of 5 ms follows each delivery; a few kinds of notices may share one. */
  private static final int NOTICES_EACH_SECOND = 1000;

  private static final int NOTICES_LEAST = 16;

  @Override
  public int number() {
    return 10;
  }

  @Override
  public String title() {
    return "page errors in random order, through a stack";
  }

  @Override
  public long roomBytes(Scale scale) {
    long lists = 4L * listPages(scale.stormErrors) * PAGE;
    return scale.poolBytes + Math.max(lists, 3 * scale.struckPoolBytes);
  }

  private static long listPages(int errors) {
    return 2L + errors / ENTRIES_PER_PAGE_LEAST;
  }

  /** A storm, from the first report until everything is settled; in seconds. */
  private interface Storm {
    double rage(long seed) throws IOException;
  }

  @Override
  public void measure(Site site, Report report) throws IOException, InterruptedException {
    int errors = site.scale().stormErrors;
    report.alone(
        errors + " page errors reported above linear(bare, bare): settled",
        Unit.SECONDS,
        rounds(site, seed -> aboveLinear(site, seed)),
        new Goal.AtMost(new Quantity(LIMIT_SECONDS, Unit.SECONDS)));
    report.alone(
        errors + " page errors of one leg below mirror(bare, bare): settled",
        Unit.SECONDS,
        rounds(site, seed -> belowMirror(site, seed)),
        new Goal.AtMost(new Quantity(LIMIT_SECONDS, Unit.SECONDS)));
    int share = site.kind() == Site.Kind.TMPFS ? SHARE_LOOKED_INTO : SHARE_ON_DISK;
    int few = Math.max(LOOKED_INTO_LEAST, errors / share);
    try (Stack stack = new Stack(site)) {
      List<Volume> volumes =
          List.of(
              stack.volume(site.scale().struckPoolBytes),
              stack.volume(site.scale().struckPoolBytes));
      LinearTarget linear = stack.linear(volumes.stream().map(Volume::target).toList());
      Volume.fill(linear);
      report.alone(
          few + " reported above linear(protected, protected): looked into and healed, each",
          Unit.SECONDS,
          rounds(site, seed -> aboveProtected(linear, volumes, few, seed) / few),
          new Goal.AtMost(new Quantity(LIMIT_SECONDS / Scale.FULL.stormErrors, Unit.SECONDS)));
    }
  }

  private static Samples rounds(Site site, Storm storm) throws IOException {
    storm.rage(9);
    double[] seconds = new double[site.scale().leastRounds];
    for (int round = 0; round < seconds.length; round++) {
      seconds[round] = storm.rage(10 + round);
    }
    return Samples.of(seconds);
  }

  /** Nothing can be healed: all of it is lost, and stands on the list of its leaf. */
  private static double aboveLinear(Site site, long seed) throws IOException {
    int errors = site.scale().stormErrors;
    try (Stack stack = new Stack(site)) {
      // All pages apart: every second one.
      long each = (long) errors * PAGE;
      long list = listPages(errors / 2);
      Stack.Bare first = stack.bare(each, list, Allocation.SPARSE);
      Stack.Bare second = stack.bare(each, list, Allocation.SPARSE);
      LinearTarget linear = stack.linear(List.of(first.content(), second.content()));
      Listener told = new Listener();
      Walk walk = new Walk(errors, seed);
      try (Claim claim = linear.claim(told)) {
        double seconds = storm(linear, errors, 2, walk, claim);
        requireNoneLost(linear, told, 2, walk);
        requireFew(told, seconds);
        return seconds;
      }
    }
  }

  private static double storm(DaxDevice device, int errors, int stride, Walk walk, Claim claim)
      throws IOException {
    long start = System.nanoTime();
    for (int i = 0; i < errors; i++) {
      long page = (long) walk.next() * stride;
      device.report(ByteRange.ofLength(page * PAGE, PAGE), Cause.PLATFORM, Confidence.EXACT);
    }
    claim.drain();
    return (System.nanoTime() - start) / 1e9;
  }

  private static void requireNoneLost(LinearTarget linear, Listener told, int stride, Walk walk)
      throws IOException {
    List<PoisonEntry> entries = linear.poison(new ByteRange(0, linear.sizeBytes()));
    long bytes = entries.stream().mapToLong(entry -> entry.range().length()).sum();
    if (bytes != (long) walk.places() * PAGE || entries.size() != walk.places()) {
      throw new IOException("of " + walk.places() + " page errors " + bytes + " bytes are listed");
    }
    ByteRanges struck = told.struck();
    for (int i = 0; i < walk.places(); i++) {
      long page = (long) walk.next() * stride;
      if (!struck.overlaps(ByteRange.ofLength(page * PAGE, PAGE))) {
        throw new IOException("nobody was told of page " + page);
      }
    }
  }

  private static void requireFew(Listener told, double seconds) throws IOException {
    long most = NOTICES_LEAST + (long) (seconds * NOTICES_EACH_SECOND);
    if (told.notices() == 0 || told.notices() > most) {
      throw new IOException(
          told.notices() + " notices in " + seconds + " s: more than 0, at most " + most);
    }
  }

  /**
   * The other leg has everything: what the delivery of notices does not heal waits on the leg's
   * list for a comparison, and is healed then.
   */
  private static double belowMirror(Site site, long seed) throws IOException {
    int errors = site.scale().stormErrors;
    int places = Math.max(1, errors / REPEATS);
    long contentBytes = (long) (places + places / 16 + 64) * PAGE;
    try (Stack stack = new Stack(site)) {
      Stack.Bare first = stack.bare(contentBytes);
      Stack.Bare second = stack.bare(contentBytes);
      MirroredTarget mirror = stack.mirror(List.of(first.content(), second.content()));
      Listener told = new Listener();
      try (Claim claim = mirror.claim(told)) {
        double seconds = storm(first.leaf(), errors, 1, new Walk(places, seed), claim);
        requireFew(told, seconds);
        ByteRange all = new ByteRange(0, mirror.sizeBytes() / PAGE * PAGE);
        if (!mirror.poison(all).isEmpty() || told.toldOf(Severity.LOST)) {
          throw new IOException("bytes are lost that the other leg has");
        }
        mirror.compare(all);
        claim.drain();
        requireHealed(first.content().poison(all));
        return seconds;
      }
    }
  }

  /** What a full list could only remember as suspect may stay so. */
  private static void requireHealed(List<PoisonEntry> entries) throws IOException {
    for (PoisonEntry entry : entries) {
      if (entry.confidence() == Confidence.EXACT) {
        throw new IOException(
            entry.range()
                + " and "
                + (entries.size() - 1)
                + " more stayed bad: the other leg has it");
      }
    }
  }

  /** Each report is looked into at once, and its row healed. */
  private static double aboveProtected(
      LinearTarget linear, List<Volume> volumes, int errors, long seed) throws IOException {
    volumes.forEach(Volume::renewRepairBudget);
    long rows = volumes.getFirst().geometry().rows();
    long half = volumes.getFirst().sizeBytes();
    // One bad page in each row.
    Walk walk = new Walk((int) (2 * rows), seed);
    Listener told = new Listener();
    try (Claim claim = linear.claim(told)) {
      long start = System.nanoTime();
      for (int i = 0; i < errors; i++) {
        long place = walk.next();
        long at = place < rows ? place * PAGE : half + (place - rows) * PAGE;
        linear.report(ByteRange.ofLength(at, PAGE), Cause.PLATFORM, Confidence.EXACT);
      }
      claim.drain();
      double seconds = (System.nanoTime() - start) / 1e9;
      if (!linear.poison(new ByteRange(0, linear.sizeBytes())).isEmpty()
          || told.toldOf(Severity.LOST)
          || told.toldOf(Severity.DEGRADED)) {
        throw new IOException("pages were not healed that parity has");
      }
      requireFew(told, seconds);
      return seconds;
    }
  }
}

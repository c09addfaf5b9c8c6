package io.bezoar.target;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import io.bezoar.dax.PoisonedRangeException;
import io.bezoar.media.ByteRange;
import io.bezoar.media.FaultKind;
import io.bezoar.media.FaultSpec;
import io.bezoar.media.SimMedia;
import io.bezoar.target.WriteCacheRig.Kind;
import io.bezoar.target.WriteCacheRig.Side;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.util.List;
import java.util.SplittableRandom;
import java.util.function.LongPredicate;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The promise of the write cache, taken at its word: a crash before any step of a workload, on both
 * media at once, with any subset of unpersisted lines kept, and one media fault anywhere.
 * Afterwards every page holds one of the contents that the crash allows, and keeps it; only a page
 * whose one copy was struck may be lost, and says so.
 */
class WriteCacheCrashTest {
  private static final int PAGE = WriteCacheRig.PAGE;
  private static final int BLOCKS = 7;
  private static final int PAGES = 12;

  /** Thrown in place of a step. */
  private static final class Cut extends RuntimeException {
    private static final long serialVersionUID = 1L;

    Cut() {
      super("the power is off");
    }
  }

  /** Which devices stand under the cache, and whether it writes back by itself. */
  enum Setup {
    BARE(Kind.BARE, Kind.BARE),
    BARE_AT_ONCE(Kind.BARE, Kind.BARE),
    PROTECTED(Kind.PROTECTED, Kind.PROTECTED);

    private final Kind fast;
    private final Kind origin;

    Setup(Kind fast, Kind origin) {
      this.fast = fast;
      this.origin = origin;
    }

    WriteCacheRig rig(long seed) throws IOException {
      WriteCacheOptions options =
          this == BARE_AT_ONCE ? WriteCacheRig.AT_ONCE : WriteCacheRig.ON_REQUEST;
      return new WriteCacheRig(fast, origin, BLOCKS, PAGES, options, seed);
    }
  }

  /** Counts the steps of both media together, and does something before one of them. */
  private static final class Steps {
    private long count;
    private long at = Long.MAX_VALUE;
    private SimMedia.StepListener what = (step, range) -> {};

    void on(WriteCacheRig rig) {
      SimMedia.StepListener both =
          (step, range) -> {
            count++;
            if (count >= at) {
              what.before(step, range);
            }
          };
      rig.fast.media.onStep(both);
      rig.origin.media.onStep(both);
    }
  }

  static void workload(WriteCacheRig rig, WriteCacheModel model, SplittableRandom random)
      throws IOException {
    for (int op = 0; op < 16; op++) {
      switch (random.nextInt(7)) {
        case 0 -> {
          rig.target.persist();
          model.persisted();
        }
        case 1 -> {
          rig.target.writeBack();
          model.persisted();
        }
        default -> {
          boolean aligned = random.nextInt(3) > 0;
          int length = aligned ? PAGE * (1 + random.nextInt(3)) : 1 + random.nextInt(2 * PAGE);
          long offset = random.nextLong(rig.originBytes - length + 1);
          offset = aligned ? offset / PAGE * PAGE : offset;
          byte[] bytes = new byte[length];
          random.nextBytes(bytes);
          model.write(offset, bytes);
          rig.write(offset, bytes);
        }
      }
    }
  }

  private interface Case {
    void run(long seed, long step, Setup setup) throws IOException;
  }

  private static void atEveryStep(Setup setup, String method, Case one) throws IOException {
    long base = Long.getLong("bezoar.seed", System.nanoTime());
    int rounds = Integer.getInteger("bezoar.rounds", 2);
    for (int round = 0; round < rounds; round++) {
      long seed = base + round;
      WriteCacheRig dry = setup.rig(seed);
      Steps steps = new Steps();
      steps.on(dry);
      workload(dry, new WriteCacheModel(PAGES), new SplittableRandom(seed));
      // Protected devices take many steps for one of ours: more rounds, not each step in each.
      int stride = setup == Setup.PROTECTED ? 6 : 1;
      for (long step = 1L + Math.floorMod(seed, stride); step <= steps.count + 1; step += stride) {
        try {
          one.run(seed, step, setup);
        } catch (Throwable failed) {
          throw new AssertionError(
              "seed "
                  + seed
                  + " step "
                  + step
                  + " of "
                  + setup
                  + "; replay: mvn -pl core -am test -Dtest=WriteCacheCrashTest#"
                  + method
                  + " -Dbezoar.seed="
                  + seed
                  + " -Dbezoar.rounds=1",
              failed);
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Setup.class)
  void shouldSurviveACrashBeforeAnyStepAndOneFaultAnywhere(Setup setup) throws IOException {
    atEveryStep(
        setup,
        "shouldSurviveACrashBeforeAnyStepAndOneFaultAnywhere",
        WriteCacheCrashTest::crashAndStrike);
  }

  static void crashAndStrike(long seed, long cut, Setup setup) throws IOException {
    WriteCacheRig rig = setup.rig(seed);
    WriteCacheModel model = new WriteCacheModel(PAGES);
    Steps steps = new Steps();
    steps.at = cut;
    steps.what =
        (step, range) -> {
          throw new Cut();
        };
    steps.on(rig);
    try {
      workload(rig, model, new SplittableRandom(seed));
    } catch (Cut expected) {
      assertThat(expected).isNotNull();
    }
    SplittableRandom chance = new SplittableRandom(seed * 31 + cut);
    LongPredicate survives =
        switch (chance.nextInt(4)) {
          case 0 -> line -> false;
          case 1 -> line -> true;
          default -> line -> chance.nextBoolean();
        };
    rig.fast.crash(survives);
    rig.origin.crash(survives);
    Fault fault = strikeOnce(rig, chance);
    rig.fast.open();
    rig.origin.open();
    rig.start();
    rig.deliver();
    String what = "after " + fault;
    int lost = checkPages(rig, model, fault, what);
    // What was read does not change back, whatever happens next.
    rig.target.persist();
    rig.crash(line -> false);
    lost = Math.max(lost, checkPages(rig, model, fault, what + " and another crash"));
    if (lost < 0) {
      rig.target.writeBack();
      checkPages(rig, model, fault, what + " and write-back");
    }
    rig.reopen();
    checkPages(rig, model, fault, what + " and closing");
  }

  private record Fault(Side side, FaultKind kind, ByteRange range) {
    @Override
    public String toString() {
      return kind + " at " + range + " of " + side.name;
    }
  }

  private static Fault strikeOnce(WriteCacheRig rig, SplittableRandom chance) throws IOException {
    Side side = chance.nextBoolean() ? rig.fast : rig.origin;
    long pages = side.media.sizeBytes() / PAGE;
    ByteRange range = ByteRange.ofLength(chance.nextLong(pages) * PAGE, PAGE);
    // What bare devices hold is as good as what they return, but for what checks itself.
    boolean checksItself = side.kind == Kind.PROTECTED || !holdsData(rig, side, range);
    List<FaultKind> kinds =
        checksItself ? List.of(FaultKind.values()) : List.of(FaultKind.POISON, FaultKind.EIO);
    FaultKind kind = kinds.get(chance.nextInt(kinds.size()));
    side.media.injector().inject(FaultSpec.of(kind, range, chance.nextLong()));
    return new Fault(side, kind, range);
  }

  /** True for bytes of a bare side that are pages of the cache's users. */
  private static boolean holdsData(WriteCacheRig rig, Side side, ByteRange range) {
    if (side == rig.origin) {
      return side.region.contains(range);
    }
    WriteCacheGeometry geometry = WriteCacheGeometry.plan(side.region.length(), rig.originBytes);
    return geometry.data().shift(side.region.start()).contains(range);
  }

  /** Checks all pages; the one that is lost, or -1. */
  private static int checkPages(WriteCacheRig rig, WriteCacheModel model, Fault fault, String what)
      throws IOException {
    int lost = -1;
    for (int page = 0; page < PAGES; page++) {
      try {
        model.settle(page, rig.read((long) page * PAGE, PAGE), what);
      } catch (PoisonedRangeException e) {
        if (lost >= 0 || fault.side().kind == Kind.PROTECTED || !struck(rig, page, fault)) {
          throw new AssertionError(what + ": page " + page + " is lost", e);
        }
        lost = page;
      }
    }
    return lost;
  }

  /** True when the only copy of the page lies where the fault is. */
  private static boolean struck(WriteCacheRig rig, int page, Fault fault) {
    ByteRange cached = rig.cached(page);
    boolean inCache = !cached.isEmpty();
    if (fault.side() == rig.fast) {
      return inCache && fault.side().below(cached).overlaps(fault.range());
    }
    return !inCache && fault.side().below(WriteCacheGeometry.page(page)).overlaps(fault.range());
  }

  @ParameterizedTest
  @EnumSource(Setup.class)
  void shouldOutliveAStrikeBetweenAnyTwoSteps(Setup setup) throws IOException {
    atEveryStep(
        setup, "shouldOutliveAStrikeBetweenAnyTwoSteps", WriteCacheCrashTest::strikeInBetween);
  }

  static void strikeInBetween(long seed, long at, Setup setup) throws IOException {
    WriteCacheRig rig = setup.rig(seed);
    WriteCacheModel model = new WriteCacheModel(PAGES);
    SplittableRandom chance = new SplittableRandom(seed * 17 + at);
    Fault[] fault = {new Fault(rig.fast, FaultKind.POISON, new ByteRange(0, 0))};
    Steps steps = new Steps();
    steps.at = at;
    steps.what =
        (step, range) -> {
          if (fault[0].range().isEmpty()) {
            fault[0] = strikeOnce(rig, chance);
          }
        };
    steps.on(rig);
    boolean interrupted = false;
    try {
      workload(rig, model, new SplittableRandom(seed));
    } catch (PoisonedRangeException lost) {
      // Part of a page over its loss, or a page that cannot be written back.
      interrupted = true;
      assertThat(fault[0].side().kind).as("%s: %s", fault[0], lost).isEqualTo(Kind.BARE);
    }
    rig.deliver();
    String what = "with " + fault[0] + (interrupted ? ", interrupted" : "");
    int lost = checkPages(rig, model, fault[0], what);
    try {
      rig.target.writeBack();
    } catch (PoisonedRangeException stays) {
      // The strike may also come in this write-back.
      assertThat(interrupted || lost >= 0 || fault[0].side().kind == Kind.BARE).isTrue();
    }
    rig.target.persist();
    rig.crash(line -> chance.nextBoolean());
    checkPages(rig, model, fault[0], what + ", after a crash");
  }

  @Test
  void shouldNotTakeATornEntryForOne() throws IOException {
    WriteCacheRig rig = Setup.BARE.rig(1);
    WriteCacheModel model = new WriteCacheModel(PAGES);
    byte[] first = WriteCacheRig.filled(PAGE, 1);
    model.write(0, first);
    rig.write(0, first);
    rig.target.persist();
    model.persisted();
    // Half of its entry in the first table is that of another time.
    long entry = rig.core().geometry.entryOffset(0, rig.core().index.map.find(0));
    try (Arena arena = Arena.ofConfined()) {
      rig.fast.device.write(entry + 8, arena.allocate(16));
      rig.fast.device.persist();
    }
    rig.crash(line -> false);
    if (rig.core().index.map.find(0) < 0) {
      fail("the entry in the second table does not count");
    }
    model.settle(0, rig.read(0, PAGE), "torn");
  }
}

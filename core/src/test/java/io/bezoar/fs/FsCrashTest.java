package io.bezoar.fs;

import io.bezoar.media.ByteRange;
import io.bezoar.media.FaultKind;
import io.bezoar.media.FaultSpec;
import io.bezoar.media.SimMedia;
import java.io.IOException;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The promise of a filesystem, taken at its word: the power is cut before every step of a workload,
 * or somewhere in a long one, and any subset of unpersisted lines survives; where the device is
 * protected one fault strikes besides. Then everything that was synced is there, nothing is there
 * that was not written, nothing is half done, and everything agrees; and it goes on from there, and
 * survives that.
 */
class FsCrashTest {
  private static final List<FaultKind> KINDS = List.of(FaultKind.values());
  private static final int MEBIBYTES = 5;

  private final long base = Long.getLong("bezoar.seed", System.nanoTime());

  private String replay(String method, int rounds) {
    return "; replay: mvn -pl core -am test -Dtest=FsCrashTest#"
        + method
        + " -Dbezoar.rounds="
        + rounds
        + " -Dbezoar.seed="
        + base;
  }

  @ParameterizedTest
  @EnumSource(FsRig.Below.class)
  void shouldSurviveACrashBeforeEveryStepOfShortWorkloads(FsRig.Below below) {
    int rounds = Integer.getInteger("bezoar.rounds", below == FsRig.Below.LEAF ? 12 : 2);
    for (int round = 0; round < rounds; round++) {
      long seed = base + round;
      SplittableRandom random = new SplittableRandom(seed);
      FsWorkload workload = FsWorkload.random(random, 1 + random.nextInt(3));
      boolean isCut = true;
      // A protected target takes many more steps, which have tests of their own.
      int stride = below == FsRig.Below.LEAF ? 1 : 12;
      for (long cut = 1; isCut; cut += 1 + random.nextInt(stride)) {
        try {
          FsTwin twin = FsWorkload.prepare(FsRig.create(below, MEBIBYTES, seed));
          isCut = runAndCrash(twin, () -> workload.run(twin), cut, seed);
        } catch (Throwable failed) {
          throw new AssertionError(
              workload
                  + " seed "
                  + seed
                  + " cut "
                  + cut
                  + " on "
                  + below
                  + replay("shouldSurviveACrashBeforeEveryStepOfShortWorkloads", rounds),
              failed);
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource(FsRig.Below.class)
  void shouldSurviveCrashesOfLongWorkloads(FsRig.Below below) {
    int rounds = Integer.getInteger("bezoar.rounds", below == FsRig.Below.LEAF ? 40 : 10);
    for (int round = 0; round < rounds; round++) {
      long seed = base + round;
      SplittableRandom random = new SplittableRandom(seed);
      FsTwin[] twin = new FsTwin[1];
      try {
        twin[0] = FsTwin.of(FsRig.create(below, MEBIBYTES, seed));
        FsDriver driver = new FsDriver(twin[0], random, 40, 300);
        // Several crashes of the same filesystem, each on top of what the last one left.
        for (int crash = 0; crash < 4; crash++) {
          runAndCrash(twin[0], () -> drive(driver, 60), 1 + random.nextInt(400), random.nextLong());
        }
      } catch (Throwable failed) {
        throw new AssertionError(
            "seed "
                + seed
                + " on "
                + below
                + replay("shouldSurviveCrashesOfLongWorkloads", rounds)
                + (twin[0] == null ? "" : "; newest operations:\n  " + twin[0].history()),
            failed);
      }
    }
  }

  private interface Work {
    void run() throws IOException, FsTwin.Cut;
  }

  private static void drive(FsDriver driver, int steps) throws IOException, FsTwin.Cut {
    for (int i = 0; i < steps; i++) {
      driver.step();
    }
  }

  /** False when the workload ended before the power was cut. */
  private static boolean runAndCrash(FsTwin twin, Work work, long cut, long seed)
      throws IOException, FsTwin.Cut {
    FsRig rig = twin.rig;
    rig.media.cutPowerBeforeStep(rig.media.stepCount() + cut);
    boolean isCut = false;
    try {
      work.run();
    } catch (FsTwin.Cut expected) {
      isCut = true;
    }
    SplittableRandom chance = new SplittableRandom(seed * 31 + cut);
    SimMedia survivors = survivors(rig.media, chance);
    if (rig.below == FsRig.Below.PROTECTED) {
      strikeOnce(survivors, chance);
    }
    if (chance.nextInt(4) == 0) {
      survivors = crashWhileOpening(rig, survivors, chance);
    }
    twin.reopenOn(survivors);
    rig.assertClean();
    // It goes on from there.
    drive(new FsDriver(twin, chance, 50, 300), 5);
    twin.reopen();
    twin.compareAll();
    rig.assertClean();
    return isCut;
  }

  private static SimMedia survivors(SimMedia media, SplittableRandom chance) {
    return switch (chance.nextInt(4)) {
      case 0 -> media.crash(_ -> false);
      case 1 -> media.crash(_ -> true);
      default -> media.crash(chance);
    };
  }

  /** Opening writes, too. */
  private static SimMedia crashWhileOpening(FsRig rig, SimMedia media, SplittableRandom chance)
      throws IOException {
    media.cutPowerBeforeStep(media.stepCount() + 1 + chance.nextInt(30));
    try {
      rig.reopenOn(media);
      rig.fs.status();
    } catch (IOException | RuntimeException failure) {
      if (!FsTwin.isPowerCut(failure)) {
        throw failure;
      }
    }
    return survivors(media, chance);
  }

  private static void strikeOnce(SimMedia media, SplittableRandom chance) throws IOException {
    long lists = 16L * FsRig.PAGE;
    long pages = (media.sizeBytes() - 2 * lists) / FsRig.PAGE;
    long at = lists + chance.nextLong(chance.nextBoolean() ? pages : pages / 8) * FsRig.PAGE;
    FaultKind kind = KINDS.get(chance.nextInt(KINDS.size()));
    media
        .injector()
        .inject(FaultSpec.of(kind, ByteRange.ofLength(at, FsRig.PAGE), chance.nextLong()));
  }
}

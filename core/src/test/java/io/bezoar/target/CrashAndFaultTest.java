package io.bezoar.target;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import io.bezoar.media.ByteRange;
import io.bezoar.media.FaultKind;
import io.bezoar.media.SimMedia;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The promise of the protected target, taken at its word: a crash before any step of a workload,
 * with any subset of unpersisted lines kept, and one media fault anywhere (a page, or a contiguous
 * run of up to a column, of any kind: metadata, journals and poison list included). Afterwards
 * every page holds one of the contents that the crash allows, and every row survives the loss of
 * one more page.
 */
class CrashAndFaultTest {
  private static final int PAGE = Rig.PAGE;
  private static final int COLUMNS = 4;
  private static final long ROWS = 7;
  private static final List<FaultKind> KINDS = List.of(FaultKind.values());

  /** Contents that each page may have after a crash: the last durable one and all later ones. */
  private static final class Model {
    final List<List<byte[]>> allowed = new ArrayList<>();

    Model(long pages) {
      for (long i = 0; i < pages; i++) {
        allowed.add(new ArrayList<>(List.of(new byte[PAGE])));
      }
    }

    byte[] latest(int page) {
      return allowed.get(page).getLast();
    }

    void write(long offset, byte[] bytes) {
      int from = 0;
      while (from < bytes.length) {
        int page = (int) ((offset + from) / PAGE);
        int within = (int) ((offset + from) % PAGE);
        int n = Math.min(PAGE - within, bytes.length - from);
        byte[] next = latest(page).clone();
        System.arraycopy(bytes, from, next, within, n);
        allowed.get(page).add(next);
        from += n;
      }
    }

    void persisted() {
      for (List<byte[]> versions : allowed) {
        byte[] last = versions.getLast();
        versions.clear();
        versions.add(last);
      }
    }
  }

  private static void workload(Rig rig, Model model, SplittableRandom random) throws IOException {
    for (int op = 0; op < 12; op++) {
      if (random.nextInt(4) == 0) {
        rig.target.persist();
        model.persisted();
      } else {
        long volume = rig.geometry.volumeBytes();
        boolean aligned = random.nextInt(3) > 0;
        int length = aligned ? PAGE * (1 + random.nextInt(5)) : 1 + random.nextInt(2 * PAGE);
        long offset = random.nextLong(volume - length + 1);
        offset = aligned ? offset / PAGE * PAGE : offset;
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        model.write(offset, bytes);
        rig.write(offset, bytes);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(WritePath.WriteMode.class)
  void survivesACrashBeforeAnyStepAndOneFaultAnywhere(WritePath.WriteMode mode) throws IOException {
    long base = Long.getLong("bezoar.seed", System.nanoTime());
    int rounds = Integer.getInteger("bezoar.rounds", 6);
    for (int round = 0; round < rounds; round++) {
      long seed = base + round;
      long steps = stepsOf(seed, mode);
      for (long cut = 1; cut <= steps + 1; cut++) {
        try {
          crashAndStrike(seed, cut, mode);
        } catch (Throwable failed) {
          throw new AssertionError(
              "seed "
                  + seed
                  + " cut "
                  + cut
                  + " mode "
                  + mode
                  + "; replay: mvn -pl core test -Dtest=CrashAndFaultTest -Dbezoar.seed="
                  + seed
                  + " -Dbezoar.rounds=1",
              failed);
        }
      }
    }
  }

  private static long stepsOf(long seed, WritePath.WriteMode mode) throws IOException {
    Rig rig = Rig.create(COLUMNS, ROWS, mode, seed);
    long before = rig.media.stepCount();
    workload(rig, new Model(rig.geometry.dataPages()), new SplittableRandom(seed));
    return rig.media.stepCount() - before;
  }

  static void crashAndStrike(long seed, long cut, WritePath.WriteMode mode) throws IOException {
    Rig rig = Rig.create(COLUMNS, ROWS, mode, seed);
    Model model = new Model(rig.geometry.dataPages());
    rig.media.cutPowerBeforeStep(rig.media.stepCount() + cut);
    try {
      workload(rig, model, new SplittableRandom(seed));
    } catch (SimMedia.PowerCutException expected) {
      assertThat(expected).isNotNull();
    }
    SplittableRandom chance = new SplittableRandom(seed * 31 + cut);
    SimMedia survivors =
        switch (chance.nextInt(4)) {
          case 0 -> rig.media.crash(line -> false);
          case 1 -> rig.media.crash(line -> true);
          default -> rig.media.crash(chance);
        };
    Fault fault = strikeOnce(survivors, chance);
    rig.reopenOn(survivors);
    String what = "after " + fault;
    checkPages(rig, model, what);
    rig.scrubAll();
    checkPages(rig, model, what + " and scrub");
    rig.assertScrubsClean();
    strikeEveryRow(rig, model, chance, what);
  }

  private record Fault(FaultKind kind, ByteRange range) {}

  private static Fault strikeOnce(SimMedia media, SplittableRandom chance) throws IOException {
    FaultKind kind = KINDS.get(chance.nextInt(KINDS.size()));
    ByteRange region = new ByteRange(0, media.sizeBytes());
    boolean run = kind.refuses() && chance.nextInt(3) == 0;
    long length = run ? PAGE * (1 + chance.nextLong(ROWS)) : PAGE;
    long offset = region.start() + chance.nextLong((region.length() - length) / PAGE + 1) * PAGE;
    ByteRange range = ByteRange.ofLength(offset, length);
    media.injector().inject(io.bezoar.media.FaultSpec.of(kind, range, chance.nextLong()));
    return new Fault(kind, range);
  }

  /** Every page is readable and allowed; the model then knows which content it has. */
  private static void checkPages(Rig rig, Model model, String what) throws IOException {
    for (int page = 0; page < rig.geometry.dataPages(); page++) {
      byte[] found;
      try {
        found = rig.read((long) page * PAGE, PAGE);
      } catch (IOException lost) {
        throw new IOException(what + ": page " + page + " cannot be read", lost);
      }
      List<byte[]> versions = model.allowed.get(page);
      if (versions.stream().noneMatch(version -> Arrays.equals(version, found))) {
        fail(what + ": page " + page + " holds none of " + versions.size() + " allowed contents");
      }
      versions.clear();
      versions.add(found);
    }
  }

  private static void strikeEveryRow(Rig rig, Model model, SplittableRandom chance, String what)
      throws IOException {
    for (long row = 0; row < ROWS; row++) {
      rig.strike(
          FaultKind.POISON,
          rig.geometry.childOffset(row, chance.nextInt(COLUMNS)),
          PAGE,
          chance.nextLong());
    }
    checkPages(rig, model, what + ", scrubbed and struck again in every row");
  }
}

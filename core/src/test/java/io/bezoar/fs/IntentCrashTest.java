package io.bezoar.fs;

import static org.assertj.core.api.Assertions.assertThat;

import io.bezoar.media.ByteRange;
import io.bezoar.media.FaultKind;
import io.bezoar.media.FaultSpec;
import io.bezoar.media.SimMedia;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The promise of the intent log, taken at its word: the power is cut before every step of a
 * workload, any subset of unpersisted lines survives, and one fault strikes anywhere. What is
 * replayed is what was appended, in order and up to some record, and at least all that was durable;
 * on a device without redundancy what is missing is said. Then it goes on.
 */
class IntentCrashTest {
  private static final List<FaultKind> KINDS = List.of(FaultKind.values());

  /** One record as it was appended. */
  private record Logged(long includedIn, long base, long inode, MemorySegment data) {
    IntentRecord record() {
      return IntentRig.record(includedIn, base, inode, data.toArray(ValueLayout.JAVA_BYTE));
    }

    boolean isDueOn(long commit) {
      return commit < includedIn;
    }
  }

  /** What the log must and may give back. */
  private static final class Model {
    /** All that were appended, or were about to be, and may not be in a durable commit. */
    final List<Logged> logged = new ArrayList<>();

    /** How many of them are durable by the log. */
    int durable;

    /** Newest durable commit. */
    long commit = 10;

    long inode;
  }

  /** What strikes between the crash and the next boot. */
  private enum Strike {
    NONE,
    ONE
  }

  private static void workload(IntentLog log, Model model, SplittableRandom random, int length)
      throws IOException {
    long ticket = 0;
    for (int op = 0; op < length; op++) {
      int kind = random.nextInt(8);
      if (kind == 0) {
        commit(log, model, random);
        continue;
      }
      List<IntentRecord> batch = new ArrayList<>();
      int before = model.logged.size();
      for (int n = random.nextInt(3); n >= 0; n--) {
        Logged next = next(model, random);
        model.logged.add(next);
        batch.add(next.record());
      }
      try {
        ticket = log.append(batch);
      } catch (IntentLogFullException full) {
        model.logged.subList(before, model.logged.size()).clear();
        // Records may be for the commit after the next.
        commit(log, model, random);
        commit(log, model, random);
        continue;
      }
      if (kind > 2) {
        log.persist(ticket);
        model.durable = model.logged.size();
      }
    }
  }

  private static Logged next(Model model, SplittableRandom random) {
    int bytes =
        switch (random.nextInt(6)) {
          case 0 -> 0;
          case 1 -> 4096;
          case 2 -> random.nextInt(12_000);
          default -> random.nextInt(500);
        };
    byte[] data = new byte[bytes];
    random.nextBytes(data);
    // The next commit may be on its way already: then it is the one after that.
    long includedIn = model.commit + 1 + random.nextInt(2);
    return new Logged(includedIn, model.commit, model.inode++, MemorySegment.ofArray(data));
  }

  private static void commit(IntentLog log, Model model, SplittableRandom random) {
    model.commit++;
    if (random.nextInt(8) > 0) {
      log.durable(model.commit);
    }
  }

  @ParameterizedTest
  @EnumSource(IntentRig.Below.class)
  void shouldReplayWhatWasDurableAfterACrashBeforeAnyStep(IntentRig.Below below)
      throws IOException {
    run(below, Strike.NONE, below == IntentRig.Below.LEAF ? 16 : 3);
  }

  @ParameterizedTest
  @EnumSource(IntentRig.Below.class)
  void shouldReplayWhatWasDurableOrSayWhatIsMissingAfterACrashAndOneFault(IntentRig.Below below)
      throws IOException {
    run(below, Strike.ONE, below == IntentRig.Below.LEAF ? 16 : 4);
  }

  private static void run(IntentRig.Below below, Strike strike, int defaultRounds) {
    long base = Long.getLong("bezoar.seed", System.nanoTime());
    int rounds = Integer.getInteger("bezoar.rounds", defaultRounds);
    for (int round = 0; round < rounds; round++) {
      long seed = base + round;
      int length = round % 4 == 3 ? 40 : 8;
      for (long cut = 1; ; cut++) {
        try {
          if (!crash(below, strike, seed, length, cut)) {
            break;
          }
        } catch (Throwable failed) {
          throw new AssertionError(
              "seed "
                  + seed
                  + " cut "
                  + cut
                  + " length "
                  + length
                  + " on "
                  + below
                  + "; replay: mvn -pl core -am test -Dtest=IntentCrashTest -Dbezoar.rounds="
                  + rounds
                  + " -Dbezoar.seed="
                  + base,
              failed);
        }
      }
    }
  }

  /** False when the workload ended before the power was cut. */
  private static boolean crash(
      IntentRig.Below below, Strike strike, long seed, int length, long cut) throws IOException {
    IntentRig rig = IntentRig.create(below, seed);
    IntentLog log = rig.open();
    log.restart(10);
    Model model = new Model();
    rig.media.cutPowerBeforeStep(rig.media.stepCount() + cut);
    boolean isCut = false;
    try {
      workload(log, model, new SplittableRandom(seed), length);
    } catch (SimMedia.PowerCutException expected) {
      isCut = true;
    }
    SplittableRandom chance = new SplittableRandom(seed * 31 + cut);
    SimMedia survivors =
        switch (chance.nextInt(4)) {
          case 0 -> rig.media.crash(_ -> false);
          case 1 -> rig.media.crash(_ -> true);
          default -> rig.media.crash(chance);
        };
    @Nullable FaultKind fault = strike == Strike.ONE ? strike(rig, survivors, chance) : null;
    rig.openOn(survivors);
    // Perhaps a commit became durable, and the log was not told.
    model.commit += chance.nextInt(4) == 0 ? 1 : 0;
    IntentLog again = rig.open();
    List<IntentRig.Seen> seen = new ArrayList<>();
    IntentReplay replay = IntentRig.replay(again, model.commit, seen);
    if (fault == null || below == IntentRig.Below.PROTECTED) {
      assertThat(replay.damage()).as("%s", fault).isEmpty();
      assertWhole(model, seen, fault);
    } else {
      assertHonest(model, replay, seen, fault);
    }
    assertThat(replay.unfounded()).isZero();
    goOn(rig, again, model, chance, fault);
    return isCut;
  }

  /** One fault of a page or a line, mostly in the log. */
  private static FaultKind strike(IntentRig rig, SimMedia media, SplittableRandom chance)
      throws IOException {
    ByteRange region = rig.struckRegion();
    FaultKind kind = KINDS.get(chance.nextInt(KINDS.size()));
    long page = IntentRig.PAGE;
    long at =
        chance.nextInt(3) > 0
            ? rig.onMedia(IntentRig.REGION.start() + chance.nextInt(6) * page)
            : region.start() + chance.nextLong(region.length() / page) * page;
    int line = chance.nextInt(64);
    ByteRange range =
        chance.nextBoolean()
            ? ByteRange.ofLength(at, page)
            : ByteRange.ofLength(at + line * 64L, 64);
    media.injector().inject(FaultSpec.of(kind, range, chance.nextLong()));
    return kind;
  }

  private static List<Logged> due(Model model) {
    return model.logged.stream().filter(l -> l.isDueOn(model.commit)).toList();
  }

  private static long mustHave(Model model) {
    return model.logged.subList(0, model.durable).stream()
        .filter(l -> l.isDueOn(model.commit))
        .count();
  }

  /** A prefix of what is due, with all in it that was durable. */
  private static void assertWhole(Model model, List<IntentRig.Seen> seen, @Nullable Object what) {
    List<Logged> due = due(model);
    assertThat((long) seen.size()).as("%s", what).isBetween(mustHave(model), (long) due.size());
    for (int i = 0; i < seen.size(); i++) {
      assertSame(due.get(i), seen.get(i));
    }
  }

  /** Only what is due, in order; and a word of what is missing and must not be. */
  private static void assertHonest(
      Model model, IntentReplay replay, List<IntentRig.Seen> seen, FaultKind fault) {
    List<Logged> due = due(model);
    long must = mustHave(model);
    int at = 0;
    boolean missingBefore = false;
    for (IntentRig.Seen one : seen) {
      while (at < due.size() && due.get(at).inode() != one.record().inode()) {
        missingBefore |= at < must;
        at++;
      }
      assertThat(at).as("invented, or out of order: %s", one).isLessThan(due.size());
      assertSame(due.get(at), one);
      at++;
    }
    // What was changed silently at the very end looks like what a crash tore.
    if (missingBefore || (fault.refuses() && at < must)) {
      assertThat(replay.damage()).as("%s", fault).isNotEmpty();
    }
  }

  private static void assertSame(Logged logged, IntentRig.Seen seen) {
    IntentRecord record = seen.record();
    assertThat(record.inode()).isEqualTo(logged.inode());
    assertThat(record.includedIn()).isEqualTo(logged.includedIn());
    assertThat(record.base()).isEqualTo(logged.base());
    assertThat(record.data().mismatch(logged.data())).isEqualTo(-1);
  }

  /** What was replayed is committed, and the log is used again and survives a crash. */
  private static void goOn(
      IntentRig rig, IntentLog log, Model model, SplittableRandom chance, @Nullable FaultKind fault)
      throws IOException {
    // As a forest does: the first commits after an opening have greater numbers.
    model.commit += 3;
    log.restart(model.commit);
    model.logged.clear();
    model.durable = 0;
    workload(log, model, chance, 5);
    rig.openOn(rig.media.crash(chance));
    List<IntentRig.Seen> seen = new ArrayList<>();
    IntentReplay replay = rig.replay(model.commit, seen);
    // Without redundancy the fault, if it strikes where the crash does, is there for good.
    if (fault == null || rig.below == IntentRig.Below.PROTECTED) {
      assertThat(replay.damage()).isEmpty();
      assertWhole(model, seen, "gone on");
    } else {
      assertHonest(model, replay, seen, fault);
    }
  }
}

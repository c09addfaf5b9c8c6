package io.bezoar.tree;

import static org.assertj.core.api.Assertions.assertThat;

import io.bezoar.media.ByteRange;
import io.bezoar.media.FaultKind;
import io.bezoar.media.FaultSpec;
import io.bezoar.media.SimMedia;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.NavigableMap;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The promise of a forest, taken at its word: the power is cut before every step of a workload, any
 * subset of unpersisted lines survives, and one fault strikes anywhere. The forest opens at the
 * last durable commit or a later one, as a whole; what is in use is exactly what is reachable; and
 * it takes changes again, and survives them.
 */
class ForestCrashTest {
  private static final int PAGE = TreeRig.PAGE;
  private static final int PAGES = 320;
  private static final List<FaultKind> KINDS = List.of(FaultKind.values());

  /** States that may be found after a crash, the last durable one first. */
  private static final class Model {
    final List<NavigableMap<byte[], byte[]>> states = new ArrayList<>();

    Model() {
      states.add(new TreeMap<>(Arrays::compareUnsigned));
    }

    NavigableMap<byte[], byte[]> next() {
      return new TreeMap<>(states.getLast());
    }

    void applied(NavigableMap<byte[], byte[]> state) {
      states.add(state);
    }

    void persisted() {
      states.subList(0, states.size() - 1).clear();
    }
  }

  private record Start(TreeRig rig, Tree tree) {}

  private static Start start(TreeRig.Below below, long seed) throws IOException {
    // Little memory for changes: large transactions are stored in part before they are committed.
    ForestOptions options = new ForestOptions(64 << 10, 64 << 10, Runnable::run);
    TreeRig rig = TreeRig.create(below, PAGES, seed, options);
    Tree tree = rig.tree("t");
    rig.reopen();
    return new Start(rig, tree);
  }

  private static void workload(Start start, Model model, SplittableRandom random, int length)
      throws IOException {
    Forest forest = start.rig().forest;
    for (int op = 0; op < length; op++) {
      try (Transaction tx = forest.begin(Purpose.ORDINARY)) {
        NavigableMap<byte[], byte[]> next = model.next();
        change(tx, start.tree(), next, random);
        int ending = random.nextInt(6);
        if (ending == 0) {
          continue;
        }
        if (ending == 1) {
          tx.hold("hold " + random.nextLong());
        }
        model.applied(next);
        tx.apply();
      }
      if (random.nextInt(3) > 0) {
        forest.persist();
        model.persisted();
      }
      if (random.nextInt(8) == 0 && !forest.holds().isEmpty()) {
        try (Transaction tx = forest.begin(Purpose.RELIEF)) {
          tx.release(forest.holds().getFirst());
          model.applied(model.next());
          tx.apply();
        }
        forest.prune();
      }
    }
  }

  private static void change(
      Transaction tx, Tree tree, NavigableMap<byte[], byte[]> next, SplittableRandom random)
      throws IOException {
    int count = random.nextInt(3) == 0 ? 80 : 4;
    if (random.nextInt(5) == 0) {
      byte[] from = TreeRig.key(random.nextInt(200));
      byte[] to = TreeRig.key(200);
      tx.deleteRange(tree, from, to);
      next.subMap(from, true, to, false).clear();
      return;
    }
    for (int i = 0; i < count; i++) {
      byte[] key = TreeRig.key(random.nextInt(200));
      if (random.nextInt(4) == 0) {
        tx.delete(tree, key);
        next.remove(key);
      } else {
        byte[] value = new byte[random.nextInt(250)];
        random.nextBytes(value);
        tx.put(tree, key, value);
        next.put(key, value);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(TreeRig.Below.class)
  void shouldOpenAtTheLastCommitAfterACrashBeforeAnyStepAndOneFault(TreeRig.Below below)
      throws IOException {
    long base = Long.getLong("bezoar.seed", System.nanoTime());
    int rounds = Integer.getInteger("bezoar.rounds", below == TreeRig.Below.LEAF ? 12 : 2);
    for (int round = 0; round < rounds; round++) {
      long seed = base + round;
      int length = round % 4 == 3 ? 12 : 3;
      for (long cut = 1; ; cut++) {
        try {
          if (!crashAndStrike(below, seed, length, cut)) {
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
                  + "; replay: mvn -pl core -am test -Dtest=ForestCrashTest -Dbezoar.rounds="
                  + rounds
                  + " -Dbezoar.seed="
                  + base,
              failed);
        }
      }
    }
  }

  /** False when the workload ended before the power was cut. */
  private static boolean crashAndStrike(TreeRig.Below below, long seed, int length, long cut)
      throws IOException {
    Start start = start(below, seed);
    TreeRig rig = start.rig();
    Model model = new Model();
    rig.media.cutPowerBeforeStep(rig.media.stepCount() + cut);
    boolean isCut = false;
    try {
      workload(start, model, new SplittableRandom(seed), length);
    } catch (SimMedia.PowerCutException expected) {
      isCut = true;
    } catch (ForestFailedException expected) {
      assertThat(expected).hasCauseInstanceOf(SimMedia.PowerCutException.class);
      isCut = true;
    }
    SplittableRandom chance = new SplittableRandom(seed * 31 + cut);
    SimMedia survivors =
        switch (chance.nextInt(4)) {
          case 0 -> rig.media.crash(line -> false);
          case 1 -> rig.media.crash(line -> true);
          default -> rig.media.crash(chance);
        };
    String fault = strikeOnce(rig, survivors, chance);
    rig.reopenOn(survivors);
    assertThat(rig.forest.skipped()).isEmpty();
    NavigableMap<byte[], byte[]> found = assertAllowed(start, model, fault);
    rig.assertClean();
    assertThat(rig.forest.check(DataPages.NONE).badCopies()).as(fault).isEmpty();
    // It goes on from there.
    Model after = new Model();
    after.applied(found);
    after.persisted();
    workload(start, after, chance, 3);
    rig.forest.persist();
    after.persisted();
    rig.assertClean();
    rig.reopen();
    assertAllowed(start, after, fault + ", gone on");
    return isCut;
  }

  private static String strikeOnce(TreeRig rig, SimMedia media, SplittableRandom chance)
      throws IOException {
    ByteRange region = rig.struckRegion();
    FaultKind kind = KINDS.get(chance.nextInt(KINDS.size()));
    long pages = region.length() / PAGE;
    long at = region.start() + chance.nextLong(chance.nextBoolean() ? pages : pages / 8) * PAGE;
    if (chance.nextInt(4) == 0) {
      // A root slot: no other pages are as few.
      at = rig.onMedia(rig.device.sizeBytes() / PAGE / 4 * chance.nextInt(4) * PAGE);
    }
    media.injector().inject(FaultSpec.of(kind, ByteRange.ofLength(at, PAGE), chance.nextLong()));
    return kind + " at " + at;
  }

  /** The content is one of the allowed ones; which. */
  private static NavigableMap<byte[], byte[]> assertAllowed(Start start, Model model, String what)
      throws IOException {
    NavigableMap<byte[], byte[]> found = new TreeMap<>(Arrays::compareUnsigned);
    try (Snapshot now = start.rig().forest.snapshot()) {
      Cursor cursor = now.cursor(start.tree());
      for (boolean at = cursor.first(); at; at = cursor.next()) {
        found.put(cursor.key(), cursor.value());
      }
    }
    boolean allowed = model.states.stream().anyMatch(state -> same(state, found));
    assertThat(allowed).as("%s: one of %s states", what, model.states.size()).isTrue();
    return found;
  }

  private static boolean same(
      NavigableMap<byte[], byte[]> left, NavigableMap<byte[], byte[]> right) {
    if (left.size() != right.size()) {
      return false;
    }
    var other = right.entrySet().iterator();
    for (var entry : left.entrySet()) {
      var there = other.next();
      if (!Arrays.equals(entry.getKey(), there.getKey())
          || !Arrays.equals(entry.getValue(), there.getValue())) {
        return false;
      }
    }
    return true;
  }
}

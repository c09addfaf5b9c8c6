package io.bezoar.target;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import io.bezoar.dax.DaxDevice;
import io.bezoar.media.ByteRange;
import io.bezoar.media.FaultKind;
import io.bezoar.media.FaultSpec;
import io.bezoar.media.Presence;
import io.bezoar.media.Units;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The promise of the mirror, taken at its word: the power is cut before any step of any leg, each
 * leg keeps a random subset of its unpersisted lines, and sometimes one leg is struck. Afterwards
 * every page holds one of the contents that the crash allows, it does not change while legs are
 * made equal, and in the end all legs in sync are equal.
 */
class MirrorCrashTest {
  private static final int PAGE = MirrorRig.PAGE;
  private static final int PAGES = 70;
  private static final MirrorRig.Kind BARE = MirrorRig.Kind.BARE;

  /** A write and a persist of each copy on each of two legs. */
  private static final int STEPS_OF_TABLE = 8;

  /** What happens before the power goes. */
  enum Scenario {
    /** Two legs in sync. */
    TWO,
    /** Of three legs one disappears under way. */
    LOSING_ONE,
    /** A leg that was away is being brought up to date. */
    RETURNING,
    /** A second leg is attached to one. */
    ATTACHING,
    /** A leg is detached, another taken offline. */
    LEAVING
  }

  /** Contents that each page may have after a crash: the last durable one and all later ones. */
  private static final class Model {
    final List<List<byte[]>> allowed = new ArrayList<>();

    Model() {
      for (int i = 0; i < PAGES; i++) {
        allowed.add(new ArrayList<>(List.of(new byte[PAGE])));
      }
    }

    void write(long offset, byte[] bytes) {
      int from = 0;
      while (from < bytes.length) {
        int page = (int) ((offset + from) / PAGE);
        int within = (int) ((offset + from) % PAGE);
        int n = Math.min(PAGE - within, bytes.length - from);
        byte[] next = allowed.get(page).getLast().clone();
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

  private static void work(MirrorRig rig, Model model, SplittableRandom random, int ops)
      throws IOException {
    for (int op = 0; op < ops; op++) {
      if (random.nextInt(4) == 0) {
        rig.target().persist();
        model.persisted();
      } else {
        boolean aligned = random.nextInt(3) > 0;
        int length = aligned ? PAGE * (1 + random.nextInt(3)) : 1 + random.nextInt(2 * PAGE);
        long offset = random.nextLong(rig.dataBytes - length + 1);
        offset = aligned ? offset / PAGE * PAGE : offset;
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        model.write(offset, bytes);
        rig.write(offset, bytes);
      }
    }
  }

  private static MirrorRig start(Scenario scenario, Model model, SplittableRandom random)
      throws IOException {
    long seed = random.nextLong(1000);
    MirrorRig rig =
        switch (scenario) {
          case TWO, RETURNING -> MirrorRig.create(List.of(BARE, BARE), PAGES, seed);
          case LOSING_ONE, LEAVING -> MirrorRig.create(List.of(BARE, BARE, BARE), PAGES, seed);
          case ATTACHING -> MirrorRig.create(List.of(BARE), PAGES, seed);
        };
    work(rig, model, random, 3);
    if (scenario == Scenario.RETURNING) {
      rig.target().takeOffline(1).close();
      work(rig, model, random, 4);
      rig.parts.get(1).media = rig.parts.get(1).media.reopen();
    }
    if (scenario == Scenario.ATTACHING) {
      rig.addPart(BARE, seed + 7);
    }
    rig.target().persist();
    model.persisted();
    return rig;
  }

  private static void workload(
      Scenario scenario, MirrorRig rig, Model model, SplittableRandom random) throws IOException {
    switch (scenario) {
      case TWO -> work(rig, model, random, 8);
      case LOSING_ONE -> {
        work(rig, model, random, 2);
        rig.parts.get(random.nextInt(3)).media.setPresence(Presence.GONE);
        work(rig, model, random, 5);
      }
      case RETURNING -> {
        rig.target().legReturned(1, rig.openLeg(rig.parts.get(1)));
        work(rig, model, random, 2);
        rig.resync();
        work(rig, model, random, 2);
      }
      case ATTACHING -> {
        rig.target().attach(1, rig.openLeg(rig.parts.get(1)));
        work(rig, model, random, 2);
        rig.resync();
        work(rig, model, random, 2);
      }
      case LEAVING -> {
        rig.target().takeOffline(2);
        work(rig, model, random, 2);
        rig.target().detach(1);
        work(rig, model, random, 2);
      }
    }
  }

  /** Cuts the power of all legs before one step, counted over all of them. */
  private static final class Supply {
    private final MirrorRig rig;
    private long left;
    private boolean off;

    Supply(MirrorRig rig, long steps) {
      this.rig = rig;
      this.left = steps;
      for (MirrorRig.Part part : rig.parts) {
        part.media.onStep(
            (step, range) -> {
              if (off || --left <= 0) {
                off = true;
                throw new Off();
              }
            });
      }
    }

    static final class Off extends RuntimeException {
      private static final long serialVersionUID = 1L;
    }

    void stop() {
      rig.parts.forEach(part -> part.media.onStep(null));
    }
  }

  @ParameterizedTest
  @EnumSource(Scenario.class)
  void shouldSurviveACrashBeforeAnyStep(Scenario scenario) throws IOException {
    long base = Long.getLong("bezoar.seed", System.nanoTime());
    int rounds = Integer.getInteger("bezoar.rounds", 2);
    for (int round = 0; round < rounds; round++) {
      long seed = base + round;
      long cut = 1;
      while (true) {
        boolean more;
        try {
          more = crash(scenario, seed, cut);
        } catch (Throwable failed) {
          throw new AssertionError(
              "scenario "
                  + scenario
                  + " cut "
                  + cut
                  + "; replay: mvn -pl core -am test -Dtest=MirrorCrashTest -Dbezoar.seed="
                  + seed
                  + " -Dbezoar.rounds=1",
              failed);
        }
        if (!more) {
          break;
        }
        cut++;
      }
      assertThat(cut).as("steps").isGreaterThan(20);
    }
  }

  /** Returns false when the workload ended before the cut. */
  private static boolean crash(Scenario scenario, long seed, long cut) throws IOException {
    SplittableRandom random = new SplittableRandom(seed);
    Model model = new Model();
    MirrorRig rig = start(scenario, model, random);
    Supply supply = new Supply(rig, cut);
    boolean cutOff = false;
    try {
      workload(scenario, rig, model, random);
    } catch (Supply.Off expected) {
      cutOff = true;
    }
    supply.stop();
    SplittableRandom chance = new SplittableRandom(seed * 31 + cut);
    int how = chance.nextInt(4);
    rig.crash(
        media ->
            switch (how) {
              case 0 -> media.crash(line -> false);
              case 1 -> media.crash(line -> true);
              default -> media.crash(chance);
            });
    if (scenario == Scenario.TWO && chance.nextInt(2) == 0) {
      strikeOnce(rig, chance);
    }
    reopenAndCheck(rig, model, "after the cut");
    return cutOff;
  }

  /** The power goes while superblocks are stored, and again while a leg so cut is taken back. */
  @Test
  void shouldKnowItsLegsAfterTwoCrashes() throws IOException {
    for (int first = STEPS_OF_TABLE / 2; first <= 2 * STEPS_OF_TABLE; first++) {
      for (int second = 1; second <= STEPS_OF_TABLE; second++) {
        for (int half = 0; half < 2; half++) {
          MirrorRig rig = MirrorRig.formatted(List.of(BARE, BARE), PAGES, 1);
          crashInFirstWrite(rig, first, half);
          rig.openOnly(0);
          rig.write(0, new byte[PAGE]);
          rig.target().persist();
          crashIn(rig, second, half, r -> r.target().legReturned(1, r.openLeg(r.parts.get(1))));
          rig.open();
          assertNoLegFailed(rig, "cut before steps " + first + " and " + second);
        }
      }
    }
  }

  @Test
  void shouldKnowItsLegsWhenACopyIsStruckOnceItWasOpenedAfterACrash() throws IOException {
    MirrorLayout layout = MirrorLayout.of((long) PAGES * PAGE);
    for (int cut = 1; cut <= 2 * STEPS_OF_TABLE; cut++) {
      for (int which = 0; which < 8; which++) {
        MirrorRig rig = MirrorRig.formatted(List.of(BARE, BARE), PAGES, 1);
        crashInFirstWrite(rig, cut, which / 4);
        rig.open();
        int slot = which / 2 % 2;
        rig.strike(slot, ByteRange.ofLength(layout.superblockAt(which % 2), PAGE));
        rig.crash(media -> media.crash(line -> true));
        rig.open();
        assertNoLegFailed(
            rig, "cut before step " + cut + ", copy " + which % 2 + " of leg " + slot + " struck");
      }
    }
  }

  private static void crashInFirstWrite(MirrorRig rig, int cut, int half) throws IOException {
    rig.open();
    crashIn(rig, cut, half, opened -> opened.write(0, new byte[PAGE]));
  }

  private interface Work {
    void run(MirrorRig rig) throws IOException;
  }

  /** Of what was not persisted every other line survives. */
  private static void crashIn(MirrorRig rig, int cut, int half, Work work) throws IOException {
    Supply supply = new Supply(rig, cut);
    try {
      work.run(rig);
    } catch (Supply.Off expected) {
      assertThat(expected).isNotNull();
    }
    supply.stop();
    rig.crash(media -> media.crash(line -> line / Units.LINE_BYTES % 2 == half));
  }

  private static void assertNoLegFailed(MirrorRig rig, String when) {
    assertThat(rig.target().legs())
        .as(when)
        .hasSize(2)
        .extracting(LegStatus::state)
        .doesNotContain(LegStatus.State.FAILED);
  }

  /** A page of one leg, notes included; whatever it was, the other leg has it. */
  private static void strikeOnce(MirrorRig rig, SplittableRandom chance) throws IOException {
    int slot = chance.nextInt(rig.parts.size());
    long legPages = MirrorLayout.of(rig.dataBytes).legBytes() / PAGE;
    ByteRange page = ByteRange.ofLength(chance.nextLong(legPages) * PAGE, PAGE);
    rig.inject(
        slot, FaultSpec.of(FaultKind.POISON, rig.parts.get(slot).below(page), chance.nextLong()));
  }

  private static void reopenAndCheck(MirrorRig rig, Model model, String what) throws IOException {
    Map<Integer, DaxDevice> legs = new TreeMap<>();
    for (int slot = 0; slot < rig.parts.size(); slot++) {
      legs.put(slot, rig.openLeg(rig.parts.get(slot)));
    }
    rig.openWith(legs);
    byte[] before = rig.read(0, PAGES * PAGE);
    for (int page = 0; page < PAGES; page++) {
      byte[] found = Arrays.copyOfRange(before, page * PAGE, (page + 1) * PAGE);
      List<byte[]> versions = model.allowed.get(page);
      if (!isMixOf(found, versions)) {
        fail(what + ": page " + page + " holds none of " + versions.size() + " allowed contents");
      }
    }
    rig.resync();
    rig.deliver();
    rig.target().compare(new ByteRange(0, rig.dataBytes));
    rig.deliver();
    assertThat(Arrays.mismatch(rig.read(0, PAGES * PAGE), before)).as("stays").isEqualTo(-1);
    byte[] first = null;
    for (LegStatus leg : rig.target().legs()) {
      if (leg.state() == LegStatus.State.FAILED) {
        assertThat(leg.event()).as("%s is no member", leg).isZero();
      } else {
        assertThat(leg.state()).as("%s", leg).isEqualTo(LegStatus.State.IN_SYNC);
        byte[] bytes = rig.leg(leg.slot());
        first = first == null ? bytes : first;
        assertThat(Arrays.mismatch(first, bytes)).as("%s: leg %s", what, leg).isEqualTo(-1);
      }
    }
    assertThat(first).isNotNull();
    // And nothing is left to be done after a clean close.
    rig.close();
    rig.open();
    assertThat(rig.tasks).as("owed after a clean close").isEmpty();
  }

  /** On bare legs each line by itself is old or new. */
  private static boolean isMixOf(byte[] found, List<byte[]> versions) {
    for (int line = 0; line < PAGE; line += Units.LINE_BYTES) {
      int from = line;
      int to = line + Units.LINE_BYTES;
      if (versions.stream().noneMatch(v -> Arrays.equals(found, from, to, v, from, to))) {
        return false;
      }
    }
    return true;
  }
}

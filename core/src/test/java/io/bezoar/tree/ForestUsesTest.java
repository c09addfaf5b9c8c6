package io.bezoar.tree;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bezoar.dax.Confidence;
import io.bezoar.media.ByteRange;
import io.bezoar.media.Cause;
import io.bezoar.media.FaultKind;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Every page is named for what it is, whatever became of its bytes. */
class ForestUsesTest {
  private static final int PAGE = TreeRig.PAGE;
  private static final int PAGES = 3000;

  private final long seed = Long.getLong("bezoar.seed", System.nanoTime());
  private final SplittableRandom random = new SplittableRandom(seed);

  private interface Body {
    void run() throws Exception;
  }

  private void seeded(Body body) {
    try {
      body.run();
    } catch (Throwable failed) {
      throw new AssertionError(
          "seed "
              + seed
              + "; replay: mvn -pl core -am test -Dtest=ForestUsesTest -Dbezoar.seed="
              + seed,
          failed);
    }
  }

  /** A forest with trees of three levels, data, holds, and what this test knows of its pages. */
  private final class World {
    final TreeRig rig;
    final Tree tree;
    final Tree data;

    /** Page to what {@link PageUse} is to say of it, for all that is neither free nor resting. */
    final Map<Long, String> expected = new TreeMap<>();

    World() throws IOException {
      rig =
          TreeRig.create(
              TreeRig.Below.LEAF, PAGES, seed, new ForestOptions(1 << 20, 1 << 25, Runnable::run));
      tree = rig.tree("t");
      data = rig.tree("data");
      for (int round = 0; round < 4; round++) {
        change(round);
      }
      rig.reopen();
      for (Hold hold : rig.forest.holds()) {
        if (hold.name().equals("h1")) {
          try (Transaction tx = rig.forest.begin(Purpose.RELIEF)) {
            tx.release(hold);
            tx.commit().join();
          }
        }
      }
      expect();
    }

    private void change(int round) throws IOException {
      try (Transaction tx = rig.forest.begin(Purpose.ORDINARY)) {
        for (int i = 0; i < 3000; i++) {
          if (round == 0 || random.nextInt(60) == 0) {
            tx.put(tree, TreeRig.key(i), new byte[random.nextInt(200)]);
          }
        }
        Cursor cursor = tx.cursor(data);
        List<long[]> going = new ArrayList<>();
        for (boolean at = cursor.first(); at; at = cursor.next()) {
          if (random.nextInt(3) == 0) {
            going.add(new long[] {cursor.keyLong(0), cursor.valueLong(0), cursor.valueLong(8)});
          }
        }
        for (long[] run : going) {
          tx.free(ByteRange.ofLength(run[0], run[1]), run[2]);
          tx.delete(data, TreeRig.key(run[0]));
        }
        for (int i = 0; i < 15; i++) {
          for (ByteRange run : tx.allocate(1 + random.nextInt(5))) {
            byte[] value = new byte[16];
            System.arraycopy(flip(run.length()), 0, value, 0, 8);
            System.arraycopy(flip(tx.commitNumber()), 0, value, 8, 8);
            tx.put(data, TreeRig.key(run.start()), value);
          }
        }
        if (round < 3) {
          tx.hold("h" + round);
        }
        tx.commit().join();
      }
    }

    /** Works it out another way: from every root down, leaves and all. */
    private void expect() throws IOException {
      try (Snapshot now = rig.forest.snapshot()) {
        ForestLayout.Root newest = newest(rig);
        for (int i = 0; i < 4; i++) {
          expected.put(newest.slots().get(i) / PAGE, "slot " + i);
        }
        for (TreeRoot root : newest.trees()) {
          nodes(root, "");
        }
        dataOf(now, "data");
      }
      for (Hold hold : rig.forest.holds()) {
        try (Snapshot then = rig.forest.open(hold)) {
          for (TreeRoot root : then.roots()) {
            nodes(root, hold.name());
          }
          dataOf(then, "held by " + hold.name());
        }
      }
    }

    private void dataOf(View view, String what) throws IOException {
      Cursor cursor = view.cursor(data);
      for (boolean at = cursor.first(); at; at = cursor.next()) {
        long start = cursor.keyLong(0) / PAGE;
        for (long page = start; page < start + cursor.valueLong(0) / PAGE; page++) {
          owned(page, what);
        }
      }
    }

    private void owned(long page, String what) {
      String before = expected.putIfAbsent(page, what);
      if (before != null && before.contains("held by") && what.contains("held by")) {
        expected.put(page, before + what.substring(what.indexOf("held by") + 7));
      }
    }

    private void nodes(TreeRoot root, String hold) throws IOException {
      if (!root.isEmpty()) {
        nodes(root, root.height() - 1, root.ref(), new byte[0], null, hold);
      }
    }

    private void nodes(
        TreeRoot root, int level, Ref ref, byte[] low, byte @Nullable [] high, String hold)
        throws IOException {
      String held = hold.isEmpty() ? "" : " held by " + hold;
      String what = describe(root.name(), level, low, high, ref.commit());
      owned(ref.address() / PAGE, what + " FIRST" + held);
      owned(ref.twin() / PAGE, what + " SECOND" + held);
      if (level > 0) {
        byte[] page = rig.forest.store().load(root.id(), level, ref).page;
        int count = NodeLayout.count(page);
        for (int i = 0; i < count; i++) {
          byte[] from = i == 0 ? low : NodeLayout.key(page, i);
          byte[] to = i + 1 < count ? NodeLayout.key(page, i + 1) : high;
          nodes(root, level - 1, NodeLayout.ref(page, i), from, to, hold);
        }
      }
    }
  }

  private static ForestLayout.Root newest(TreeRig rig) throws IOException {
    return RootSlots.find(rig.device, new PageIo(rig.device)).found().getFirst().root();
  }

  private static byte[] flip(long value) {
    return TreeRig.key(Long.reverseBytes(value));
  }

  private static String describe(
      String tree, int level, byte[] low, byte @Nullable [] high, long commit) {
    return tree
        + " level "
        + level
        + " "
        + HexFormat.of().formatHex(low)
        + "-"
        + (high == null ? "" : HexFormat.of().formatHex(high))
        + " commit "
        + commit;
  }

  private static String holds(List<Hold> holds) {
    StringBuilder names = new StringBuilder(" held by");
    holds.forEach(hold -> names.append(' ').append(hold.name()));
    return holds.isEmpty() ? "" : names.toString();
  }

  private static String said(PageUse use) {
    return switch (use) {
      case PageUse.RootSlot(ByteRange _, int index) -> "slot " + index;
      case PageUse.TreeNode node ->
          describe(node.tree().name(), node.level(), node.low(), node.high(), node.commit())
              + " "
              + node.copy()
              + holds(node.holds());
      case PageUse.Held held -> holds(held.holds()).trim();
      case PageUse.InUse _ -> "data";
      case PageUse.Free _ -> "free";
      case PageUse.Resting _ -> "resting";
      case PageUse.Quarantined _ -> "quarantined";
    };
  }

  private static Map<Long, String> byPage(List<PageUse> uses) {
    Map<Long, String> said = new HashMap<>();
    long at = uses.getFirst().range().start();
    for (PageUse use : uses) {
      assertThat(use.range().start()).isEqualTo(at);
      at = use.range().end();
      for (long page = use.range().start() / PAGE; page < at / PAGE; page++) {
        said.put(page, said(use));
      }
    }
    return said;
  }

  @Test
  void shouldNameEveryPage() {
    seeded(
        () -> {
          World world = new World();
          TreeRig rig = world.rig;
          assertThat(rig.forest.holds()).hasSize(2);
          Map<Long, String> all = byPage(rig.forest.uses(new ByteRange(0, rig.device.sizeBytes())));
          assertThat(all).hasSize(PAGES);
          int free = 0;
          for (long page = 0; page < PAGES; page++) {
            String said = Objects.requireNonNull(all.get(page));
            if (world.expected.containsKey(page)) {
              assertThat(said).as("page %s", page).isEqualTo(world.expected.get(page));
            } else {
              // What only the released hold has is not named by any hold.
              assertThat(said).as("page %s", page).isIn("free", "resting", "");
              free += said.isEmpty() ? 0 : 1;
            }
            assertThat(said(rig.forest.use(page * PAGE + 77))).isEqualTo(said);
          }
          assertThat(free).isEqualTo((int) rig.forest.status().freePages());
          assertThat(all.values())
              .anyMatch(said -> said.matches("t level 1 .* held by h0"))
              .anyMatch(said -> said.matches("t level 0 .* held by h0 h2"))
              .contains("held by h0", "resting", "");
        });
  }

  @Test
  void shouldNameNodesWhoseBytesAreLost() {
    seeded(
        () -> {
          World world = new World();
          TreeRig rig = world.rig;
          FaultKind[] kinds = FaultKind.values();
          for (Map.Entry<Long, String> page : world.expected.entrySet()) {
            if (page.getValue().contains("level") && random.nextInt(4) == 0) {
              rig.forest.close();
              long offset = page.getKey() * PAGE;
              rig.strike(kinds[random.nextInt(kinds.length)], offset, seed);
              rig.forest = Forest.open(rig.device, rig.options);
              assertThat(said(rig.forest.use(offset))).isEqualTo(page.getValue());
            }
          }
        });
  }

  @Test
  void shouldNameABranchThatIsLostAndNothingBelowIt() {
    seeded(
        () -> {
          World world = new World();
          TreeRig rig = world.rig;
          rig.reopen();
          Ref branch;
          Ref leaf;
          try (Snapshot now = rig.forest.snapshot()) {
            Node top = rig.forest.store().root(now.root(world.tree));
            branch = NodeLayout.ref(top.page, 0);
            leaf =
                NodeLayout.ref(
                    rig.forest.store().load(world.tree.id(), top.level - 1, branch).page, 0);
          }
          rig.strike(FaultKind.POISON, branch.address(), 1);
          rig.strike(FaultKind.FLIP, branch.twin(), 1);
          rig.reopen();
          for (long copy : List.of(branch.address(), branch.twin())) {
            assertThat(said(rig.forest.use(copy))).isEqualTo(world.expected.get(copy / PAGE));
          }
          // Shared with a hold or not: no root leads to it.
          assertThat(said(rig.forest.use(leaf.address()))).doesNotContain("level");
          assertThat(byPage(rig.forest.uses(PageIo.pageAt(leaf.twin()))))
              .doesNotContainValue("free");
        });
  }

  @Test
  void shouldNotBelieveWhatPagesSayAboutThemselves() {
    seeded(
        () -> {
          World world = new World();
          TreeRig rig = world.rig;
          for (Hold hold : rig.forest.holds()) {
            try (Transaction tx = rig.forest.begin(Purpose.RELIEF)) {
              tx.release(hold);
              tx.commit().join();
            }
          }
          boolean more = rig.forest.prune();
          while (more) {
            more = rig.forest.prune();
          }
          // All that was free, with what used to be there: nodes among it.
          List<ByteRange> taken = new ArrayList<>();
          try (Transaction tx = rig.forest.begin(Purpose.RELIEF)) {
            for (boolean full = false; !full; ) {
              try {
                taken.addAll(tx.allocate(1));
              } catch (ForestFullException none) {
                full = true;
              }
            }
            tx.commit().join();
          }
          int nodes = 0;
          for (ByteRange run : taken) {
            nodes += rig.forest.store().claimedNode(run.start()) == null ? 0 : 1;
            assertThat(rig.forest.use(run.start())).isEqualTo(new PageUse.InUse(run));
          }
          assertThat(nodes).isPositive();
        });
  }

  @Test
  void shouldSayWhatIsSetAsideAndWhatIsUnderWay() throws Exception {
    TreeRig rig = TreeRig.create(TreeRig.Below.LEAF, PAGES, 1);
    long bad = 1000L * PAGE;
    rig.strike(FaultKind.POISON, bad, 1);
    rig.device.report(ByteRange.ofLength(bad, 64), Cause.PLATFORM, Confidence.EXACT);
    assertThat(rig.forest.use(bad)).isEqualTo(new PageUse.Quarantined(PageIo.pageAt(bad)));
    assertThat(rig.forest.use(bad + PAGE)).isEqualTo(new PageUse.Free(PageIo.pageAt(bad + PAGE)));
    try (Transaction tx = rig.forest.begin(Purpose.ORDINARY)) {
      ByteRange run = tx.allocate(2, bad + PAGE).getFirst();
      assertThat(rig.forest.uses(run)).containsExactly(new PageUse.InUse(run));
    }
    assertThatThrownBy(() -> rig.forest.use(rig.device.sizeBytes()))
        .isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> rig.forest.use(-1)).isInstanceOf(IndexOutOfBoundsException.class);
  }

  @Test
  void shouldSayThatItCannotTellWhenTheTreeOfFreePagesIsLost() throws Exception {
    TreeRig rig = TreeRig.create(TreeRig.Below.LEAF, 60_000, 1);
    Tree tree = rig.tree("t");
    long data;
    try (Transaction tx = rig.forest.begin(Purpose.ORDINARY)) {
      for (int group = 0; group < 14; group++) {
        tx.allocate(1, 4096L * group * PAGE + 7 * PAGE);
      }
      data = tx.allocate(1).getFirst().start();
      tx.put(tree, TreeRig.key(1), TreeRig.key(1));
      tx.commit().join();
    }
    rig.reopen();
    ForestLayout.Root root = newest(rig);
    TreeRoot space = root.trees().get(SystemTrees.SPACE);
    Node top = rig.forest.store().root(space);
    int i = NodeLayout.childIndex(top.page, SpaceLayout.key(SpaceLayout.groupOf(data / PAGE)));
    Ref lost = NodeLayout.ref(top.page, i);
    assertThat(top.level).isEqualTo(1);
    rig.strike(FaultKind.POISON, lost.address(), 1);
    rig.strike(FaultKind.POISON, lost.twin(), 1);
    rig.reopen();
    assertThat(said(rig.forest.use(lost.address()))).startsWith("space level 0 ");
    assertThat(said(rig.forest.use(root.trees().get(tree.id()).ref().twin())))
        .startsWith("t level 0 ");
    assertThatThrownBy(() -> rig.forest.use(data)).isInstanceOf(TreeDamagedException.class);
  }
}

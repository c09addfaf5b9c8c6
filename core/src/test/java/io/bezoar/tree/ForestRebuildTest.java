package io.bezoar.tree;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bezoar.media.ByteRange;
import io.bezoar.media.FaultKind;
import io.bezoar.media.SimMedia;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The tree of what is in use can be lost, and made anew from all the others. */
class ForestRebuildTest {
  private static final int PAGE = TreeRig.PAGE;
  private static final int GROUPS = 9;

  /** A forest with data in every group, a hold, and entries that say whose the data is. */
  private static final class World {
    final TreeRig rig;
    final Tree tree;
    final DataPages owner;
    long free;

    World() throws IOException {
      rig = TreeRig.create(TreeRig.Below.LEAF, 4096 * GROUPS - 100, 1);
      tree = rig.tree("data");
      owner =
          (view, owned) -> {
            Cursor cursor = view.cursor(tree);
            for (boolean at = cursor.first(); at; at = cursor.next()) {
              owned.accept(ByteRange.ofLength(cursor.keyLong(0), PAGE));
            }
          };
      add(0);
      try (Transaction tx = rig.forest.begin(Purpose.ORDINARY)) {
        tx.hold("h");
        tx.commit().join();
      }
      try (Transaction tx = rig.forest.begin(Purpose.ORDINARY)) {
        List<Long> going = new ArrayList<>();
        Cursor cursor = tx.cursor(tree);
        for (boolean at = cursor.first(); at; at = cursor.next()) {
          going.add(cursor.keyLong(0));
        }
        for (long page : going.subList(0, going.size() / 2)) {
          tx.free(ByteRange.ofLength(page, PAGE), 0);
          tx.delete(tree, TreeRig.key(page));
        }
        tx.commit().join();
      }
      add(100);
      rig.forest.close();
      rig.reopen();
      assertThat(rig.forest.check(owner).clean()).isTrue();
      free = rig.forest.status().freePages();
    }

    void add(long at) throws IOException {
      try (Transaction tx = rig.forest.begin(Purpose.RELIEF)) {
        for (int group = 0; group < GROUPS; group++) {
          for (int i = 0; i < 40; i++) {
            long goal = (4096L * group + 300 + at + 2L * i) * PAGE;
            tx.put(tree, TreeRig.key(tx.allocate(1, goal).getFirst().start()), new byte[60]);
          }
        }
        rig.forest.persist(tx.apply());
      }
    }

    ForestLayout.Root newest() throws IOException {
      return RootSlots.find(rig.device, new PageIo(rig.device)).found().getFirst().root();
    }

    /** Loses nodes of the tree of what is in use: a leaf, or all but the root node, or all. */
    void lose(Loss loss) throws IOException {
      rig.forest.close();
      rig.reopen();
      List<Ref> lost = new ArrayList<>();
      TreeRoot space = newest().trees().get(SystemTrees.SPACE);
      Node top = rig.forest.store().root(space);
      assertThat(top.level).isEqualTo(1);
      switch (loss) {
        case LEAF -> lost.add(NodeLayout.ref(top.page, 1));
        case LEAVES -> {
          for (int i = 0; i < top.count(); i++) {
            lost.add(NodeLayout.ref(top.page, i));
          }
        }
        case ROOT -> {
          // In both states that can be opened.
          for (RootSlots.Scan.InSlot in :
              RootSlots.find(rig.device, new PageIo(rig.device)).found()) {
            Ref ref = in.root().trees().get(SystemTrees.SPACE).ref();
            if (!lost.contains(ref)) {
              lost.add(ref);
            }
          }
        }
      }
      for (Ref ref : lost) {
        rig.strike(FaultKind.POISON, ref.address(), 1);
        rig.strike(FaultKind.FLIP, ref.twin(), 2);
      }
      rig.reopen();
    }
  }

  private enum Loss {
    LEAF,
    LEAVES,
    ROOT
  }

  @Test
  void shouldMakeTheTreeOfWhatIsInUseAnew() throws Exception {
    for (Loss loss : Loss.values()) {
      World world = new World();
      world.lose(loss);
      TreeRig rig = world.rig;
      assertThat(rig.forest.check(world.owner).damage()).isNotEmpty();
      try (Transaction tx = rig.forest.begin(Purpose.RELIEF)) {
        assertThatThrownBy(
                () -> {
                  for (int group = 0; group < GROUPS; group++) {
                    tx.allocate(1, (4096L * group + 2000) * PAGE);
                  }
                })
            .isInstanceOfSatisfying(
                TreeDamagedException.class,
                damage -> assertThat(damage.tree().name()).isEqualTo("space"));
      }
      rig.forest.rebuildSpace(world.owner);
      ForestReport report = rig.forest.check(world.owner);
      assertThat(report.clean()).as("%s: %s", loss, report).isTrue();
      assertThat(rig.forest.status().freePages()).isBetween(world.free - 30, world.free + 30);
      world.add(200);
      assertThat(rig.forest.check(world.owner).clean()).isTrue();
      rig.reopen();
      try (Transaction tx = rig.forest.begin(Purpose.RELIEF)) {
        tx.release(rig.forest.holds().getFirst());
        tx.commit().join();
      }
      boolean more = rig.forest.prune();
      while (more) {
        more = rig.forest.prune();
      }
      assertThat(rig.forest.check(world.owner).clean()).isTrue();
    }
  }

  @Test
  void shouldTakeWhatWasAppliedAlong() throws Exception {
    World world = new World();
    TreeRig rig = world.rig;
    long page;
    try (Transaction tx = rig.forest.begin(Purpose.ORDINARY)) {
      page = tx.allocate(1).getFirst().start();
      tx.put(world.tree, TreeRig.key(page), new byte[1]);
      tx.apply();
    }
    rig.forest.rebuildSpace(world.owner);
    assertThat(rig.forest.check(world.owner).clean()).isTrue();
    rig.reopen();
    try (Snapshot now = rig.forest.snapshot()) {
      assertThat(now.get(world.tree, TreeRig.key(page))).isNotNull();
    }
  }

  @Test
  void shouldFindWhatWasInUseForNobody() throws Exception {
    World world = new World();
    TreeRig rig = world.rig;
    ByteRange leaked;
    try (Transaction tx = rig.forest.begin(Purpose.ORDINARY)) {
      leaked = tx.allocate(70).getFirst();
      tx.commit().join();
    }
    rig.forest.rebuildSpace(world.owner);
    assertThat(rig.forest.check(world.owner).clean()).isTrue();
    ForestStatus status = rig.forest.status();
    assertThat(status.availablePages() + status.restingPages()).isEqualTo(status.freePages());
    try (Transaction tx = rig.forest.begin(Purpose.ORDINARY)) {
      assertThat(tx.allocate(70, leaked.start())).containsExactly(leaked);
    }
  }

  @Test
  void shouldRefuseWhenMoreIsLostThanThat() throws Exception {
    World world = new World();
    TreeRig rig = world.rig;
    Ref leaf = NodeLayout.ref(rig.forest.store().root(world.newest().trees().get(3)).page, 1);
    world.lose(Loss.LEAF);
    rig.strike(FaultKind.POISON, leaf.address(), 1);
    rig.strike(FaultKind.POISON, leaf.twin(), 1);
    rig.reopen();
    assertThatThrownBy(() -> rig.forest.rebuildSpace(DataPages.NONE))
        .isInstanceOfSatisfying(
            TreeDamagedException.class, damage -> assertThat(damage.tree()).isEqualTo(world.tree));
  }

  @Test
  void shouldBeWholeAfterACrashAtAnyStepOfIt() throws Exception {
    World world = new World();
    world.lose(Loss.LEAVES);
    TreeRig rig = world.rig;
    SimMedia lost = rig.media;
    // Every third step; each of them is the first one sooner or later.
    long offset = Long.getLong("bezoar.seed", System.nanoTime());
    for (long cut = 1L + Math.floorMod(offset, 3); ; cut += 3) {
      rig.reopenOn(lost.crash(line -> true));
      rig.media.cutPowerBeforeStep(rig.media.stepCount() + cut);
      boolean ended = false;
      try {
        rig.forest.rebuildSpace(world.owner);
        ended = true;
      } catch (SimMedia.PowerCutException | ForestFailedException expected) {
        ended = false;
      }
      long seed = cut;
      rig.reopenOn(rig.media.crash(line -> (line * 31 + seed) % 3 == 0));
      if (!rig.forest.check(world.owner).clean()) {
        assertThat(ended).isFalse();
        rig.forest.rebuildSpace(world.owner);
      }
      ForestReport report = rig.forest.check(world.owner);
      assertThat(report.clean()).as("-Dbezoar.seed=%s, cut %s: %s", offset, cut, report).isTrue();
      if (ended) {
        return;
      }
    }
  }
}

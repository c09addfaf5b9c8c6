package io.bezoar.tree;

import static io.bezoar.tree.TreeRig.key;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bezoar.media.ByteRange;
import io.bezoar.media.FaultKind;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class ForestTest {
  private static final int PAGE = TreeRig.PAGE;

  @Test
  void shouldKeepWhatWasCommittedAndForgetWhatWasAborted() throws Exception {
    TreeRig rig = TreeRig.create(TreeRig.Below.LEAF, 512, 1);
    Tree tree = rig.tree("t");
    try (Transaction tx = rig.forest.begin(Purpose.ORDINARY)) {
      tx.put(tree, key(1), new byte[] {1});
      tx.put(tree, key(2), new byte[] {2});
      tx.commit().join();
    }
    try (Transaction tx = rig.forest.begin(Purpose.ORDINARY)) {
      tx.put(tree, key(1), new byte[] {9});
      tx.delete(tree, key(2));
      assertThat(tx.get(tree, key(1))).containsExactly(9);
    }
    rig.reopen();
    try (Snapshot now = rig.forest.snapshot()) {
      assertThat(now.get(tree, key(1))).containsExactly(1);
      assertThat(now.get(tree, key(2))).containsExactly(2);
      assertThat(now.get(tree, key(3))).isNull();
    }
    assertThat(rig.forest.tree("t")).contains(tree);
    rig.assertClean();
  }

  @Test
  void shouldSayWhichTransactionsAreDurable() throws Exception {
    TreeRig rig = TreeRig.create(TreeRig.Below.LEAF, 512, 1);
    Tree tree = rig.tree("t");
    long[] tickets = new long[3];
    for (int i = 0; i < 3; i++) {
      try (Transaction tx = rig.forest.begin(Purpose.ORDINARY)) {
        tx.put(tree, key(i), key(i));
        tickets[i] = tx.apply();
      }
      assertThat(rig.forest.isDurable(tickets[i])).isFalse();
      if (i == 1) {
        rig.forest.persist(tickets[0]);
      }
    }
    assertThat(rig.forest.isDurable(tickets[1])).isTrue();
    assertThat(rig.forest.isDurable(tickets[2])).isFalse();
    rig.media.failNextPersist();
    assertThatThrownBy(rig.forest::persist).isInstanceOf(IOException.class);
    assertThat(rig.forest.isDurable(tickets[1])).isTrue();
    assertThat(rig.forest.isDurable(tickets[2])).isFalse();
  }

  @Test
  void shouldShowReadersOneState() throws Exception {
    TreeRig rig = TreeRig.create(TreeRig.Below.LEAF, 1024, 1);
    Tree tree = rig.tree("t");
    List<Snapshot> snapshots = new ArrayList<>();
    for (int round = 0; round < 40; round++) {
      try (Transaction tx = rig.forest.begin(Purpose.ORDINARY)) {
        for (int i = 0; i < 20; i++) {
          tx.put(tree, key(i), new byte[] {(byte) round});
        }
        if (round % 3 == 0) {
          tx.commit().join();
        } else {
          tx.apply();
        }
      }
      snapshots.add(rig.forest.snapshot());
    }
    for (int round = 0; round < snapshots.size(); round++) {
      Snapshot snapshot = snapshots.get(round);
      for (int i = 0; i < 20; i++) {
        assertThat(snapshot.get(tree, key(i))).containsExactly(round);
      }
    }
    snapshots.forEach(Snapshot::close);
    rig.assertClean();
  }

  @Test
  void shouldLoadInBulkAndScanBothWays() throws Exception {
    TreeRig rig = TreeRig.create(TreeRig.Below.LEAF, 8192, 1);
    Tree tree = rig.tree("t");
    int count = 200_000;
    try (Transaction tx = rig.forest.begin(Purpose.ORDINARY)) {
      BulkLoad load = tx.load(tree);
      for (int i = 0; i < count; i++) {
        load.add(key(2L * i), key(i));
      }
      load.finish();
      tx.commit().join();
    }
    rig.reopen();
    rig.assertClean();
    try (Snapshot now = rig.forest.snapshot()) {
      Cursor cursor = now.cursor(tree);
      long expected = 0;
      for (boolean at = cursor.first(); at; at = cursor.next()) {
        assertThat(cursor.keyLong(0)).isEqualTo(2 * expected);
        expected++;
      }
      assertThat(expected).isEqualTo(count);
      for (boolean at = cursor.last(); at; at = cursor.previous()) {
        expected--;
      }
      assertThat(expected).isZero();
      assertThat(cursor.seek(key(77))).isTrue();
      assertThat(cursor.keyLong(0)).isEqualTo(78);
      assertThat(cursor.seekFloor(key(77))).isTrue();
      assertThat(cursor.keyLong(0)).isEqualTo(76);
      assertThat(now.get(tree, key(2L * count - 2))).isEqualTo(key(count - 1));
    }
    assertThat(rig.forest.status().cachedNodes())
        .isLessThanOrEqualTo(rig.forest.status().cachedNodesMax());
  }

  @Test
  void shouldReadTheTwinOfABadCopyAndRewriteIt() throws Exception {
    for (FaultKind kind : FaultKind.values()) {
      TreeRig rig = TreeRig.create(TreeRig.Below.LEAF, 512, 1);
      Tree tree = rig.tree("t");
      try (Transaction tx = rig.forest.begin(Purpose.ORDINARY)) {
        tx.put(tree, key(1), new byte[100]);
        tx.commit().join();
      }
      Ref ref = rootOf(rig, tree);
      rig.strike(kind, ref.address(), 3);
      rig.reopen();
      try (Snapshot now = rig.forest.snapshot()) {
        assertThat(now.get(tree, key(1))).isEqualTo(new byte[100]);
      }
      rig.reopen();
      ForestReport report = rig.forest.check(DataPages.NONE);
      assertThat(report.badCopies()).as("%s", kind).isEmpty();
      assertThat(report.clean()).isTrue();
    }
  }

  @Test
  void shouldFindEveryBadCopyInACheck() throws Exception {
    for (FaultKind kind : FaultKind.values()) {
      TreeRig rig = TreeRig.create(TreeRig.Below.LEAF, 2048, 1);
      Tree tree = rig.tree("t");
      for (int round = 0; round < 3; round++) {
        try (Transaction tx = rig.forest.begin(Purpose.ORDINARY)) {
          for (int i = 0; i < 10_000; i++) {
            tx.put(tree, key(i), key(round));
          }
          tx.commit().join();
        }
      }
      Node top = rig.forest.store().load(tree.id(), 1, rootOf(rig, tree));
      List<ByteRange> struck = new ArrayList<>();
      for (int i = 0; i < top.count(); i += 5) {
        Ref ref = NodeLayout.ref(top.page, i);
        long copy = i % 2 == 0 ? ref.address() : ref.twin();
        rig.strike(kind, copy, 3);
        struck.add(ByteRange.ofLength(copy, PAGE));
      }
      rig.reopen();
      ForestReport report = rig.forest.check(DataPages.NONE);
      assertThat(report.badCopies()).as("%s", kind).containsExactlyInAnyOrderElementsOf(struck);
      assertThat(report.clean()).isTrue();
      assertThat(rig.forest.check(DataPages.NONE).badCopies()).isEmpty();
    }
  }

  private static Ref rootOf(TreeRig rig, Tree tree) throws Exception {
    rig.reopen();
    try (Snapshot now = rig.forest.snapshot()) {
      return now.root(tree).ref();
    }
  }

  @Test
  void shouldNameWhatIsLostAndReplaceIt() throws Exception {
    TreeRig rig = TreeRig.create(TreeRig.Below.LEAF, 4096, 1);
    Tree tree = rig.tree("t");
    Tree other = rig.tree("other");
    int count = 60_000;
    try (Transaction tx = rig.forest.begin(Purpose.ORDINARY)) {
      for (int i = 0; i < count; i++) {
        tx.put(tree, key(i), key(i));
      }
      tx.put(other, key(1), key(1));
      tx.commit().join();
    }
    Ref root = rootOf(rig, tree);
    Node top = rig.forest.store().load(tree.id(), 2, root);
    Ref branch = NodeLayout.ref(top.page, 1);
    byte[] low = NodeLayout.key(top.page, 1);
    byte[] high = NodeLayout.key(top.page, 2);
    rig.strike(FaultKind.POISON, branch.address(), 1);
    rig.strike(FaultKind.FLIP, branch.twin(), 1);
    rig.reopen();
    try (Snapshot now = rig.forest.snapshot()) {
      assertThatThrownBy(() -> now.get(tree, low))
          .isInstanceOfSatisfying(
              TreeDamagedException.class,
              damage -> {
                assertThat(damage.tree()).isEqualTo(tree);
                assertThat(damage.low()).isEqualTo(low);
                assertThat(damage.high()).isEqualTo(high);
                assertThat(damage.level()).isEqualTo(1);
                assertThat(damage.copies())
                    .containsExactly(
                        ByteRange.ofLength(branch.address(), PAGE),
                        ByteRange.ofLength(branch.twin(), PAGE));
              });
      assertThat(now.get(tree, high)).isNotNull();
      assertThat(now.get(other, key(1))).isEqualTo(key(1));
      Cursor cursor = now.cursor(tree);
      assertThat(cursor.first()).isTrue();
      long[] seen = {1};
      assertThatThrownBy(
              () -> {
                while (cursor.next()) {
                  seen[0]++;
                }
              })
          .isInstanceOf(TreeDamagedException.class);
      assertThat(cursor.valid()).isFalse();
      assertThat(cursor.seek(high)).isTrue();
      do {
        seen[0]++;
      } while (cursor.next());
      assertThat(seen[0]).isLessThan(count);
    }
    assertThat(rig.forest.check(DataPages.NONE).damage()).hasSize(1);
    try (Transaction tx = rig.forest.begin(Purpose.RELIEF)) {
      RangeDelete gone = tx.deleteRange(tree, low, high);
      assertThat(gone.complete()).isFalse();
      tx.put(tree, low, key(7));
      tx.commit().join();
    }
    ForestReport report = rig.forest.check(DataPages.NONE);
    assertThat(report.damage()).isEmpty();
    assertThat(report.leaked()).isNotEmpty();
    try (Transaction tx = rig.forest.begin(Purpose.RELIEF)) {
      for (ByteRange leaked : report.leaked()) {
        tx.free(leaked, Long.MAX_VALUE);
      }
      tx.commit().join();
    }
    rig.assertClean();
    try (Snapshot now = rig.forest.snapshot()) {
      assertThat(now.get(tree, low)).isEqualTo(key(7));
    }
  }

  @Test
  void shouldKeepAndReleaseHolds() throws Exception {
    TreeRig rig = TreeRig.create(TreeRig.Below.LEAF, 4096, 1);
    Tree tree = rig.tree("t");
    for (int round = 0; round < 6; round++) {
      try (Transaction tx = rig.forest.begin(Purpose.ORDINARY)) {
        for (int i = 0; i < 3000; i++) {
          if (i % 6 != round) {
            tx.put(tree, key(i), key(round));
          }
        }
        tx.hold("h" + round);
        tx.commit().join();
      }
      rig.assertClean();
    }
    rig.reopen();
    assertThat(rig.forest.holds()).hasSize(6);
    for (int round : new int[] {2, 5, 0, 1, 4, 3}) {
      for (Hold hold : rig.forest.holds()) {
        int of = Integer.parseInt(hold.name().substring(1));
        try (Snapshot then = rig.forest.open(hold)) {
          assertThat(then.get(tree, key((of + 1) % 6))).isEqualTo(key(of));
        }
      }
      Hold going =
          rig.forest.holds().stream()
              .filter(hold -> hold.name().equals("h" + round))
              .findFirst()
              .orElseThrow();
      try (Transaction tx = rig.forest.begin(Purpose.RELIEF)) {
        tx.release(going);
        tx.apply();
      }
      while (rig.forest.prune()) {
        assertThat(rig.forest.holds()).doesNotContain(going);
      }
      rig.assertClean();
    }
    assertThat(rig.forest.check(DataPages.NONE).heldPages()).isZero();
  }

  @Test
  void shouldHandOutDataInLongRunsAndTakeItBack() throws Exception {
    TreeRig rig = TreeRig.create(TreeRig.Below.LEAF, 4096, 1);
    Tree tree = rig.tree("data");
    List<ByteRange> runs;
    try (Transaction tx = rig.forest.begin(Purpose.ORDINARY)) {
      runs = tx.allocate(700);
      assertThat(runs).hasSize(1);
      for (ByteRange run : runs) {
        tx.put(tree, key(run.start()), key(run.end()));
      }
      tx.commit().join();
    }
    DataPages owner =
        (view, owned) -> {
          Cursor cursor = view.cursor(tree);
          for (boolean at = cursor.first(); at; at = cursor.next()) {
            owned.accept(new ByteRange(cursor.keyLong(0), Long.reverseBytes(cursor.valueLong(0))));
          }
        };
    assertThat(rig.forest.check(owner).clean()).isTrue();
    assertThat(rig.forest.check(DataPages.NONE).leaked()).isEqualTo(runs);
    try (Transaction tx = rig.forest.begin(Purpose.ORDINARY)) {
      tx.free(runs.getFirst(), 1);
      assertThatThrownBy(() -> tx.free(runs.getFirst(), 1))
          .isInstanceOf(IllegalArgumentException.class);
      tx.delete(tree, key(runs.getFirst().start()));
      tx.commit().join();
    }
    assertThat(rig.forest.check(owner).clean()).isTrue();
    try (Transaction tx = rig.forest.begin(Purpose.ORDINARY)) {
      assertThatThrownBy(() -> tx.free(runs.getFirst(), 1))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void shouldKeepTheCopiesOfANodeInDifferentFailureDomains() throws Exception {
    for (TreeRig.Below below : TreeRig.Below.values()) {
      TreeRig rig = TreeRig.create(below, 2000, 1);
      Tree tree = rig.tree("t");
      try (Transaction tx = rig.forest.begin(Purpose.ORDINARY)) {
        for (int i = 0; i < 40_000; i++) {
          tx.put(tree, key(i), key(i));
        }
        tx.commit().join();
      }
      Node top = rig.forest.store().load(tree.id(), 2, rootOf(rig, tree));
      for (int i = 0; i < top.count(); i++) {
        Node branch = rig.forest.store().child(top, i);
        for (int j = 0; j < branch.count(); j++) {
          Ref ref = NodeLayout.ref(branch.page, j);
          assertThat(rig.device.failureDomain(ref.address()))
              .isNotEqualTo(rig.device.failureDomain(ref.twin()));
        }
      }
    }
  }
}

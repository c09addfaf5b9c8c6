package io.bezoar.tree;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bezoar.media.ByteRange;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * What a transaction is told of a commit that runs: it has taken what was applied, and is not
 * durable.
 */
class BesideACommitTest {
  private final TreeRig rig = TreeRig.create(TreeRig.Below.LEAF, 600, 5);
  private final Tree tree = rig.tree("t");

  BesideACommitTest() throws IOException {}

  private interface Work {
    void in(Transaction tx) throws IOException;
  }

  /** Runs work while everything that was applied is being stored. */
  private void beside(Work work) throws IOException {
    List<Throwable> failed = new ArrayList<>();
    int[] ran = {0};
    rig.media.onStep(
        (_, _) -> {
          if (ran[0]++ > 0) {
            return;
          }
          try (Transaction tx = rig.forest.begin(Purpose.ORDINARY)) {
            work.in(tx);
          } catch (Throwable t) {
            failed.add(t);
          }
        });
    rig.forest.persist();
    rig.media.onStep(null);
    assertThat(ran[0]).isPositive();
    assertThat(failed).isEmpty();
  }

  @Test
  void shouldRefuseTheNameOfAHoldThatIsBeingMade() throws IOException {
    try (Transaction tx = rig.forest.begin(Purpose.ORDINARY)) {
      tx.put(tree, TreeRig.key(1), TreeRig.key(1));
      tx.hold("monday");
      tx.apply();
    }
    beside(
        tx -> {
          assertThatThrownBy(() -> tx.hold("monday")).isInstanceOf(IllegalArgumentException.class);
          tx.hold("tuesday");
        });
    assertThat(rig.forest.holds()).extracting(Hold::name).containsExactly("monday");
  }

  @Test
  void shouldRefuseToFreePagesThatAreBeingFreed() throws IOException {
    ByteRange pages;
    long allocated;
    try (Transaction tx = rig.forest.begin(Purpose.ORDINARY)) {
      pages = tx.allocate(4).getFirst();
      allocated = tx.commitNumber();
      tx.apply();
    }
    rig.forest.persist();
    try (Transaction tx = rig.forest.begin(Purpose.ORDINARY)) {
      tx.free(pages, allocated);
      tx.apply();
    }
    beside(
        tx ->
            assertThatThrownBy(() -> tx.free(pages, allocated))
                .isInstanceOf(IllegalArgumentException.class));
    rig.assertClean();
  }
}

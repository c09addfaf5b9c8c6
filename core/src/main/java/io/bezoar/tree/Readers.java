package io.bezoar.tree;

import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The newest durable commit, and which commits and holds somebody reads.
 *
 * <p>Invariant: what a reader has pinned or opened is the newest durable commit, or a hold in it,
 * of the moment in which it was counted: looking and counting are one step, so no page of it is
 * used again in between. Thread-safe; its locks are innermost.
 */
final class Readers {
  private final Pins pins = new Pins();
  private final OpenHolds openHolds = new OpenHolds();
  private volatile Durable durable;

  Readers(Durable durable) {
    this.durable = durable;
  }

  /** The newest durable commit. */
  Durable durable() {
    return durable;
  }

  /** Another commit is the newest. */
  void durable(Durable next) {
    durable = next;
  }

  /** Holds that were not released, oldest first. */
  Stream<HoldLayout.Kept> holds() {
    return durable.holds().stream().filter(kept -> !kept.releasing());
  }

  /** Keeps the newest durable commit in reach, until it is given back. */
  Durable pin() {
    return pins.pin(() -> durable);
  }

  void unpin(long commit) {
    pins.unpin(commit);
  }

  /**
   * Keeps every node that somebody reads now, until it is closed: also one that the newest commit
   * does not reach any more. For repairs, which go on when the reader who met the bad copy is gone.
   */
  NodeStore.Pin pinNodes() {
    long oldest = pins.pinOldest(() -> durable);
    long newest = durable.commit();
    return new NodeStore.Pin() {
      @Override
      public long durableCommit() {
        return newest;
      }

      @Override
      public void close() {
        unpin(oldest);
      }
    };
  }

  /** Counts a reader of a hold; null when there is no such hold any more. */
  HoldLayout.@Nullable Kept open(Hold hold) {
    return openHolds.open(hold, () -> durable.holds());
  }

  void close(HoldLayout.Kept hold) {
    openHolds.close(hold.commit());
  }

  /** Commits of the holds that somebody reads. */
  Set<Long> openHolds() {
    return openHolds.commits();
  }

  /** True when a hold was released, is not taken apart yet, and can be. */
  boolean canPrune() {
    Set<Long> open = openHolds.commits();
    return durable.holds().stream()
        .anyMatch(kept -> kept.releasing() && !open.contains(kept.commit()));
  }

  /** Pages freed by commits before this one, exclusive, are out of everybody's reach. */
  long reusable() {
    return pins.reusable(() -> durable);
  }
}

package io.bezoar.pool;

import io.bezoar.dax.DaxDevice;
import io.bezoar.health.Event;
import io.bezoar.health.EventLog;
import io.bezoar.health.ScrubLedger;
import io.bezoar.health.ScrubRecord;
import io.bezoar.media.ByteRange;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.UnaryOperator;

/**
 * The label of an open pool: changes it durably, one change at a time, and keeps its copies whole.
 * Thread-safe.
 */
final class LabelKeeper implements ScrubLedger {
  private final DaxDevice leaf;
  private final EventLog events;
  private final ReentrantLock lock = new ReentrantLock();
  private PoolLabel label; // guarded by lock

  LabelKeeper(DaxDevice leaf, EventLog events, PoolLabel label) {
    this.leaf = leaf;
    this.events = events;
    this.label = label;
  }

  PoolLabel label() {
    lock.lock();
    try {
      return label;
    } finally {
      lock.unlock();
    }
  }

  /** Notes durably how the pool was left. */
  void leave(PoolLabel.Shutdown shutdown) throws IOException {
    change(before -> before.withShutdown(shutdown, events.lastSequence()));
  }

  @Override
  public ScrubRecord load() {
    return label().scrub();
  }

  @Override
  public void save(ScrubRecord record) throws IOException {
    change(before -> before.withScrub(record, events.lastSequence()));
  }

  /**
   * What became of copies that were wrong.
   *
   * @param healed they are whole again
   * @param stuck their media cannot be cleared; the other copy stands alone
   */
  record Verified(List<ByteRange> healed, List<ByteRange> stuck) {}

  /** Reads both copies and rewrites what is wrong. */
  Verified verify() throws IOException {
    List<ByteRange> healed = new ArrayList<>();
    List<ByteRange> stuck = new ArrayList<>();
    lock.lock();
    try {
      PoolLayout layout = label.layout();
      for (ByteRange copy : List.of(layout.firstLabel(), layout.secondLabel())) {
        if (!LabelStore.holds(leaf, label, copy)) {
          (rewrite(copy) ? healed : stuck).add(copy);
        }
      }
    } finally {
      lock.unlock();
    }
    return new Verified(healed, stuck);
  }

  private boolean rewrite(ByteRange copy) throws IOException {
    try {
      LabelStore.heal(leaf, label, copy);
      return true;
    } catch (UnwritableLabelException e) {
      return false;
    }
  }

  /** Rewrites one copy that was found wrong when the pool was opened, and says so in the log. */
  void heal(LabelStore.WrongCopy wrong) throws IOException {
    lock.lock();
    try {
      LabelStore.heal(leaf, label, wrong.at());
    } finally {
      lock.unlock();
    }
    events.append(
        (sequence, now) ->
            new Event.Lifecycle(
                sequence,
                now,
                Event.Step.LABEL_HEALED,
                "copy at " + wrong.at().start() + ": " + wrong.why()));
  }

  private void change(UnaryOperator<PoolLabel> how) throws IOException {
    lock.lock();
    try {
      PoolLabel changed = how.apply(label);
      LabelStore.write(leaf, changed);
      label = changed;
    } finally {
      lock.unlock();
    }
  }
}

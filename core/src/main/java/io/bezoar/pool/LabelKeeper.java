package io.bezoar.pool;

import io.bezoar.dax.DaxDevice;
import io.bezoar.media.ByteRange;
import io.bezoar.media.Units;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.UnaryOperator;

/**
 * The label of one device of an open pool: changes it durably, one change at a time, and keeps its
 * copies whole. Thread-safe.
 */
final class LabelKeeper {
  private final DaxDevice leaf;
  private final ReentrantLock lock = new ReentrantLock();
  private PoolLabel label; // guarded by lock

  LabelKeeper(DaxDevice leaf, PoolLabel label) {
    this.leaf = leaf;
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

  /** Replaces the label, durably; on failure it stays what it was in memory. */
  void change(UnaryOperator<PoolLabel> how) throws IOException {
    lock.lock();
    try {
      PoolLabel changed = how.apply(label);
      LabelStore.write(leaf, changed);
      label = changed;
    } finally {
      lock.unlock();
    }
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

  /** Takes the label away: what lies there is no device of a pool any more. */
  void erase() throws IOException {
    lock.lock();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment zeroes = arena.allocate(Units.PAGE_BYTES, Units.PAGE_BYTES);
      PoolLayout layout = label.layout();
      for (ByteRange copy : List.of(layout.firstLabel(), layout.secondLabel())) {
        if (!leaf.recoveryWrite(copy.start(), zeroes).complete()) {
          throw new UnwritableLabelException(leaf.info().name(), copy);
        }
      }
    } finally {
      lock.unlock();
    }
  }

  /** Rewrites one copy that was found wrong when the device was opened. */
  void heal(LabelStore.WrongCopy wrong) throws IOException {
    lock.lock();
    try {
      LabelStore.heal(leaf, label, wrong.at());
    } finally {
      lock.unlock();
    }
  }
}

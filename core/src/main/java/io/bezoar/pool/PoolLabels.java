package io.bezoar.pool;

import io.bezoar.health.EventLog;
import io.bezoar.health.ScrubLedger;
import io.bezoar.health.ScrubRecord;
import java.io.IOException;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * What the labels of an open pool say alike, on every device that is there.
 *
 * <p><b>Invariant.</b> Every change has a greater generation than the one before, and is durable on
 * at least one device when it returns; so of labels that differ, the greatest generation is right,
 * and a device that missed changes is told from one that did not. A device that cannot take a
 * change is behind, not in the way. A label says which devices were to take it, too: one of those
 * that has a label more than one generation older is an old copy of itself ({@link PoolSearch}).
 * Thread-safe; changes come one at a time.
 */
final class PoolLabels implements ScrubLedger {
  private static final System.Logger LOG = System.getLogger(PoolLabels.class.getName());

  private final EventLog events;
  private final ReentrantLock lock = new ReentrantLock();
  // Guarded by lock.
  private final Map<Integer, LabelKeeper> keepers = new TreeMap<>();
  private final Set<Integer> failing = new TreeSet<>();
  private PoolLabel newest;

  /**
   * Keeps no label yet.
   *
   * @param newest the label with the greatest generation
   */
  PoolLabels(EventLog events, PoolLabel newest) {
    this.events = events;
    this.newest = newest;
  }

  /** What all labels say; what is a device's own in it is that of one of them. */
  PoolLabel newest() {
    lock.lock();
    try {
      return newest;
    } finally {
      lock.unlock();
    }
  }

  PoolConfig config() {
    return newest().config();
  }

  /** From now on this device's label changes with the others. */
  void add(Member member) {
    lock.lock();
    try {
      keepers.put(member.number(), member.labels());
    } finally {
      lock.unlock();
    }
  }

  /** The device is not there any more. */
  void remove(int device) {
    lock.lock();
    try {
      keepers.remove(device);
      failing.remove(device);
      if (newest.deviceNumber() == device && !keepers.isEmpty()) {
        // The label in hand must stand on a device that the next config lists.
        newest = keepers.values().iterator().next().label().like(newest);
      }
    } finally {
      lock.unlock();
    }
  }

  /** Notes durably how the pool was left. */
  void leave(PoolLabel.Shutdown shutdown) throws IOException {
    change(before -> before.withShutdown(shutdown, events.lastSequence()));
  }

  /** Makes {@code config}, with the next generation, the one that counts. */
  PoolConfig reconfigure(UnaryOperator<PoolConfig> how) throws IOException {
    lock.lock();
    try {
      change(before -> before.withConfig(how.apply(before.config()), events.lastSequence()));
      return newest.config();
    } finally {
      lock.unlock();
    }
  }

  /** Brings the labels of devices that came later, or missed a change, up to the others. */
  void align() throws IOException {
    change(before -> before.withShutdown(before.shutdown(), events.lastSequence()));
  }

  @Override
  public ScrubRecord load() {
    return newest().scrub();
  }

  @Override
  public void save(ScrubRecord record) throws IOException {
    change(before -> before.withScrub(record, events.lastSequence()));
  }

  private void change(UnaryOperator<PoolLabel> how) throws IOException {
    lock.lock();
    try {
      Set<Integer> failedBefore = Set.copyOf(failing);
      store(how.apply(newest));
      if (!failedBefore.containsAll(failing)) {
        // The others say that this one took the change: say that it did not.
        store(newest.withShutdown(newest.shutdown(), newest.eventSequence()));
      }
    } finally {
      lock.unlock();
    }
  }

  private void store(PoolLabel next) throws IOException {
    PoolLabel changed = next.takenBy(next.config().isVersion1() ? 0 : takers());
    boolean stored = false;
    IOException failure = null;
    for (Map.Entry<Integer, LabelKeeper> keeper : keepers.entrySet()) {
      try {
        keeper.getValue().change(own -> own.like(changed));
        failing.remove(keeper.getKey());
        stored = true;
      } catch (IOException behind) {
        failing.add(keeper.getKey());
        failure = remember(failure, behind);
        LOG.log(
            System.Logger.Level.WARNING,
            "the label of device " + keeper.getKey() + " could not be changed",
            behind);
      }
    }
    if (!stored && failure != null) {
      throw failure;
    }
    newest = changed;
  }

  /** The devices that are going to take a change, as far as one can know. */
  private long takers() {
    return keepers.keySet().stream()
        .filter(device -> !failing.contains(device))
        .mapToLong(PoolLabel::bitOf)
        .reduce(0, (some, one) -> some | one);
  }

  private static IOException remember(@Nullable IOException first, IOException next) {
    if (first == null) {
      return next;
    }
    first.addSuppressed(next);
    return first;
  }
}

package io.bezoar.target;

import io.bezoar.dax.UnpersistedRegions;
import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import io.bezoar.media.PersistFailedException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * What the children of a target have yet to make durable.
 *
 * <p><b>Invariant.</b> A write that returned is durable after a persist that returned. A child that
 * went away with writes that were not persisted, and one that came back perhaps without them, make
 * the next persist fail; and once failed it fails for ever.
 *
 * <p><b>Protocol.</b> A write marks its bytes when it has ended, before it returns: one that failed
 * promised nothing. A persist takes the marks, and gives them back when it fails. Persists run one
 * at a time: one that finds nothing to do must not return before another has done it. Those that
 * waited then find nothing, so many waiting at once cost one.
 */
final class OwedPersists {
  /** Persists the child of a slot. */
  interface Persister {
    /**
     * Persists.
     *
     * @param written false when it is only for what the child itself has recorded
     * @throws PersistFailedException when something written is not, or may not be, durable
     */
    void persist(int slot, Written written) throws IOException;
  }

  /** Whether the target itself has written to a child since its last good persist. */
  enum Written {
    SOMETHING,
    NOTHING
  }

  private static final class Slot {
    final UnpersistedRegions written;

    /** Something was said of, or to, the child that its next persist makes durable. */
    final AtomicBoolean concerned = new AtomicBoolean();

    Slot(UnpersistedRegions written) {
      this.written = written;
    }
  }

  private final String name;
  private final List<Slot> slots = new ArrayList<>();
  private final AtomicLong failures = new AtomicLong();

  /** Held by persists, over I/O, and while a child is replaced. */
  private final ReentrantLock lock = new ReentrantLock();

  // Guarded by lock.
  private @Nullable PersistFailedException failed;

  /** Why the next persist fails although every child is there; null when it need not. */
  private @Nullable String cameBackWithout;

  OwedPersists(String name, AddressMap map) {
    this.name = name;
    for (int slot = 0; slot < map.slots(); slot++) {
      slots.add(new Slot(new UnpersistedRegions(map.used(slot).end())));
    }
  }

  /** {@code [start, end)} of a child, not empty, was written. */
  void mark(int slot, long start, long end) {
    slots.get(slot).written.mark(start, end);
  }

  /** The next persist is to reach this child, although nothing was written to it. */
  void concern(int slot) {
    slots.get(slot).concerned.set(true);
  }

  /** Persists that failed although no child's did. */
  long failures() {
    return failures.get();
  }

  /** Keeps persists out, over I/O. */
  void lock() {
    lock.lock();
  }

  void unlock() {
    lock.unlock();
  }

  /** What the next persist will fail with although every child is there; null when it need not. */
  @Nullable String whyTheNextFails() {
    lock.lock();
    try {
      return failed == null ? cameBackWithout : null;
    } finally {
      lock.unlock();
    }
  }

  /** Has every child persisted that owes something, and then throws the first failure. */
  void persist(Persister persister) throws IOException {
    lock.lock();
    try {
      if (failed != null) {
        throw new PersistFailedException(name, "it failed before", failed);
      }
      if (cameBackWithout != null) {
        failures.incrementAndGet();
        throw fail(cameBackWithout, null);
      }
      IOException first = null;
      for (int slot = 0; slot < slots.size(); slot++) {
        try {
          persist(slot, persister);
        } catch (IOException e) {
          first = joined(first, e);
        }
      }
      if (first != null) {
        throw first;
      }
    } finally {
      lock.unlock();
    }
  }

  private void persist(int slot, Persister persister) throws IOException {
    Slot at = slots.get(slot);
    UnpersistedRegions.Taken written = at.written.take();
    boolean concerned = at.concerned.getAndSet(false);
    if (written.isEmpty() && !concerned) {
      return;
    }
    boolean done = false;
    try {
      persister.persist(slot, written.isEmpty() ? Written.NOTHING : Written.SOMETHING);
      done = true;
    } finally {
      if (!done) {
        giveBack(slot, written.ranges());
        concern(slot);
      }
    }
  }

  /** Makes this and every later persist fail. */
  PersistFailedException fail(String why, @Nullable Throwable cause) {
    PersistFailedException now = new PersistFailedException(name, why, cause);
    lock.lock();
    try {
      if (failed == null) {
        failed = now;
      }
    } finally {
      lock.unlock();
    }
    return now;
  }

  /** As {@link #fail} when no child counts it. */
  PersistFailedException failAndCount(String why, @Nullable Throwable cause) {
    failures.incrementAndGet();
    return fail(why, cause);
  }

  /** What was written to the child and not persisted; it is owed no more. */
  ByteRanges take(int slot) {
    return slots.get(slot).written.take().ranges();
  }

  /** It is owed all the same. */
  void giveBack(int slot, ByteRanges written) {
    for (ByteRange range : written.asList()) {
      mark(slot, range.start(), range.end());
    }
  }

  /** The next persist fails: a child came back, and what was written to it may have not. */
  void cameBackWithout(String why) {
    lock.lock();
    try {
      if (cameBackWithout == null) {
        cameBackWithout = why;
      }
    } finally {
      lock.unlock();
    }
  }

  static IOException joined(@Nullable IOException first, IOException next) {
    if (first == null) {
      return next;
    }
    first.addSuppressed(next);
    return first;
  }
}

package io.bezoar.tree;

import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.DeviceState;
import io.bezoar.dax.DeviceUnavailableException;
import java.io.IOException;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Makes what was applied durable: one commit at a time, each by one root flip.
 *
 * <p><b>Threat.</b> The power may go before any store. A store or a persist may fail, with any part
 * of it done.
 *
 * <p><b>Protocol.</b> A commit takes what has been gathered, stores nodes in pages that nothing
 * durable reaches, persists, writes the pair of root slots that does not hold the newest commit,
 * persists, and only then lets the pages it freed rest, the ones before be used again, and
 * everybody know. A commit that fails leaves the forest for reading only: nobody knows what is on
 * the media of it, so no page may be handed out after it, and the newest durable commit stays what
 * it was. Before the first change, the newest commit is repeated in the other pair: pages that it
 * freed are in reach of the older root until then.
 *
 * <p><b>Locks.</b> {@code committing}, one for all of it, then the right to write, for the moment
 * of taking. Thread-safe.
 */
final class Commits {
  private final DaxDevice device;
  private final NodeStore store;
  private final RootSlots slots;
  private final PageAllocator allocator;
  private final CommittedSpace space;
  private final Room room;
  private final Readers readers;
  private final Applied applied;
  private final ReentrantLock committing = new ReentrantLock();

  /** The pair of slots that holds the newest durable commit. Guarded by committing. */
  private int currentPair;

  /** Both pairs hold commits that reach nothing that may be handed out. */
  private volatile boolean settled;

  private volatile long durableTicket;
  private volatile @Nullable Throwable failed;
  private volatile boolean closed;

  /** No transaction begins any more. */
  private volatile boolean closing;

  /** Why a commit is made. */
  enum Reason {
    /** For what was applied, if anything. */
    CHANGES,
    /** For its own sake: so that pages rest no longer. */
    FLIP,
    /** To take released holds apart. */
    PRUNE,
    /** To make the tree of what is in use anew. */
    REBUILD
  }

  Commits(
      DaxDevice device,
      NodeStore store,
      RootSlots slots,
      int currentPair,
      PageAllocator allocator,
      CommittedSpace space,
      Room room,
      Readers readers,
      Applied applied) {
    this.device = device;
    this.store = store;
    this.slots = slots;
    this.currentPair = currentPair;
    this.allocator = allocator;
    this.space = space;
    this.room = room;
    this.readers = readers;
    this.applied = applied;
  }

  private String name() {
    return device.info().name();
  }

  // What can be done.

  void checkOpen() {
    if (closed) {
      throw new IllegalStateException("the forest on " + name() + " is closed");
    }
  }

  /** Nothing may change from now on, because of this. */
  void fail(Throwable why) {
    failed = why;
  }

  /**
   * Refuses transactions that cannot be made.
   *
   * @throws ForestFailedException when something failed before
   * @throws DeviceUnavailableException when the device takes no writes
   */
  void checkBegin() throws IOException {
    if (closing) {
      throw new IllegalStateException("the forest on " + name() + " is being closed");
    }
    checkUsable();
  }

  boolean hasFailed() {
    return failed != null;
  }

  /**
   * Refuses changes that cannot be made.
   *
   * @throws ForestFailedException when something failed before
   * @throws DeviceUnavailableException when the device takes no writes
   */
  void checkUsable() throws IOException {
    checkOpen();
    Throwable why = failed;
    if (why != null) {
      throw new ForestFailedException(name(), why);
    }
    DeviceState state = device.state();
    if (state != DeviceState.ONLINE && state != DeviceState.PARTIAL) {
      throw new DeviceUnavailableException(
          name(), state, "the forest takes no changes: its device is " + state, null);
    }
  }

  /** Makes the rest durable, and nothing after that. Idempotent. */
  void close() throws IOException {
    if (closed) {
      return;
    }
    try {
      closing = true;
      // Whoever writes now is waited for; whoever comes later is refused.
      applied.acquire();
      applied.release();
      persist(applied.ticket());
    } finally {
      closed = true;
    }
  }

  // Making commits.

  /** Number of the last transaction that is durable. */
  long durableTicket() {
    return durableTicket;
  }

  /** Makes everything durable up to a transaction. */
  void persist(long ticket) throws IOException {
    while (durableTicket < ticket) {
      make(Reason.CHANGES);
    }
  }

  /** A new forest: there is no older root. */
  void settled() {
    settled = true;
  }

  /** An empty commit in the other pair of slots, before any page is handed out. */
  void settle() throws IOException {
    if (settled) {
      return;
    }
    committing.lock();
    try {
      if (settled) {
        return;
      }
      checkUsable();
      Durable durable = readers.durable();
      ForestLayout.Root root = durable.root();
      makeSlotsEqual(root);
      ForestLayout.Root next =
          new ForestLayout.Root(
              root.forest(),
              applied.nextCommit() - 1,
              root.sizeBytes(),
              root.freePages(),
              root.slots(),
              root.trees());
      slots.write(1 - currentPair, next);
      currentPair = 1 - currentPair;
      readers.durable(new Durable(next, durable.holds()));
      settled = true;
    } catch (DeviceUnavailableException notThere) {
      // Whatever of it is on media says what the newest commit says: it is done again later.
      throw notThere;
    } catch (IOException | RuntimeException e) {
      failed = e;
      throw e;
    } finally {
      committing.unlock();
    }
  }

  /** Makes a commit, when there is a reason for one. */
  void make(Reason reason) throws IOException {
    committing.lock();
    try {
      checkUsable();
      Gathering taken = take(reason);
      if (taken == null) {
        return;
      }
      try {
        commit(taken);
      } catch (IOException | RuntimeException | Error e) {
        failed = e;
        throw e;
      } finally {
        applied.commitEnded();
        room.promise(0);
      }
    } finally {
      committing.unlock();
    }
    applied.trySettle();
  }

  private @Nullable Gathering take(Reason reason) throws ForestFullException {
    applied.acquire();
    try {
      Durable durable = readers.durable();
      Gathering gathered = applied.gathering();
      if (reason == Reason.CHANGES && !gathered.changes(durable.root().trees())) {
        durableTicket = gathered.ticket;
        return null;
      }
      long left = room.pagesFor(gathered, durable);
      if (reason == Reason.REBUILD) {
        room.requireSpaceNodes(left);
        gathered.rebuilt = space.rebuilt();
      }
      room.promise(allocator.available() - left);
      if (reason == Reason.PRUNE) {
        // Each entry may take two paths of the tree of held pages, besides what is promised.
        gathered.pruned = Math.clamp((left - 16) / 12, 1, Committer.PRUNED_MAX);
      }
      return applied.take();
    } finally {
      applied.release();
    }
  }

  /** Nodes → persist → root slots → persist → known to all. */
  private void commit(Gathering taken) throws IOException {
    Committer committer =
        new Committer(
            device,
            store,
            allocator,
            applied.newOwner(),
            taken,
            readers.durable(),
            readers.openHolds());
    Durable next = committer.run();
    device.persist();
    slots.write(1 - currentPair, next.root());
    currentPair = 1 - currentPair;
    allocator.committed(
        next.commit(), committer.allAllocated, committer.allFreed, () -> readers.durable(next));
    durableTicket = taken.ticket;
    allocator.reuse(readers.reusable());
  }

  /**
   * Makes the tree of what is in use anew.
   *
   * @return false when a commit came in between, and nothing was done
   */
  boolean rebuild(Rebuilt found) throws IOException {
    committing.lock();
    try {
      checkUsable();
      if (readers.durable().commit() != found.commit()) {
        return false;
      }
      // What the other root reaches of the old tree may be unknown, and is taken to be free.
      try {
        slots.write(1 - currentPair, readers.durable().root());
      } catch (IOException | RuntimeException e) {
        failed = e;
        throw e;
      }
      space.sayInstead(found);
      allocator.readAnew(found.freePages());
      make(Reason.REBUILD);
      return true;
    } finally {
      space.sayInstead(null);
      committing.unlock();
    }
  }

  /** Rewrites copies of the newest root that are not what they should be. */
  void healSlots() throws IOException {
    committing.lock();
    try {
      makeSlotsEqual(readers.durable().root());
    } finally {
      committing.unlock();
    }
  }

  private void makeSlotsEqual(ForestLayout.Root root) throws IOException {
    for (int slot : slots.differing(currentPair, root)) {
      slots.replace(slot, root);
    }
  }
}

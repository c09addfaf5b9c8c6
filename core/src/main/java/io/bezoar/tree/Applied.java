package io.bezoar.tree;

import java.util.List;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * What transactions have applied and no commit has taken yet, and the right to write.
 *
 * <p><b>Invariant.</b> At most one has the right to write: an open transaction, or a commit while
 * it takes what was gathered. Everybody sees what the last applied transaction left, durable or
 * not.
 *
 * <p>The right to write is no lock of a thread: the transaction that has it may be ended by
 * another. Thread-safe, where nothing else is said.
 */
final class Applied {
  private final Semaphore writer = new Semaphore(1);
  private final AtomicLong owners = new AtomicLong();

  /** Changed by whoever has the right to write; another one comes only while commits are made. */
  private Gathering gathering;

  /** What a commit that runs now took. */
  private volatile @Nullable Gathering taken;

  private volatile List<TreeRoot> roots;
  private volatile long ticket;

  /**
   * Nothing yet.
   *
   * @param commit number of the first commit to be made
   * @param roots of all trees, as they are
   */
  Applied(long commit, List<TreeRoot> roots) {
    this.gathering = new Gathering(commit, roots, 0);
    this.roots = roots;
  }

  /** All trees as the last applied transaction left them. */
  List<TreeRoot> roots() {
    return roots;
  }

  /** Number of the last applied transaction. */
  long ticket() {
    return ticket;
  }

  /** Tells whoever changes nodes in memory from every other. */
  long newOwner() {
    return owners.incrementAndGet();
  }

  /** Waits for the right to write. */
  void acquire() {
    writer.acquireUninterruptibly();
  }

  void release() {
    writer.release();
  }

  /** What was gathered. For whoever has the right to write. */
  Gathering gathering() {
    return gathering;
  }

  /** Number of the next commit. For whoever makes commits. */
  long nextCommit() {
    return gathering.commit;
  }

  /** Takes over what a transaction leaves, and gives its right to write back. */
  long add(Transaction transaction) {
    try {
      Gathering to = gathering;
      to.allocated.addAll(transaction.allocated());
      to.freed.addAll(transaction.freed);
      to.replaced.addAll(transaction.replaced);
      to.groups.or(transaction.groups);
      to.releases.addAll(transaction.releases);
      transaction.dataFreed().within(0, Long.MAX_VALUE, to.dataFreed::add);
      to.dirtyNodes += transaction.dirtyNodes;
      to.olderFreed += transaction.olderFreed;
      to.hold = transaction.hold;
      to.roots = List.copyOf(transaction.roots());
      to.ticket++;
      roots = to.roots;
      ticket = to.ticket;
      return to.ticket;
    } finally {
      writer.release();
    }
  }

  /** Hands what was gathered to a commit. For whoever has the right to write and makes commits. */
  Gathering take() {
    Gathering next = gathering;
    taken = next;
    gathering = new Gathering(next.commit + 1, next.roots, next.ticket);
    return next;
  }

  /** The commit that took something has ended, well or not. */
  void commitEnded() {
    taken = null;
  }

  /** Lets go of nodes in memory that have their places. For whoever has the right to write. */
  void settleRoots() {
    gathering.roots = gathering.roots.stream().map(TreeRoot::settled).toList();
  }

  /** The same for what readers see, unless somebody writes: the next one does it then. */
  void trySettle() {
    if (writer.tryAcquire()) {
      settleRoots();
      roots = gathering.roots;
      writer.release();
    }
  }

  /**
   * True when one of these data pages was freed by a transaction that is not durable yet. For
   * whoever has the right to write.
   */
  boolean isBeingFreed(long start, long end) {
    Gathering running = taken;
    return gathering.dataFreed.overlaps(start, end)
        || (running != null && running.dataFreed.overlaps(start, end));
  }

  /** True when a commit that runs now makes a hold of this name. */
  boolean isBeingHeld(String name) {
    Gathering running = taken;
    return running != null && name.equals(running.hold);
  }
}

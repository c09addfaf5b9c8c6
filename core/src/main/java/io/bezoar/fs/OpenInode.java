package io.bezoar.fs;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.StampedLock;
import org.jspecify.annotations.Nullable;

/**
 * What is kept in memory of a file while somebody has it open or changes it.
 *
 * <p><b>Protocol.</b> Whoever changes extents or size holds {@link #lock} for writing, over the
 * whole change; it comes before the forest's right to write. Readers do not take it: they read with
 * an optimistic stamp, and whatever they got, an exception included, counts only if the stamp still
 * holds. So no pin is needed for pages that are being read: a page can be used again only after it
 * was taken from this file, with the lock held. {@link #seen} is what readers remember of the file;
 * {@link #version} goes up with every change, before the lock is released, and what was remembered
 * under another number is not used.
 */
final class OpenInode {
  final long number;
  final StampedLock lock = new StampedLock();

  /** Guarded by the table. */
  int users;

  /** Written with the lock held for writing. */
  private volatile long version;

  private volatile @Nullable Seen seen;

  /** True once the last name is gone; written with the lock held for writing. */
  volatile boolean nameless;

  /**
   * Files that are open on it. One without a name that is not open is on its way out, perhaps taken
   * apart in part, whoever else has this.
   */
  final AtomicInteger handles = new AtomicInteger();

  final SyncState sync;

  /** A part of the file as it was under one version. */
  record Seen(long version, FileWindow window) {}

  OpenInode(long number, long appliedTicket) {
    this.number = number;
    this.sync = new SyncState(appliedTicket);
  }

  long version() {
    return version;
  }

  @Nullable FileWindow window() {
    Seen now = seen;
    return now == null || now.version() != version ? null : now.window();
  }

  void see(long asOf, FileWindow window) {
    seen = new Seen(asOf, window);
  }

  /** Called with the lock held for writing, after the change was applied. */
  @SuppressWarnings("NonAtomicVolatileUpdate") // one writer, which has the lock
  void changed() {
    version++;
  }
}
